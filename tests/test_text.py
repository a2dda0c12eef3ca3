"""Any text becomes one that a terminal, a file and JSON can hold."""

from __future__ import annotations

import json
import random

import pytest

from xcheck._text import LIMIT, one_line, printable


class Hostile:
    def __str__(self) -> str:
        raise ZeroDivisionError


class Sly(str):
    def __str__(self) -> str:
        return "\x1b[2J"


def hostile_texts(count: int) -> list[str]:
    """Texts of control characters, escapes, surrogates, marks of direction, and long ones, with a fixed seed."""
    draw = random.Random(5)
    pool = [chr(k) for k in range(0xA0)] + list("é\u2028\u202e\u2066\ud800\udfff\U0001f600\ufeff\x85\x9b")
    return ["".join(draw.choices(pool, k=draw.choice((0, 1, 7, 90, 5000)))) for _ in range(count)]


@pytest.mark.parametrize("limit", [60, LIMIT])
def test_what_comes_out_can_be_printed_written_and_is_bounded(limit):
    for text in hostile_texts(60):
        shown = printable(text, limit)
        assert shown.replace("\n", "").isprintable()
        assert len(shown) <= limit
        assert json.loads(json.dumps(shown).encode()) == shown
        assert printable(shown, limit) == shown
        assert len(one_line(text, limit).splitlines()) <= 1


def test_plain_text_stays_and_a_huge_one_says_what_is_missing():
    assert printable("tanh_mlp/ggn, 日本 é [red]\n  two") == "tanh_mlp/ggn, 日本 é [red]\n  two"
    assert printable("a" * 10_000_000).endswith("characters left out)")


def test_an_object_whose_text_raises_or_lies_is_told():
    assert printable(Hostile()) == "<Hostile whose text raised ZeroDivisionError>"
    assert printable(Sly("plain")) == "plain"
