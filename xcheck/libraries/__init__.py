"""Other libraries, one file each: an adapter of some 40 lines and the conventions that the judge holds it to.

A library is imported when its adapter computes something; where it is missing, every cell is `unsupported`. Conventions
that depend on the loss are written in the names of `Convention.scale`: `r` and `nll` as `xcheck.program.Loss` has them.
"""

from __future__ import annotations

import importlib

#: Adapter to the distributions that it needs, for the scoreboard's versions; the first is the library itself.
LIBRARIES: dict[str, tuple[str, ...]] = {
    "autograd": ("torch",),
    "backpack": ("backpack-for-pytorch",),
    "curvlinops": ("curvlinops-for-pytorch",),
    "laplace_torch": ("laplace-torch", "backpack-for-pytorch", "curvlinops-for-pytorch", "asdfghjkl"),
    "nngeometry": ("nngeometry",),
    "asdl": ("asdfghjkl",),
    "hessian_eigenthings": ("hessian-eigenthings",),
    "pyhessian": ("pyhessian",),
    "posteriors": ("posteriors",),
    "laplax": ("laplax",),
    "folx": ("folx",),
    "kfac_jax": ("kfac-jax",),
    "nnj": ("nnj",),
    "hessian": ("hessian",),
}


def load() -> None:
    """Registers the implementations of every adapter; no library and no framework is imported by it."""
    for name in LIBRARIES:
        importlib.import_module(f"{__name__}.{name}")


load()
