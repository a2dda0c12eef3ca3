"""How far the propagated diagonal is from the GGN's own, by the certified references of both.

python docs/experiments/diagonal_backprop.py [CASE ...]
"""

from __future__ import annotations

import sys

import numpy as np

import xcheck

CASES = ("two_linear_layers", "four_linear_layers")


def error(case: str) -> dict[str, float]:
    """`|D - diag G| / |diag G|` of every parameter array, in the 2-norm."""
    declared, start, found = xcheck.load_cases()[case], 0, {}
    propagated, exact = (xcheck.reference(case, name).value for name in ("ggn_diagonal_backprop", "ggn_diagonal"))
    assert isinstance(propagated, np.ndarray)
    assert isinstance(exact, np.ndarray)
    for name, values in declared.values().params.items():
        part = slice(start, start + values.size)
        found[name] = float(np.linalg.norm(propagated[part] - exact[part]) / np.linalg.norm(exact[part]))
        start = part.stop
    return found


def main(*cases: str) -> None:
    """One line a parameter array."""
    print(f"{'case':>20}  {'parameter':>10}  |D - diag G| / |diag G|")
    for case in cases or CASES:
        for name, relative in error(case).items():
            print(f"{case:>20}  {name:>10}  {relative:.2g}")


if __name__ == "__main__":
    main(*sys.argv[1:])
