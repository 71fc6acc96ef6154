"""What writing views share: the JSON object in a body, and the response with what was written."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final

from flask import Response, request

from papers.errors import BadParameter
from service.context import AppContext
from service.http.responses import JSON_TYPE, to_json_bytes
from service.urls.params import abbreviate

_TYPE_NAMES: Final = {str: "a text", bool: "true or false"}
_UNSTORED: Final = {"Cache-Control": "no-store"}


def parse_object(
    body: bytes, required: Mapping[str, type], optional: Mapping[str, type] | None = None
) -> dict[str, Any]:
    """Return the JSON object in a body, whose members have these types. Raises BadParameter."""
    members = {**required, **(optional or {})}
    try:
        given = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise BadParameter("body", f"is no JSON ({error}); {_mend(members)}") from error
    if not isinstance(given, dict):
        raise BadParameter("body", f"is no JSON object; {_mend(members)}")
    for name, value in given.items():
        if name not in members:
            raise BadParameter(abbreviate(name), f"no such member; there are {', '.join(members)}")
        if not isinstance(value, members[name]):
            raise BadParameter(name, f"is not {_TYPE_NAMES[members[name]]}; {_mend(members)}")
        if isinstance(value, str) and not value.isascii():
            _require_unicode(name, value)
    for name in required:
        if name not in given:
            raise BadParameter(name, f"missing; {_mend(members)}")
    return given


def _mend(members: Mapping[str, type]) -> str:
    return f"send an object with {', '.join(members)}"


def _require_unicode(name: str, text: str) -> None:
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise BadParameter(name, "has half a character; send whole ones") from error


def written_response(
    ctx: AppContext, document: dict[str, Any], path: str, *, is_new: bool
) -> Response:
    """Return what was written: 201 and its URL if it is new, else 200."""
    url = ctx.settings.base_url + path
    headers = {**_UNSTORED, "Location" if is_new else "Content-Location": url}
    status = 201 if is_new else 200
    return Response(to_json_bytes(document), status, headers, content_type=JSON_TYPE)


def removed_response() -> Response:
    """Return the response to a removal."""
    return Response(status=204, headers=_UNSTORED)


def request_body() -> bytes:
    """Return the body of this request, whatever its content type says."""
    return request.get_data()
