"""`xcheck parity`: a PyTorch program beside the JAX program that it was ported from or to."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer

from xcheck._errors import UsageError
from xcheck._foreign import load
from xcheck.commands.options import Quiet, numbers, split


def parity(
    torch_fn: Annotated[str, typer.Argument(metavar="MODULE:FUNCTION", help="the PyTorch program")],
    jax_fn: Annotated[str, typer.Argument(metavar="MODULE:FUNCTION", help="the JAX program")],
    args: Annotated[Path, typer.Argument(metavar="ARGS.npz", help="the arguments of both, in the order of the file")],
    wrt: Annotated[str, typer.Option(metavar="K,...", help="positions of the arguments to differentiate by")] = "0",
    quantity: Annotated[
        str, typer.Option(metavar="NAME,...", help="value, jacobian, hessian")
    ] = "value,jacobian,hessian",
    dtype: Annotated[str, typer.Option(metavar="DTYPE,...", help="float64, float32")] = "float64,float32",
    quiet: Quiet = False,
) -> int:
    """Judge two programs by exact arithmetic: are they one function, with the same derivatives?"""
    from xcheck._files import path_of, read_arrays
    from xcheck._parity import parity as compare
    from xcheck.report.terminal import Terminal

    arrays = read_arrays(path_of("ARGS.npz", args))
    for name, array in arrays.items():
        if array.dtype.kind not in "fiub":
            raise UsageError(f"{args}: the array {name!r} is of dtype {array.dtype}, expected real numbers")
    found = compare(
        _function(torch_fn), _function(jax_fn), list(arrays.values()), wrt=numbers("--wrt", wrt, least=0),
        quantities=split(quantity), dtypes=split(dtype),
    )  # fmt: skip
    Terminal(quiet=quiet).report(found.document)
    return found.exit_code


def _function(name: str) -> Callable[..., Any]:
    if not all(name.partition(":")):
        raise UsageError(f"{name!r} names no function; expected MODULE:FUNCTION")
    sys.path.insert(0, os.getcwd())
    try:
        found = load(name, "the function")
    except UsageError as error:
        raise UsageError(f"{error}; expected MODULE:FUNCTION") from error
    finally:
        sys.path.remove(os.getcwd())
    if not callable(found):
        raise UsageError(f"{name!r} is of type {type(found).__name__}; expected a function")
    return found
