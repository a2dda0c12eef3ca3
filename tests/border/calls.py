"""Random calls of the public functions: their own parameters, right and hostile values."""

from __future__ import annotations

import inspect
import random
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from border.hostile import FILES, objects

import xcheck

#: Public names whose arguments are checked elsewhere, and where; errors and modules take none.
ELSEWHERE = {
    "Case": "test_case.py", "Normal": "test_arrays.py", "LogNormal": "test_arrays.py", "Uniform": "test_arrays.py",
    "Linspace": "test_arrays.py", "Integers": "test_arrays.py", "Literal": "test_arrays.py",
    "Computed": "test_arrays.py", "Stored": "test_arrays.py", "parity": "test_parity.py",
    "Problem": "made by problem()", "Reference": "made by reference()", "Verdict": "made by judge()",
    "Result": "made by a run", "Outcome": "an enumeration", "Sizes": "handed to a quantity",
    "program": "a module", "layerwise": "a module: test_layerwise_arguments.py",
}  # fmt: skip

RIGHT: dict[str, tuple[Any, ...]] = {
    "case": ("linear_gaussian",), "cases": ("linear_*", "*"), "quantity": ("gradient", "hvp"), 
    "quantities": ("gradient",),
    "framework": ("torch", "jax"), "dtype": ("float64", "float32"), "dtypes": (("float64",),), "devices": (("cpu",),),
    "actual": (np.zeros(2), np.ones(2, np.float32)), "name": ("fresh",), "implementations": ("torch_*",),
    "path": ("good_case.py",), "folder": ("good_case.py", None), "tier": ("smoke",), "timeout": (None, 3.0),
    "jobs": (1,),
    "memory": (512,), "journal": (None, "run.jsonl"), "adapter": ("xcheck.libraries.layerwise",), "size": (1, 7),
    "needs": (("module",), ("torch",)), "variants": (("eager",),), "convention": (None,), "limitations": ((),),
    "device": ("cpu",), "document": (), "outcome": ("raised",), "scale": ("2 / n",), "axes": ("ncp",),
    "weight": ("row",),
    "params": ("torch",), "prepare": (None,), "samples": (None, 2), "reference": (None,), "reproduce": (None,),
    "related": (None,), "normwise": (False, True), "reason": ("no rule",), "link": ("https://example.org",),
    "formula": ("f",), "shape": ("p",),
    "wrt": ("params",), "order": (1,), "guard": (len,), "flops": (len,), "bytes": (len,), "symmetric": (True,),
    "psd": (False,), "needs_loss": (True,),
}  # fmt: skip


def targets() -> dict[str, Callable[..., Any]]:
    """What is called, by name."""
    public = {name: getattr(xcheck, name) for name in xcheck.__all__ if name not in ELSEWHERE}
    found = {name: one for name, one in public.items() if not (isinstance(one, type) and issubclass(one, Exception))}
    del found["Results"]  # takes the document of a run; its files are below
    problem = xcheck.problem("linear_gaussian", "gradient", "torch")
    return found | {
        "Results.load": xcheck.Results.load, "Problem.batches": problem.batches, "Problem.check": problem.check,
        "Problem.judge": problem.judge, "Suite.expect": xcheck.Suite("xcheck.libraries.layerwise").expect,
    }  # fmt: skip


def calls(count: int, seed: int) -> Iterator[tuple[str, Callable[..., Any], dict[str, Any]]]:
    """Name, function and arguments, with a fixed seed; at least one argument is hostile."""
    draw = random.Random(seed)
    found = targets()
    for _ in range(count):
        name = draw.choice(list(found))
        arguments = {
            one.name: one
            for one in inspect.signature(found[name]).parameters.values()
            if one.kind is not one.VAR_KEYWORD and (one.default is one.empty or draw.random() < 0.5)
        }
        hostile = draw.choice(list(arguments)) if arguments else None
        yield name, found[name], {one: _value(draw, one, one == hostile) for one in arguments}


def _value(draw: random.Random, name: str, hostile: bool) -> Any:
    if hostile or draw.random() < 0.15:
        return draw.choice([*objects(), *FILES])
    return draw.choice(RIGHT[name])
