from __future__ import annotations

import inspect

import pytest

from papers import errors
from papers.errors import BadParameter, BadQuery, PaperwireError, SourceRefused


def _tree(kind: type[PaperwireError], depth: int = 0) -> list[str]:
    below = [line for child in kind.__subclasses__() for line in _tree(child, depth + 1)]
    return [f"{'  ' * depth}{kind.__name__}", *below]


def test_the_tree_in_the_docstring_is_the_tree() -> None:
    drawn = [
        (len(line) - len(line.lstrip(" │├└─")), line.strip(" │├└─").split()[0])
        for line in inspect.getdoc(errors).splitlines()  # type: ignore[union-attr]
        if "Error  " in line or "── " in line or line.strip() == "PaperwireError"
    ]
    indents = sorted({indent for indent, _ in drawn})
    shown = [f"{'  ' * indents.index(indent)}{name}" for indent, name in drawn]
    assert shown == _tree(PaperwireError)


def test_every_error_is_explained() -> None:
    for _, kind in inspect.getmembers(errors, inspect.isclass):
        assert kind.__doc__


def test_a_bad_query_says_what_where_and_how_to_mend_it() -> None:
    error = BadQuery("no closing bracket", text="(a", position=0, hint="add )")
    assert str(error) == "no closing bracket (at character 1 of '(a'): add )"
    assert (error.position, error.hint) == (0, "add )")


def test_a_bad_parameter_has_a_name() -> None:
    assert str(BadParameter("n", "must be 1 to 200")) == "n: must be 1 to 200"


@pytest.mark.parametrize("retry_after", [None, 55.0])
def test_a_refusal_carries_the_wait_it_asked_for(retry_after: float | None) -> None:
    assert SourceRefused("429", retry_after=retry_after).retry_after == retry_after
