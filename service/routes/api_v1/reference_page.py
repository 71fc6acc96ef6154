"""The reference of the API as a page, made from the OpenAPI description and nothing else."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from flask import Blueprint, Response, render_template, request
from markupsafe import Markup, escape

from service.cache.version_stamp import ALL_KEYWORDS
from service.context import context
from service.json_api.openapi import openapi_document
from service.pages.parts.page_response import cached_page
from service.urls.params import reject_parameters

reference = Blueprint("reference", __name__)
REFERENCE_PATH: Final = "/api"
_METHODS: Final = ("get", "post", "put", "delete")


@dataclass(frozen=True, slots=True)
class TypeText:
    """The type of a value in words; `schema` is the name of a schema that it ends with, or ""."""

    text: str
    schema: str = ""


@dataclass(frozen=True, slots=True)
class ValueRow:
    """A parameter, or a member of an object."""

    name: str
    type: TypeText
    is_required: bool
    description: str = ""


@dataclass(frozen=True, slots=True)
class ResponseRow:
    """A response of an operation, and the types of its bodies."""

    status: str
    description: str
    types: tuple[TypeText, ...]


@dataclass(frozen=True, slots=True)
class OperationRow:
    """An operation as the page shows it."""

    method: str
    path: str
    summary: str
    description: str
    parameters: tuple[ValueRow, ...]
    body: TypeText | None
    responses: tuple[ResponseRow, ...]

    @property
    def anchor(self) -> str:
        """The id of its heading."""
        return f"{self.method.lower()}{self.path}"


@reference.get(REFERENCE_PATH)
def page() -> Response:
    """Return the reference."""
    reject_parameters(request.args)
    ctx = context()

    def render(_: object) -> bytes:
        document = openapi_document(ctx.settings.base_url)
        schemas = document["components"]["schemas"]
        return render_template(
            "api.html",
            title=document["info"]["description"],
            site_url=ctx.settings.base_url,
            code_spans=code_spans,
            operations=[*operation_rows(document)],
            schemas={name: member_rows(schema) for name, schema in schemas.items()},
            q="",
        ).encode()

    return cached_page(REFERENCE_PATH, render, keywords=(ALL_KEYWORDS,))


def code_spans(text: str) -> Markup:
    """Return a description with what is between two backticks as code."""
    parts = [escape(part) for part in text.split("`")]
    return Markup("").join(
        Markup("<code>{}</code>").format(part) if n % 2 else part for n, part in enumerate(parts)
    )


def operation_rows(document: Mapping[str, Any]) -> Iterator[OperationRow]:
    """Yield the operations of a description, in its order."""
    for path, item in document["paths"].items():
        for method in _METHODS:
            if method in item:
                yield _operation_row(method, path, item[method])


def _operation_row(method: str, path: str, operation: Mapping[str, Any]) -> OperationRow:
    bodies = operation.get("requestBody", {}).get("content", {}).values()
    return OperationRow(
        method.upper(),
        path,
        operation["summary"],
        operation.get("description", ""),
        tuple(
            ValueRow(each["name"], describe_type(each["schema"]), each["required"], _about(each))
            for each in operation["parameters"]
        ),
        next((describe_type(body["schema"]) for body in bodies), None),
        tuple(
            ResponseRow(
                status,
                response["description"],
                tuple(
                    dict.fromkeys(
                        describe_type(body["schema"])
                        for body in response.get("content", {}).values()
                    )
                ),
            )
            for status, response in operation["responses"].items()
        ),
    )


def _about(parameter: Mapping[str, Any]) -> str:
    """Return the description of a parameter, with its default."""
    default = parameter["schema"].get("default")
    text = str(default).lower() if isinstance(default, bool) else default
    stated = "" if default is None else f" Default: {text}."
    return f"{parameter['description']}{stated}"


def member_rows(schema: Mapping[str, Any]) -> list[ValueRow]:
    """Return the members of an object."""
    required = schema["required"]
    return [
        ValueRow(name, describe_type(member), name in required)
        for name, member in schema["properties"].items()
    ]


def describe_type(schema: Mapping[str, Any]) -> TypeText:
    """Return the type that a schema describes."""
    if "$ref" in schema:
        return TypeText("", schema["$ref"].rpartition("/")[2])
    if "anyOf" in schema:  # an object or a list of them
        return TypeText("a list, or ", describe_type(schema["anyOf"][0]).schema)
    if "oneOf" in schema:
        (some,) = (each for each in schema["oneOf"] if each.get("type") != "null")
        return TypeText("null or ", describe_type(some).schema)
    if "const" in schema or "enum" in schema:
        values = [schema["const"]] if "const" in schema else schema["enum"]
        return TypeText("one of " * (len(values) > 1) + ", ".join(map(_value_text, values)))
    kinds = [schema["type"]] if isinstance(schema["type"], str) else schema["type"]
    if "array" in kinds:
        items = describe_type(schema["items"])
        return TypeText("null or " * ("null" in kinds) + f"list of {items.text}", items.schema)
    words = [schema.get("format", kind) for kind in kinds if kind != "null"]
    limits = [f"{schema[bound]:,}" for bound in ("minimum", "maximum") if bound in schema]
    text = " or ".join([*(["null"] if "null" in kinds else []), *words])
    return TypeText(f"{text} {' to '.join(limits)}".strip())


def _value_text(value: object) -> str:
    return "null" if value is None else str(value)
