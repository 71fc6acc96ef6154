"""The API contract: what of an OpenAPI description a later one has removed or narrowed.

    python -m tests.api_contract 0.2.0      writes the description of a release to docs/api/

A later description may take more (other parameters, values, types, bodies) and give more (other
members, headers, statuses of errors). What it took before it must take, and what it gave before it
must give: a member that was always there is always there, and has no value of a new kind.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final, NamedTuple

from service.json_api.openapi import openapi_document

RELEASES: Final = Path(__file__).parents[1] / "docs" / "api"
_METHODS: Final = ("get", "put", "post", "delete", "patch", "head", "options")
_LOWER_BOUNDS: Final = ("minimum", "minLength", "minItems")
_UPPER_BOUNDS: Final = ("maximum", "maxLength", "maxItems")
_CHOICES: Final = ("oneOf", "anyOf")
_ANY: Final = object()
_Found = Iterator[str]


class _Schemas(NamedTuple):
    """The components that references of the earlier and of the later description lead to."""

    before: Mapping[str, Any]
    after: Mapping[str, Any]


def find_narrowings(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[str]:
    """Return what a later description has removed or narrowed, each with its place."""
    return [*_compare_paths(before, after)]


def release_document() -> str:
    """Return the description of this code, as it is kept in the repository."""
    document = openapi_document("https://paperwire.example")
    return json.dumps(document, indent=1, ensure_ascii=False, sort_keys=True) + "\n"


def _compare_paths(before: Mapping[str, Any], after: Mapping[str, Any]) -> _Found:
    schemas = _Schemas(before["components"]["schemas"], after["components"]["schemas"])
    for path, item in before["paths"].items():
        for method in filter(item.get, _METHODS):
            place = f"{method.upper()} {path}"
            operation = after["paths"].get(path, {}).get(method)
            if operation is None:
                yield f"{place} is removed"
            else:
                yield from _compare_operations(item[method], operation, schemas, place)


def _compare_operations(
    before: Mapping[str, Any], after: Mapping[str, Any], schemas: _Schemas, place: str
) -> _Found:
    if after.get("security") and not before.get("security"):
        yield f"{place} needs a token"
    yield from _compare_parameters(before, after, schemas, place)
    yield from _compare_request_bodies(before, after, schemas, place)
    for status, response in before["responses"].items():
        if status.startswith("2"):
            later = after["responses"].get(status)
            if later is None:
                yield f"{place}: status {status} is removed"
            else:
                yield from _compare_responses(response, later, schemas, f"{place}: {status}")


def _compare_parameters(
    before: Mapping[str, Any], after: Mapping[str, Any], schemas: _Schemas, place: str
) -> _Found:
    known, later = _by_name(before), _by_name(after)
    for name, parameter in known.items():
        where = f"{place}: {name}"
        if name not in later:
            yield f"{where} is removed"
            continue
        if later[name].get("required") and not parameter.get("required"):
            yield f"{where} is required"
        if parameter["schema"].get("default") != later[name]["schema"].get("default"):
            yield f"{where} has another default"
        yield from _compare_taken(parameter["schema"], later[name]["schema"], schemas, where)
    for name in later.keys() - known.keys():
        if later[name].get("required"):
            yield f"{place}: {name} is new, and required"


def _by_name(operation: Mapping[str, Any]) -> dict[str, Any]:
    return {f"{p['in']} {p['name']}": p for p in operation.get("parameters", ())}


def _compare_request_bodies(
    before: Mapping[str, Any], after: Mapping[str, Any], schemas: _Schemas, place: str
) -> _Found:
    known, later = before.get("requestBody", {}), after.get("requestBody", {})
    if later.get("required") and not known.get("required"):
        yield f"{place} needs a body"
    for kind, content in known.get("content", {}).items():
        where = f"{place}: {kind} body"
        if kind not in later.get("content", {}):
            yield f"{where} is removed"
        else:
            taken = later["content"][kind].get("schema", {})
            yield from _compare_taken(content.get("schema", {}), taken, schemas, where)


def _compare_responses(
    before: Mapping[str, Any], after: Mapping[str, Any], schemas: _Schemas, place: str
) -> _Found:
    for name in before.get("headers", {}).keys() - after.get("headers", {}).keys():
        yield f"{place}: header {name} is removed"
    for kind, content in before.get("content", {}).items():
        if kind not in after.get("content", {}):
            yield f"{place}: {kind} is removed"
        else:
            given = after["content"][kind].get("schema", {})
            yield from _compare_given(content.get("schema", {}), given, schemas, f"{place} {kind}")


def _compare_taken(before: Any, after: Any, schemas: _Schemas, place: str) -> _Found:
    """Compare the schemas of what is taken: the later one must accept all that the earlier did."""
    before, after = _resolve(before, schemas.before), _resolve(after, schemas.after)
    if missing := _kinds(before) - _kinds(after):
        yield f"{place}: {', '.join(sorted(missing))} is no longer taken"
    yield from _compare_limits(before, after, place)
    for name in set(after.get("required", ())) - set(before.get("required", ())):
        yield f"{place}: {name} is required"
    for name, member in before.get("properties", {}).items():
        if name not in after.get("properties", {}):
            yield f"{place}: {name} is removed"
        else:
            yield from _compare_taken(member, after["properties"][name], schemas, f"{place}.{name}")
    if "items" in before and "items" in after:
        yield from _compare_taken(before["items"], after["items"], schemas, f"{place}[]")


def _compare_limits(before: Mapping[str, Any], after: Mapping[str, Any], place: str) -> _Found:
    """Compare which values of a type are taken."""
    if "enum" in after and "enum" not in before:
        yield f"{place}: only some values are taken"
    elif not set(before.get("enum", ())) <= set(after.get("enum", before.get("enum", ()))):
        yield f"{place}: fewer values are taken"
    for bound in _LOWER_BOUNDS:
        if bound in after and after[bound] > before.get(bound, float("-inf")):
            yield f"{place}: {bound} is higher"
    for bound in _UPPER_BOUNDS:
        if bound in after and after[bound] < before.get(bound, float("inf")):
            yield f"{place}: {bound} is lower"
    for rule in ("pattern", "format"):
        if rule in after and after[rule] != before.get(rule):
            yield f"{place}: has another {rule}"


def _compare_given(
    before: Any, after: Any, schemas: _Schemas, place: str, seen: frozenset[str] = frozenset()
) -> _Found:
    """Compare the schemas of what is given: the later one may add members, and no kinds."""
    if reference := before.get("$ref", ""):
        if reference in seen:
            return
        seen |= {reference}
    before, after = _resolve(before, schemas.before), _resolve(after, schemas.after)
    if new := _kinds(after) - _kinds(before):
        yield f"{place}: may be {', '.join(sorted(new))}"
    if "enum" in before and not set(after.get("enum", [_ANY])) <= set(before["enum"]):
        yield f"{place}: may have other values"
    for name, member in before.get("properties", {}).items():
        if name not in after.get("properties", {}):
            yield f"{place}: {name} is removed"
            continue
        if name in before["required"] and name not in after["required"]:
            yield f"{place}: {name} may be missing"
        given = after["properties"][name]
        yield from _compare_given(member, given, schemas, f"{place}.{name}", seen)
    if "items" in before and "items" in after:
        yield from _compare_given(before["items"], after["items"], schemas, f"{place}[]", seen)


def _resolve(schema: Mapping[str, Any], components: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return what a reference leads to; of several schemas one with the members of all."""
    if "$ref" in schema:
        return _resolve(components[schema["$ref"].rpartition("/")[2]], components)
    choices = [_resolve(each, components) for name in _CHOICES for each in schema.get(name, ())]
    if not choices:
        return schema
    members = {name: value for choice in choices for name, value in choice.items()}
    return {**members, "type": sorted(set().union(*map(_kinds, choices)))}


def _kinds(schema: Mapping[str, Any]) -> set[str]:
    """Return the types of a schema; for a schema of anything all of them."""
    if "const" in schema or "enum" in schema:
        values = [schema["const"]] if "const" in schema else schema["enum"]
        return {"null" if value is None else "string" for value in values}
    kinds = schema.get("type", ["string", "integer", "number", "boolean", "array", "object"])
    return {kinds} if isinstance(kinds, str) else set(kinds)


def main(version: str) -> None:
    """Write the description of a release."""
    RELEASES.mkdir(exist_ok=True)
    path = RELEASES / f"openapi-{version}.json"
    path.write_text(release_document(), "utf-8")
    print(f"written: {path}")


if __name__ == "__main__":
    main(*sys.argv[1:])
