"""`xcheck new adapter NAME`: a commented file to start from, which runs as it is."""

from __future__ import annotations

from pathlib import Path

from xcheck._errors import StoreError, UsageError

ADAPTER = '''"""What {name} computes, for xcheck: one function for each quantity (xcheck list quantities).

    xcheck verify --adapter {name}
"""

import torch
from xcheck import Convention, implements

# How {name}'s numbers relate to xcheck's (docs/conventions.md): a scale in n, c, p, noise_var, r and nll, the order of
# the parameters, the layout of weights, the axes of Jacobians. Declare it, and the judge holds {name} to it.
CONVENTION = Convention(scale="1", params="torch", weight="row", axes="ncp")


# `needs`: what a case must have for this function ("module", "loss", "single_output" ...), and packages.
@implements("gradient", "{name}", "torch", needs=("module", "loss"), convention=CONVENTION)
def gradient(problem):
    # problem.module (a real torch.nn.Module), problem.loss_module, problem.batches(size), problem.inputs,
    # problem.targets, problem.theta (flat), problem.tangents ... are native arrays in the dtype of the cell.
    (x,) = problem.inputs
    loss = problem.loss_module(problem.module(x), problem.targets)
    # Replace this line by a call of {name}.
    found = torch.autograd.grad(loss, list(problem.module.parameters()))
    return torch.cat([g.flatten() for g in found])


# A known gap is a line of {name}.gaps beside this file, with its outcome, its reason and a link. It is strict, so it
# fails on the day the gap is closed (case/quantity/implementation/dtype/device are globs, with commas; ! leaves out):
#     conv_*,!conv_1d/gradient/torch_{name}/*/* raised no rule for a convolution https://...
'''


def new_adapter(name: str, folder: Path | None = None) -> Path:
    """Writes NAME.py into a folder (the working one).

    Raises:
        UsageError: NAME is no name of a module, or the file is there already.
        StoreError: it cannot be written.
    """
    if not name.isidentifier() or name != name.lower():
        raise UsageError(f"{name!r} is no name for a module; use small letters, digits and _, such as mylib_adapter")
    path = (folder or Path.cwd()) / f"{name}.py"
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(ADAPTER.format(name=name))
    except FileExistsError:
        raise UsageError(f"{path} is there already; choose another name or remove it") from None
    except OSError as error:
        raise StoreError(f"cannot write {path}: {error.strerror or error}") from None
    return path
