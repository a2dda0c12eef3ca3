"""What two programs return, under one set of names: arrays, dicts and tuples of them, held against each other."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from xcheck._errors import UsageError
from xcheck._receive import Refused, shown
from xcheck._tree import leaves, tree
from xcheck.result import Outcome

Shapes = Mapping[str, tuple[int, ...]]


def declared(returned: Any) -> Shapes:
    """Paths to shapes of what the JAX program returns; its recorded shapes are at hand before anything is computed.

    Raises:
        UsageError: it returns something other than arrays of real numbers.
    """
    found = leaves(returned)
    for path, leaf in found.items():
        dtype = getattr(leaf, "dtype", None)
        if dtype is None or not hasattr(leaf, "shape"):
            came = "None" if leaf is None else f"a {type(leaf).__name__}"
        elif getattr(dtype, "kind", "?") not in "fV":
            came = f"of dtype {dtype}"
        else:
            continue
        raise UsageError(
            f"jax_fn returns {came} as {shown(path)}; expected an array of real numbers, or a dict or tuple of them"
        )
    if not found:
        raise UsageError("jax_fn returns nothing; expected an array of real numbers, or a dict or tuple of such")
    return {path: tuple(leaf.shape) for path, leaf in found.items()}


def rows(returned: Any, shapes: Shapes, name: str, reshape: Callable[[Any, tuple[int, int]], Any]) -> Any:
    """The outputs as those of one example, (1, c) each, in the order of `shapes`.

    Raises:
        Refused: they have other names or shapes than `shapes` (`wrong_shape`), or are no arrays (`wrong_dtype`).
    """
    found = leaves(returned)
    if found.keys() != shapes.keys():
        raise Refused(
            Outcome.WRONG_SHAPE, f"{name} returns {_named(found)}, and the other program {_named(shapes)}"
        )  # fmt: skip
    for path, shape in shapes.items():
        if not hasattr(found[path], "shape"):
            raise Refused(
                Outcome.WRONG_DTYPE,
                f"what {name} returns: {shown(path)} is a {type(found[path]).__name__}, expected an array",
            )
        if tuple(found[path].shape) != shape:
            raise Refused(
                Outcome.WRONG_SHAPE,
                f"what {name} returns: {shown(path)} has shape {tuple(found[path].shape)}, "
                f"and that of the other program {shape}",
            )
    return tree({path: reshape(found[path], (1, -1)) for path in shapes})


def _named(found: Mapping[str, Any]) -> str:
    return "one array" if set(found) == {""} else ", ".join(map(repr, found)) or "nothing"
