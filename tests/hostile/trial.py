"""One hostile case: every quantity is certified rightly, or refused in one line of xcheck's own."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from math import prod
from typing import Any

import flint
import numpy as np

import xcheck
from hostile.fields import edited
from hostile.programs import Text, draw
from hostile.truth import ERROR, NUMPY, NoTruth, balls, first, many_bits, second
from xcheck import Reference
from xcheck._errors import GuardFailed, XCheckError
from xcheck.program import split_aux

QUANTITIES = ("value", "jacobian_inputs", "jacobian_params", "hessian_inputs")


class Wrong(AssertionError):
    """A certified reference is wrong, or an error is not xcheck's own; the message holds the program."""


def trial(seed: int) -> Counter[str]:
    """What became of the quantities of one seed: "right", "unverified" (NumPy cannot run it) or "refused".

    Raises:
        Wrong: a certified value is not the truth, or something else than one clear line was raised.
    """
    text, found = draw(seed), Counter()
    try:
        case = xcheck.Case(**edited(seed, text))
    except XCheckError as error:
        return Counter({_line(seed, text, error): 1})
    except Exception as error:
        raise Wrong(f"seed {seed}: a case raises {error!r}\n{text.source}") from error
    for quantity in QUANTITIES:
        try:
            reference = xcheck.reference(case, quantity)
        except XCheckError as error:
            found[_line(seed, text, error)] += 1
        except Exception as error:
            raise Wrong(f"seed {seed}: {quantity} raises {error!r}\n{text.source}") from error
        else:
            found[verified(seed, text, quantity, reference)] += 1
    return found


def _line(seed: int, text: Text, error: XCheckError) -> str:
    said = str(error)
    if isinstance(error, GuardFailed) or "\n" in said or not said or len(said) > 2000:
        raise Wrong(f"seed {seed}: {type(error).__name__} is no clear line: {said!r}\n{text.source}") from error
    return "refused"


def verified(seed: int, text: Text, quantity: str, reference: Reference) -> str:
    """Compares a certified reference with what NumPy makes of the program."""
    with many_bits():
        try:
            expected = true_values(text, quantity)
        except Exception:  # what NumPy, flint and a hostile program raise between them has no end
            return "unverified"
        for path, leaf in reference.leaves.items():
            name, _, argument = path.partition("/")
            key = (name if name in {k[0] for k in expected} else "output", argument)
            R = expected.get(key, expected.get((key[0], "")) if not argument else None)
            if R is None and len(expected) == 1:
                (R,) = expected.values()
            if R is None or R.shape != leaf.value.shape:
                shape = None if R is None else R.shape
                raise Wrong(f"seed {seed}: {quantity} {path!r} is {leaf.value.shape}, expected {shape}\n{text.source}")
            largest = max((abs(z) for z in map(flint.arb, R.ravel())), default=flint.arb(0))
            parts = zip(R.ravel(), leaf.value.ravel(), leaf.low.ravel(), leaf.radius.ravel(), strict=True)
            for k, (true, value, low, radius) in enumerate(parts):
                off = abs(flint.arb(value) + flint.arb(low) - true) - flint.arb(radius)
                if not off <= largest * flint.arb(2) ** -80 + ERROR:
                    raise Wrong(
                        f"seed {seed}: {quantity} {path!r} entry {k} is certified as {value!r}, the truth is {true}\n"
                        f"{text.source}\n{text.params}\n{text.inputs}"
                    )
    return "right"


def true_values(text: Text, quantity: str) -> dict[tuple[str, str], np.ndarray]:
    """(output, argument) to the quantity, in the order of its axes.

    Raises:
        NoTruth: a derivative does not exist.
    """
    params = {name: balls(a) for name, a in text.params.items()}
    inputs = {name: balls(a) for name, a in text.inputs.items()}

    def outputs(arrays: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        given = {name: arrays[name] for name in inputs}
        found, _ = split_aux(text.program(NUMPY, {name: arrays[name] for name in params}, given))
        return {name: np.asarray(a, dtype=object) for name, a in found.items()}

    arrays = {**params, **inputs}
    plain = outputs(arrays)
    if quantity == "value":
        return {(name, ""): a for name, a in plain.items()}
    if quantity == "jacobian_params":
        size = text.params["w"].size
        return {
            (name, "params"): _stacked([first(lambda a, n=name: outputs(a)[n], arrays, "w", k) for k in range(size)], y)
            for name, y in plain.items()
        }
    arguments = [name for name in inputs if text.inputs[name].dtype.kind == "f"]
    per_example = _jacobian if quantity == "jacobian_inputs" else _hessian
    return {
        (name, argument): per_example(lambda a, n=name: outputs(a)[n], arrays, argument, y)
        for name, y in plain.items()
        for argument in arguments
    }


def _stacked(columns: list[np.ndarray], y: np.ndarray) -> np.ndarray:
    """(n, c, p) of one column for each parameter."""
    n, c = y.shape[0], prod(y.shape[1:])
    return np.stack([column.reshape(n, c) for column in columns], axis=2) if columns else np.zeros((n, c, 0), object)


def _jacobian(f: Any, arrays: Mapping[str, np.ndarray], argument: str, y: np.ndarray) -> np.ndarray:
    """(n, c, d), and nothing across examples.

    Raises:
        NoTruth: an output depends on another example, so there is no Jacobian per example.
    """
    x = arrays[argument]
    whole = _stacked([first(f, arrays, argument, k) for k in range(x.size)], y)
    n, d = x.shape[0], prod(x.shape[1:])
    whole = whole.reshape(*whole.shape[:2], n, d)
    _own_only(whole, y.shape[0] == n)
    return np.stack([whole[k, :, k] for k in range(n)]) if n else whole[:, :, 0]


def _hessian(f: Any, arrays: Mapping[str, np.ndarray], argument: str, y: np.ndarray) -> np.ndarray:
    """(n, c, d, d)."""
    x = arrays[argument]
    _jacobian(f, arrays, argument, y)
    n, d, c = x.shape[0], prod(x.shape[1:]), prod(y.shape[1:])
    H = np.zeros((n, c, d, d), dtype=object)
    for k in range(n):
        for i in range(d):
            for j in range(d):
                H[k, :, i, j] = second(f, arrays, argument, k * d + i, k * d + j).reshape(n, c)[k]
    return H


def _own_only(whole: np.ndarray, square: bool) -> None:
    if not square:
        raise NoTruth("the outputs have another number of examples")
    for k in range(len(whole)):
        for m in range(whole.shape[2]):
            if k != m and any(not z.contains(0) or z.rad() > 1e-50 for z in map(flint.arb, whole[k, :, m].ravel())):
                raise NoTruth("an output depends on another example")
