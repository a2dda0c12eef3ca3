"""The kernels as a shared library: compiled once for this machine, kept in the user's cache, called through ctypes."""

from __future__ import annotations

import ctypes
import hashlib
import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable
from ctypes import CDLL, c_double, c_int64, c_void_p
from functools import lru_cache
from pathlib import Path

from platformdirs import user_cache_dir

Kernels = dict[str, Callable[..., int]]
SOURCES = Path(__file__).with_name("kernels")
# No -ffast-math: with it, loading a library may switch denormals off for the whole process.
FLAGS = ("-std=c++17", "-O3", "-march=native", "-shared", "-fPIC")


class Missing(Exception):
    """There are no kernels here, and why."""


class Layer(ctypes.Structure):
    """`struct Layer` of network.hpp."""

    _fields_ = [
        ("weight", c_void_p), ("bias", c_void_p),
        ("inputs", c_int64), ("outputs", c_int64), ("bend", c_int64), ("theta", c_int64),
    ]  # fmt: skip


class Outer(ctypes.Structure):
    """`struct Outer` of stream.hpp."""

    _fields_ = [
        ("left", c_void_p), ("right", c_void_p), ("inputs", c_int64), ("outputs", c_int64), ("bias", c_int64)
    ]  # fmt: skip


NETWORK = (c_void_p, c_int64, c_int64)  # layers, how many, examples
#: The arguments of each kernel, as kernels.cpp names them.
ARGUMENTS = {
    "tape": NETWORK,
    "forward": (*NETWORK, c_void_p, c_void_p, c_int64, *(c_void_p,) * 3),  # x, v, curved, f, df, tape
    "product": (*NETWORK, *(c_void_p,) * 5),  # v, g, dg, tape, result
    "squares": (*NETWORK, c_void_p, c_int64, *(c_void_p,) * 3),  # C, h, g, tape, result
    "gram": (*NETWORK, c_void_p, c_int64, *(c_void_p,) * 2),  # C, h, tape, result
    "jacobian": (*NETWORK, c_int64, c_void_p),  # c, result
    "pages": (c_void_p, c_int64),  # at, bytes
    "wide_tape": (*NETWORK, c_int64),  # curved
    "wide_forward": (*NETWORK, c_int64, *(c_void_p,) * 4),  # curved, x, v, f, tape
    "wide_product": (*NETWORK, c_int64, *(c_void_p,) * 4, c_double, c_void_p, c_void_p),  # .., x, v, g, dg, factor, ..
}


def compiled(sources: Path = SOURCES) -> dict[str, Kernels]:
    """The kernels of a folder for each dtype, compiled now or in an earlier run.

    Raises:
        Missing: there is no compiler, it does not know our flags, or the cache cannot be written.
    """
    compiler = _compiler()
    path = _folder() / f"kernels-{_digest(compiler, sources)}.so"
    try:
        if not path.exists():
            _compile(compiler, sources / "kernels.cpp", path)
        library = CDLL(str(path))
    except OSError as error:
        raise Missing(f"cannot use {path}: {error.strerror or error}; XCHECK_CACHE names another folder") from None
    return {dtype: {name: _kernel(library, dtype, name) for name in ARGUMENTS} for dtype in ("float32", "float64")}


def _kernel(library: CDLL, dtype: str, name: str) -> Callable[..., int]:
    kernel = library[f"{dtype}_{name}"]
    kernel.argtypes = ARGUMENTS[name]
    kernel.restype = c_int64 if name.endswith("tape") else None
    return kernel


@lru_cache(maxsize=1)
def kernels() -> dict[str, Kernels] | str:
    """All of them, or why there is none: asked once a process, for a compiler does not appear in the middle of one."""
    try:
        return compiled()
    except Missing as missing:
        return str(missing)


def _compiler() -> str:
    wanted = [os.environ["CXX"]] if os.environ.get("CXX") else ["c++", "g++", "clang++"]
    for name in wanted:
        if found := shutil.which(name):
            return found
    raise Missing(f"there is no C++ compiler here (looked for {', '.join(wanted)}); CXX names another")


def _folder() -> Path:
    return Path(os.environ.get("XCHECK_CACHE") or user_cache_dir("xcheck", appauthor=False)) / "layerwise"


def _digest(compiler: str, sources: Path) -> str:
    """Changes with the sources, the flags, the compiler's version, and what the compiler knows of this processor."""
    macros = _run([compiler, *FLAGS, "-dM", "-E", "-x", "c++", os.devnull])
    text = b"".join(path.read_bytes() for path in sorted(sources.iterdir()))
    return hashlib.sha256(text + repr(FLAGS).encode() + macros).hexdigest()[:16]


def _compile(compiler: str, source: Path, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=path.parent, suffix=".part")
    os.close(handle)
    try:
        _run([compiler, *FLAGS, str(source), "-o", temporary])
        os.replace(temporary, path)  # whole or not at all: two processes may compile at once
    finally:
        Path(temporary).unlink(missing_ok=True)


def _run(command: list[str]) -> bytes:
    done = subprocess.run(command, capture_output=True, check=False)
    if done.returncode:
        said = done.stderr.decode(errors="replace").strip().splitlines() or ["no message"]
        raise Missing(f"{command[0]} could not compile the kernels: {said[0]}")
    return done.stdout
