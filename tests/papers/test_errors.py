from __future__ import annotations

import inspect

import pytest

from papers import errors
from papers.errors import BadParameter, BadQuery, PaperwireError, SourceRefused


def class_tree(error: type[PaperwireError], depth: int = 0) -> list[str]:
    children = [line for child in error.__subclasses__() for line in class_tree(child, depth + 1)]
    return [f"{'  ' * depth}{error.__name__}", *children]


def test_tree_in_the_docstring_is_the_class_tree() -> None:
    drawn = [
        (len(line) - len(line.lstrip(" │├└─")), line.strip(" │├└─").split()[0])
        for line in inspect.getdoc(errors).splitlines()  # type: ignore[union-attr]
        if "── " in line or line.strip() == "PaperwireError"
    ]
    indents = sorted({indent for indent, _ in drawn})
    outline = [f"{'  ' * indents.index(indent)}{name}" for indent, name in drawn]
    assert outline == class_tree(PaperwireError)


def test_every_error_has_a_docstring() -> None:
    for _, error in inspect.getmembers(errors, inspect.isclass):
        assert error.__doc__


def test_bad_query_has_reason_position_and_hint() -> None:
    error = BadQuery("no closing bracket", text="(a", position=0, hint="add )")
    assert str(error) == "no closing bracket (at character 1 of '(a'): add )"
    assert (error.position, error.hint) == (0, "add )")


def test_bad_parameter_names_the_parameter() -> None:
    assert str(BadParameter("n", "must be 1 to 200")) == "n: must be 1 to 200"


@pytest.mark.parametrize("retry_after", [None, 55.0])
def test_refusal_carries_the_requested_wait(retry_after: float | None) -> None:
    assert SourceRefused("429", retry_after=retry_after).retry_after == retry_after
