from __future__ import annotations

import pytest

from papers.text.folding import tokenize
from papers.text.signs import dropped_signs, written_signs

# (a text, its words)
SIGNS = [
    ("C++ c++17 Objective-C++", "cplusplus cplusplus 17 objective cplusplus"),
    ("C# F# C\\# in A#", "csharp fsharp csharp in asharp"),
    (r"C*-algebra $C^*$-algebra C$^*$-algebras $C^{\ast}$", "cstar algebra " * 3 + "cstar"),
    (r"$\mathrm{C}^*$-algebra", "cstar algebra"),
    ("A* search, (A*) D* Lite", "astar search astar dstar lite"),
    ("Q&A H&E R\\&D AT&T", "qanda hande randd atandt"),
    ("the .NET, ASP.NET and .Net framework", "the dotnet asp dotnet and dotnet framework"),
    ("PointNet++ UNet++", "pointnet plusplus unet plusplus"),
    (r"#P-hard \#P and $\#\mathsf{P}$", "sharpp hard sharpp and sharpp"),
    ("a*b 2*3 x ** y + z & w # 1", "a b 2 3 x y z w 1"),
    ("hallucinat* RRT*", "hallucinat rrt"),
    ("the end.Net gain", "the end net gain"),
]


@pytest.mark.parametrize(("text", "words"), SIGNS)
def test_signs_are_part_of_a_word(text: str, words: str) -> None:
    assert tokenize(text) == words.split()


@pytest.mark.parametrize(
    ("written", "dropped"),
    [("C++", ""), ("PointNet+", "+"), ("100%", "%"), ("A*", ""), ("a = b + c", "=+"), ("@me", "@")],
)
def test_dropped_signs(written: str, dropped: str) -> None:
    assert dropped_signs(written) == dropped


@pytest.mark.parametrize("written", ["C++", "C#", "#P", "A*", "Q&A", ".NET"])
def test_words_with_signs_are_written_again(written: str) -> None:
    (word,) = tokenize(f"{written} x")[:1]
    assert [tokenize(f"{form.upper()} x")[:1] for form in written_signs(word)] == [[word]]
