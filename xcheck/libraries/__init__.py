"""Other libraries, one file each: an adapter of some 40 lines and the conventions that the judge holds it to.

A library is imported when its adapter computes something; where it is missing, every cell is `unsupported`. The
adapters are registered by `load_adapters`, or one by one; our own engine, `xcheck.layerwise`, is in every run.
Conventions that depend on the loss are written in the names of `Convention.scale`: `r` and `nll` as
`xcheck.program.Loss` has them.
"""

from __future__ import annotations

import importlib

#: Adapter to the module that it imports and the distribution that brings it.
LIBRARIES: dict[str, tuple[str, str]] = {
    "autograd": ("torch", "torch"),
    "backpack": ("backpack", "backpack-for-pytorch"),
    "curvlinops": ("curvlinops", "curvlinops-for-pytorch"),
    "laplace_torch": ("laplace", "laplace-torch"),
    "nngeometry": ("nngeometry", "nngeometry"),
    "asdl": ("asdl", "asdfghjkl"),
    "hessian_eigenthings": ("hessian_eigenthings", "hessian-eigenthings"),
    "pyhessian": ("pyhessian", "pyhessian"),
    "posteriors": ("posteriors", "posteriors"),
    "laplax": ("laplax", "laplax"),
    "folx": ("folx", "folx"),
    "kfac_jax": ("kfac_jax", "kfac-jax"),
    "nnj": ("nnj", "nnj"),
    "hessian": ("hessian", "hessian"),
}


def load_adapters() -> None:
    """Registers the implementations of every adapter; no library and no framework is imported by it."""
    for name in LIBRARIES:
        importlib.import_module(f"{__name__}.{name}")
