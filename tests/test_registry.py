"""Names: plain, unique, and an unknown one suggests the nearest."""

from __future__ import annotations

import pytest

from xcheck._errors import DuplicateName, UnknownName, UsageError
from xcheck._registry import Registry


@pytest.fixture
def fruit() -> Registry[int]:
    registry: Registry[int] = Registry("fruit")
    for number, name in enumerate(("apple", "banana", "cherry")):
        registry.add(name, number)
    return registry


def test_keeps_the_order_of_declaration(fruit: Registry[int]) -> None:
    assert list(fruit.items()) == [("apple", 0), ("banana", 1), ("cherry", 2)]


def test_unknown_name_suggests_the_nearest(fruit: Registry[int]) -> None:
    with pytest.raises(UnknownName, match=r"^unknown fruit 'bananna'; did you mean 'banana'\?$"):
        fruit["bananna"]
    with pytest.raises(UnknownName, match="unknown fruit 'xyz'; known: apple, banana, cherry"):
        fruit["xyz"]


def test_a_name_is_declared_once(fruit: Registry[int]) -> None:
    with pytest.raises(DuplicateName, match="fruit 'apple' is declared twice"):
        fruit.add("apple", 7)


@pytest.mark.parametrize("name", ["Apple", "1apple", "red apple", "", "apple/pie"])
def test_names_are_plain(fruit: Registry[int], name: str) -> None:
    with pytest.raises(UsageError, match=r"\[a-z\]\[a-z0-9_\]\*"):
        fruit.add(name, 1)


def test_globs_may_be_several(fruit: Registry[int]) -> None:
    assert fruit.matching("*an*, cherry") == [1, 2]
    with pytest.raises(UnknownName, match="unknown fruit 'd\\*'"):
        fruit.matching("apple,d*")
