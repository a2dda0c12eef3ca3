"""PyTorch: arrays in and out, devices, precision, compilation; the names are those of `frameworks.jax`."""

from __future__ import annotations

import importlib
import os
import sys
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import cache
from importlib.metadata import version
from typing import Any

import numpy as np

from xcheck._dtypes import ARRAY_DTYPE, check_dtype
from xcheck._errors import DeviceError, Unsupported
from xcheck._lazy import LazyModule, torch
from xcheck._tree import leaves, tree
from xcheck.frameworks import _torch_nn
from xcheck.frameworks._namespace import Namespace
from xcheck.frameworks._torch_compile import compiled, recording
from xcheck.frameworks._torch_cudagraph import captured
from xcheck.frameworks._torch_module import call, loss_module, module, module_state
from xcheck.frameworks._torch_record import recorded, register

Tensor = Any  # torch.Tensor; a type checker would take this folder's torch.py for PyTorch


__all__ = [
    "asarray", "call", "check_device", "chunked", "devices", "dtype_name", "identity", "load", "loss_module", "module",
    "module_state", "precision", "prepare_worker", "register", "release", "shapes", "synchronise", "to_numpy",
    "transforms", "wrap", "xp",
]  # fmt: skip

xp: Any = Namespace(LazyModule("array_api_compat.torch"), _torch_nn)
transforms: Any = LazyModule("torch.func")


def asarray(values: Any, dtype: str, device: str = "cpu") -> Tensor:
    """A tensor that owns its memory.

    >>> asarray(np.array([1, 2]), "float32")
    tensor([1, 2])
    """
    values = np.asarray(values)
    kind = getattr(torch, ARRAY_DTYPE[check_dtype(dtype)]) if values.dtype.kind == "f" else torch.int64
    return torch.tensor(values, dtype=kind, device=check_device(device))


def identity(size: int, like: Tensor) -> Tensor:
    return torch.eye(size, dtype=like.dtype, device=like.device)


def chunked(function: Callable[[Tensor], Any], size: int) -> Callable[[Tensor], Any]:
    """Chunks of `size` rows; all rows at once while a graph is recorded, since a graph repeats every chunk."""
    return torch.func.vmap(function, chunk_size=None if recording() else size)


def shapes(function: Callable[..., Any], *arguments: Any) -> Any:
    return function(*arguments)


def to_numpy(result: Any) -> Any:
    """NumPy arrays of the same shape and dtype; bfloat16, which NumPy lacks, becomes float64."""

    def convert(leaf: Any) -> Any:
        if not isinstance(leaf, torch.Tensor):
            return leaf
        leaf = leaf.detach().cpu().resolve_conj().resolve_neg()
        return (leaf.double() if leaf.dtype == torch.bfloat16 else leaf).numpy()

    return tree({path: convert(leaf) for path, leaf in leaves(result).items()})


def dtype_name(array: Any) -> str:
    return str(array.dtype).removeprefix("torch.")


def synchronise(result: Any) -> Any:
    for device in {leaf.device for leaf in leaves(result).values() if isinstance(leaf, torch.Tensor)}:
        if device.type == "cuda":
            torch.cuda.synchronize(device)
    return result


@contextmanager
def precision(dtype: str, device: str = "cpu") -> Iterator[None]:
    """TF32 off, in matrix products and in convolutions, unless the dtype is "tf32"; restored on the way out."""
    check_dtype(dtype)
    check_device(device)
    matmul, convolution = torch.get_float32_matmul_precision(), torch.backends.cudnn.allow_tf32
    torch.set_float32_matmul_precision("high" if dtype == "tf32" else "highest")
    torch.backends.cudnn.allow_tf32 = dtype == "tf32"
    try:
        # An implementation differentiates, whatever its caller has switched off.
        with torch.enable_grad():
            yield
    finally:
        torch.set_float32_matmul_precision(matmul)
        torch.backends.cudnn.allow_tf32 = convolution


def devices() -> tuple[str, ...]:
    return ("cpu", "cuda") if torch.cuda.is_available() else ("cpu",)


def prepare_worker(scratch: str) -> None:
    """Imports PyTorch; it shares nothing between workers, and what it compiles is compiled here and not by children."""
    os.environ.setdefault("TORCHINDUCTOR_COMPILE_THREADS", "1")
    devices()


@cache
def load(variant: str) -> None:
    """PyTorch changes itself when some parts of it are first asked for: loads those that a variant leads to."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # they are PyTorch's own
        importlib.import_module("torch._dynamo")
        one = (torch.ones(1, device="cpu", dtype=torch.float64),)
        torch.func.jacfwd(torch.func.jacrev(torch.sin))(*one)
        if variant in _RECORDS:
            with suppress(Unsupported):  # without a compiler there is nothing to load, and each cell says so
                compiled(torch.sin, one)(*one)


def release() -> None:
    """Lets go of all that was compiled in this process; it is compiled again when it is asked for."""
    if "torch._dynamo" in sys.modules:
        torch._dynamo.reset()


def check_device(device: str) -> str:
    """The device itself.

    Raises:
        DeviceError: this machine, or this build of PyTorch, does not have it.
    """
    if device.split(":")[0] not in devices():
        raise DeviceError(f"device {device!r}: PyTorch {version('torch')} sees {', '.join(devices())} here")
    return device


_RECORDS = {"compile": compiled, "cudagraph": captured}


@cache
def wrap(function: Callable[..., Any], variant: str, quick: bool = False) -> Callable[..., Any]:
    return recorded(function, _RECORDS[variant]) if variant in _RECORDS else function
