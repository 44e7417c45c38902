"""The exceptions and how their messages are built."""

from __future__ import annotations

import builtins
import importlib
from typing import Any

import pytest

from pellucid import errors
from pellucid.errors import MissingExtraError, PellucidError, listed, near_miss, require

CLASSES = {name: getattr(errors, name) for name in errors.__all__ if name[0].isupper()}


@pytest.mark.parametrize("name", CLASSES)
def test_every_exception_is_one_of_the_librarys_and_a_built_in_one(name: str) -> None:
    cls = CLASSES[name]
    assert issubclass(cls, PellucidError)
    assert name == "PellucidError" or any(
        base.__module__ == "builtins" and base not in (Exception, BaseException, object) for base in cls.__mro__
    )
    assert cls.__doc__


def test_the_tree_in_the_docstring_is_the_tree_of_classes() -> None:
    drawn = [line.strip("│├└─ ") for line in (errors.__doc__ or "").splitlines() if "── " in line]
    assert {line.split()[0] for line in drawn} == set(CLASSES) - {"PellucidError"}
    for line in drawn:
        if "(" in line:
            name, base = line.split()[0], line.split("(")[1].split(")")[0]
            assert issubclass(CLASSES[name], getattr(builtins, base))


@pytest.mark.parametrize(
    ("names", "limit", "text"),
    [
        ([], 12, ""),
        (["b", "a"], 12, "'a', 'b'"),
        ([3, 1], 12, "'1', '3'"),
        (["a", "b", "c"], 3, "'a', 'b', 'c'"),
        (["c", "b", "a", "d"], 2, "'a', 'b' and 2 more"),
    ],
)
def test_listed(names: list[Any], limit: int, text: str) -> None:
    assert listed(names, limit) == text


@pytest.mark.parametrize(
    ("word", "names", "text"),
    [
        ("rleu", ["relu", "tanh"], "; did you mean 'relu'?"),
        ("TANH", ["relu", "tanh"], "; did you mean 'tanh'?"),
        ("dense", ["Dense", "Scale"], "; did you mean 'Dense'?"),
        ("zzz", ["relu", "tanh"], ""),
        ("", ["relu"], ""),
        ("relu", [], ""),
    ],
)
def test_near_miss(word: str, names: list[str], text: str) -> None:
    assert near_miss(word, names) == text


def test_require_gives_the_module_or_says_what_installs_it(monkeypatch: pytest.MonkeyPatch) -> None:
    assert require("json", extra="standard", purpose="reading") is importlib.import_module("json")
    with pytest.raises(
        MissingExtraError, match=r"^plots needs the package 'no_such', .*pip install 'pellucid\[all\]'$"
    ):
        require("no_such.part", extra="all", purpose="plots")
    with pytest.raises(ImportError):
        require("no_such", extra="all", purpose="plots")
