"""`xcheck parity`: a PyTorch program beside the JAX program that it was ported from or to."""

from __future__ import annotations

import importlib
import os
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from xcheck._errors import UsageError
from xcheck.commands.options import Quiet, split


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
    import numpy as np

    from xcheck._parity import parity as compare
    from xcheck.report.terminal import Terminal

    try:
        with np.load(args, allow_pickle=False) as archive:
            arrays = [archive[name] for name in archive.files]
        positions = [int(one) for one in split(wrt)]
    except (OSError, ValueError) as error:
        raise UsageError(f"{args}, --wrt {wrt}: {error}; expected an npz file of arrays, and numbers from 0") from None
    found = compare(
        _function(torch_fn), _function(jax_fn), arrays, wrt=positions, quantities=split(quantity), dtypes=split(dtype)
    )
    Terminal(quiet=quiet).report(found.document)
    return found.exit_code


def _function(name: str) -> Any:
    module, _, attribute = name.partition(":")
    sys.path.insert(0, os.getcwd())
    try:
        return getattr(importlib.import_module(module), attribute)
    except (ImportError, AttributeError, ValueError) as error:
        raise UsageError(f"{name!r} cannot be imported ({error}); expected MODULE:FUNCTION") from None
    finally:
        sys.path.remove(os.getcwd())
