"""No tolerance is chosen by hand: `allclose`, `rtol` and `atol` stand nowhere in the code."""

from __future__ import annotations

import re
from pathlib import Path

import xcheck

ROOT = Path(xcheck.__file__).parents[1]
WORD = re.compile(r"allclose|assert_close|\b[ra]tol\b|\bisclose\b|\bapprox\b")
#: Where they may stand, and why.
PLACES = {
    "tests/zoo/competitors.py": "the documented tolerances of other checks, which the zoo counts beside the judge",
    "tests/test_competitors.py": "calls those other checks, to see that the tolerances above are theirs",
    "tests/test_tolerances.py": "looks for the words",
}


def offences(name: str, source: str) -> list[str]:
    """`file:line` of every such word outside the named places."""
    if name in PLACES:
        return []
    return [f"{name}:{k}: {line.strip()}" for k, line in enumerate(source.splitlines(), 1) if WORD.search(line)]


def sources() -> dict[str, str]:
    found = [
        path for folder in ("xcheck", "cases", "tests", "docs", "examples") for path in (ROOT / folder).rglob("*.py")
    ]
    return {
        path.relative_to(ROOT).as_posix(): path.read_text(encoding="utf-8") for path in [*found, ROOT / "noxfile.py"]
    }


def test_no_tolerance_is_chosen_by_hand():
    everything = sources()
    assert {"xcheck/_judge.py", "tests/zoo/competitors.py"} <= set(everything)
    assert [offence for name, source in everything.items() for offence in offences(name, source)] == []


def test_a_planted_tolerance_is_found():
    for line in ("assert np.allclose(A, R)", "check(A, rtol=1e-5)", "torch.testing.assert_close(A, R, atol=0)"):
        assert offences("xcheck/_judge.py", f"import numpy as np\n{line}\n") == [f"xcheck/_judge.py:2: {line}"]
    assert offences("tests/zoo/competitors.py", "rtol = 1e-7\n") == []
