"""Every state of a feed by the W3C's feed validator, where it is installed.

It is no package (https://github.com/w3c/feedvalidator): clone it, install its requirements, and put
both on the path. With `-s` the test prints a line for each state and format:

    PYTHONPATH=…/feedvalidator/src:…/site-packages ./run test \\
        tests/service/feeds/test_w3c_validator.py -s

JSON Feed, which the validator does not read, is judged by its schema.
"""

from __future__ import annotations

import importlib.util
from collections import Counter
from collections.abc import Sequence
from typing import Any, Final

import pytest
from flask.testing import FlaskClient
from redis import Redis

from tests.service.conftest import SITE
from tests.service.feed_states import FEED_STATES, MARKUP, TEXTS, fill_store
from tests.service.feeds.validity import VALIDATE

ACCEPTED: Final = {
    "UnknownNamespace http://arxiv.org/schemas/atom",  # arXiv's own, as in its API
    "SecurityRiskAttr alttext",  # of `math`, in MathML Core; the validator's list is older
}
ACCEPTED_IN_MARKUP: Final = {"ContainsHTML", "ContainsUndeclaredHTML"}
"""Authors may write `<b>`: it is text, and the validator takes it for a mistake of the feed's."""


if importlib.util.find_spec("feedvalidator"):

    @pytest.mark.timeout(600)
    @pytest.mark.parametrize("texts", [TEXTS, MARKUP], ids=["texts", "markup"])
    def test_validator_finds_nothing_in_any_state(
        client: FlaskClient, redis: Redis, texts: Sequence[str]
    ) -> None:
        validator = importlib.import_module("feedvalidator")
        fill_store(redis, texts)
        for state, path in FEED_STATES.items():
            for suffix in ("atom", "rss"):
                body = _body(client, path.format(suffix))
                found = _findings(validator, body, SITE + path.format(suffix))
                left = {finding for finding in found if finding not in ACCEPTED}
                if texts is MARKUP:
                    left = {
                        finding for finding in left if finding.split()[0] not in ACCEPTED_IN_MARKUP
                    }
                count = body.count(b"</entry>") + body.count(b"</item>")
                print(f"{state} | {suffix} | {count} entries | {_verdict(found)}")
                assert not left, (state, suffix)


def test_json_feed_is_valid_in_every_state(client: FlaskClient, redis: Redis) -> None:
    fill_store(redis, (*TEXTS, *MARKUP))
    for path in FEED_STATES.values():
        VALIDATE["json"](_body(client, path.format("json")))


def _body(client: FlaskClient, path: str) -> bytes:
    response = client.get(path)
    assert response.status_code == 200, (path, response.text)
    return bytes(response.data)


def _findings(validator: Any, body: bytes, url: str) -> Counter[str]:
    """Return the errors and warnings, by kind and what they are about."""
    events = validator.validateString(body, firstOccurrenceOnly=0, base=url)["loggedEvents"]
    kinds = (validator.logging.Error, validator.logging.Warning)
    return Counter(_name(event) for event in events if isinstance(event, kinds))


def _name(event: Any) -> str:
    about = (event.params.get(name) for name in ("namespace", "attr", "value"))
    return " ".join([type(event).__name__, *[str(text) for text in about if text]])


def _verdict(found: Counter[str]) -> str:
    return ", ".join(f"{count} {name}" for name, count in found.items()) or "valid"
