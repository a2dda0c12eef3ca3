"""JAX: arrays in and out, devices, precision, compilation; the names are those of `frameworks.torch`."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from importlib.metadata import version
from typing import Any

import numpy as np

from xcheck._dtypes import ARRAY_DTYPE, check_dtype
from xcheck._errors import DeviceError
from xcheck._lazy import LazyModule, jax
from xcheck._tree import leaves, tree
from xcheck.case import Case
from xcheck.frameworks import _jax_nn
from xcheck.frameworks._namespace import Namespace

Array = Any  # jax.Array


xp: Any = Namespace(LazyModule("jax.numpy"), _jax_nn)
transforms: Any = jax


def asarray(values: Any, dtype: str, device: str = "cpu") -> Array:
    """An array of exactly this dtype, also where the caller has not enabled x64."""
    values = np.asarray(values)
    integer = np.dtype("int64" if dtype == "float64" else "int32")
    kind = jax.numpy.dtype(ARRAY_DTYPE[check_dtype(dtype)]) if values.dtype.kind == "f" else integer
    with jax.enable_x64(dtype == "float64"):
        return jax.numpy.array(values, dtype=kind, device=_device(device))


def identity(size: int, like: Array) -> Array:
    return jax.numpy.eye(size, dtype=like.dtype)


def chunked(function: Callable[[Array], Any], size: int) -> Callable[[Array], Any]:
    """Equal chunks, the last filled up with zeros: `lax.map(batch_size=...)` compiles its remainder once more."""

    def run(rows: Array) -> Any:
        count = -(-len(rows) // size)
        each = -(-len(rows) // count)
        filled = jax.numpy.pad(rows, [(0, count * each - len(rows)), *[(0, 0)] * (rows.ndim - 1)])
        found = jax.lax.map(jax.vmap(function), filled.reshape(count, each, *rows.shape[1:]))
        return jax.tree.map(lambda leaf: leaf.reshape(-1, *leaf.shape[2:])[: len(rows)], found)

    return run


def shapes(function: Callable[..., Any], *arguments: Any) -> Any:
    """What the function would return, as shapes: eager JAX compiles each operation, 40 ms apiece."""
    try:
        return jax.eval_shape(function, *arguments)
    except jax.errors.ConcretizationTypeError:  # it branches on values, so that it runs and cannot be traced
        return function(*arguments)


def to_numpy(result: Any) -> Any:
    """NumPy arrays of the same shape and dtype; bfloat16, which NumPy lacks, becomes float64."""

    def convert(leaf: Any) -> Any:
        if not isinstance(leaf, jax.Array):
            return leaf
        return np.asarray(leaf, dtype=np.float64) if leaf.dtype == jax.numpy.bfloat16 else np.asarray(leaf)

    return tree({path: convert(leaf) for path, leaf in leaves(result).items()})


def dtype_name(array: Any) -> str:
    return str(array.dtype)


def synchronise(result: Any) -> Any:
    return jax.block_until_ready(result)


@contextmanager
def precision(dtype: str, device: str = "cpu") -> Iterator[None]:
    """x64 for float64, full float32 products unless the dtype is "tf32", and new arrays on the device."""
    check_dtype(dtype)
    multiply = "tensorfloat32" if dtype == "tf32" else "highest"
    with (
        jax.enable_x64(dtype == "float64"),
        jax.default_matmul_precision(multiply),
        jax.default_device(_device(device)),
    ):
        yield


def devices() -> tuple[str, ...]:
    kinds = {device.platform for device in jax.devices()}
    return ("cpu", "cuda") if "gpu" in kinds else ("cpu",)


def prepare_worker(scratch: str) -> None:
    """Starts JAX, and shares what is compiled with the other workers of the run: one operation costs 40 ms."""
    jax.config.update("jax_compilation_cache_dir", scratch)
    jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.0)
    jax.config.update("jax_persistent_cache_min_entry_size_bytes", -1)
    devices()


def load(variant: str) -> None:
    """JAX does not change itself when it is used."""


def release() -> None:
    """Lets go of all that was compiled in this process; it is compiled again, or found in the scratch folder."""
    jax.clear_caches()


def check_device(device: str) -> str:
    """The device itself.

    Raises:
        DeviceError: this machine, or this build of JAX, does not have it.
    """
    if device.split(":")[0] not in devices():
        raise DeviceError(f"device {device!r}: JAX {version('jax')} sees {', '.join(devices())} here")
    return device


def _device(device: str) -> Any:
    kind, _, index = check_device(device).partition(":")
    return jax.devices(kind)[int(index or 0)]


#: The same HLO passes, the least effort behind them: a sixth to a tenth of the compilation (JAX 0.10.2 on a CPU).
QUICK = {
    "xla_backend_optimization_level": 0,
    "xla_cpu_use_fusion_emitters": False,
    "xla_cpu_parallel_codegen_split_count": 1,
}


@cache
def wrap(function: Callable[..., Any], variant: str, quick: bool = False) -> Callable[..., Any]:
    return jax.jit(function, compiler_options=_quick() if quick else None) if variant == "jit" else function


@cache
def _quick() -> dict[str, Any] | None:
    """QUICK, or None where this XLA does not know one of its options."""
    try:
        jax.jit(lambda x: x, compiler_options=QUICK)(0.0)
    except jax.errors.JaxRuntimeError:
        return None
    return QUICK


def module(case: Case, array: Callable[[Any], Array]) -> None:
    """JAX has no modules: a program is a function."""


def loss_module(case: Case) -> None:
    """JAX has no modules: a loss is a function."""


def module_state(module: None) -> dict[str, Any]:
    """A function has no state."""
    return {}


@cache
def register(kind: type, dynamic: Sequence[str], static: Sequence[str]) -> None:
    """Makes a dataclass a pytree: its dynamic fields are traced, its static ones are constants of the program."""
    jax.tree_util.register_dataclass(kind, data_fields=list(dynamic), meta_fields=list(static))
