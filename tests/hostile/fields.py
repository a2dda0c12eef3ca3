"""The fields of a hostile case: most as they should be, some edited."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from hostile.programs import Text
from xcheck import Integers, Literal, Normal
from xcheck.program import cross_entropy, mse

Fields = dict[str, Any]


def literal(values: Any) -> Literal:
    return Literal(values, "float64")


#: One edit each.
EDITS: tuple[Callable[[Fields], Fields], ...] = (
    lambda f: {"wrt": "x"},
    lambda f: {"wrt": ("z", "x")},
    lambda f: {"wrt": ("x", "x")},
    lambda f: {"wrt": ("q",)},
    lambda f: {"wrt": 3},
    lambda f: {"params": {}},
    lambda f: {"params": {"w": np.ones(2)}},
    lambda f: {"params": {"v": f["params"]["w"]}},
    lambda f: {"params": {"w": literal((1, 2))}},
    lambda f: {"params": {"w": literal(())}},
    lambda f: {"params": {"w": literal((1 + 2j, 3))}},
    lambda f: {"params": {"w": literal(("a", "b"))}},
    lambda f: {"params": {"w": literal(None)}},
    lambda f: {"params": {"w": literal(((1.0,), (2.0, 3.0)))}},
    lambda f: {"params": {"w": literal((float("nan"), 1.0))}},
    lambda f: {"params": {"w": literal((float("inf"), 1.0))}},
    lambda f: {"params": {1: literal((1.0, 2.0))}},
    lambda f: {"inputs": {}},
    lambda f: {"inputs": {"x": f["inputs"]["x"]}},
    lambda f: {"inputs": {**f["inputs"], "x": Normal((5, 2), 1)}},
    lambda f: {"inputs": {**f["inputs"], "x": Integers((2, 2), 1, 0, 2)}},
    lambda f: {"inputs": [1, 2]},
    lambda f: {"targets": Normal((2, 2), 1)},
    lambda f: {"loss": mse()},
    lambda f: {"loss": "mse", "targets": Normal((2, 2), 1)},
    lambda f: {"loss": mse(), "targets": Normal((2, 2), 1)},
    lambda f: {"loss": mse(), "targets": Normal((7, 3), 1)},
    lambda f: {"loss": cross_entropy(), "targets": Integers((2,), 1, 0, 2)},
    lambda f: {"loss": cross_entropy(), "targets": Integers((2,), 1, 7, 9)},
    lambda f: {"tangents": {"x": Normal((9, 9), 1)}},
    lambda f: {"tangents": {"q": Normal((2, 2), 1)}},
    lambda f: {"tangents": {"x": 3}},
    lambda f: {"quantities": ("value", "value")},
    lambda f: {"quantities": ("hvpp",)},
    lambda f: {"quantities": "value"},
    lambda f: {"kinks": True},
    lambda f: {"sampled": {"jacobian_inputs": (0,)}},
    lambda f: {"name": "Not A Name"},
    lambda f: {"name": 3},
    lambda f: {"program": None},
    lambda f: {"program": lambda xp, params: xp.tanh(params["w"])},
    lambda f: {"native": {"numpy": None}},
)


def edited(seed: int, text: Text) -> Fields:
    """The fields of the case of a seed; one in four has an edit."""
    random = np.random.default_rng((seed, 1))
    fields: Fields = {
        "name": "hostile",
        "program": text.program,
        "params": {name: literal(a) for name, a in text.params.items()},
        "inputs": {name: literal(a) for name, a in text.inputs.items()},
    }
    if random.random() < 0.25:
        fields |= EDITS[int(random.integers(len(EDITS)))](fields)
    return fields
