"""The fingerprint of a process: everything that one cell could leave changed for the next one.

One more thing to look at is one more line of READINGS, or of the lists of `namespaces`.
"""

from __future__ import annotations

import decimal
import gc
import locale
import os
import signal
import sys
import threading
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from zlib import crc32

import numpy as np

from xcheck._text import one_line
from xcheck.case import Case
from xcheck.run.family import PROC, children
from xcheck.run.namespaces import Names

#: So many things are named in a reason.
SHOWN = 3
SIGNALS = tuple(signal.valid_signals())


@dataclass(frozen=True)
class Reading:
    """One kind of thing, read as name to value.

    A name that is new counts as a change unless there are at most `more` of them, one that is gone unless `fewer`.
    `alone`: only a process that runs nothing else can tell whose it is.
    """

    what: str
    read: Callable[[], Mapping[Any, Any]]
    more: int = 0
    fewer: bool = False
    alone: bool = False


def _numpy() -> dict[str, Any]:
    return {"error state": np.geterr(), "error handler": np.geterrcall(), "buffer size": np.getbufsize()}


def _arithmetic() -> dict[str, Any]:
    """Denormals flushed to zero, or another direction of rounding, show in sums and products."""
    least, unit = np.float64(5e-324), np.float64(2.0**-53)
    with np.errstate(all="ignore"):
        product, sums = float(least * np.float64(1.0)), (float(1 + 1.5 * unit), float(-1 - 1.5 * unit))
    # In words, since where denormals are flushed one is equal to 0.
    return {"denormals": repr(product), "rounding": sums}


def _python() -> dict[str, Any]:
    context = decimal.getcontext()
    return {
        "recursion limit": sys.getrecursionlimit(),
        "switch interval": sys.getswitchinterval(),
        "limit of digits": sys.get_int_max_str_digits(),
        "garbage collector": (gc.isenabled(), gc.get_threshold(), tuple(map(id, gc.callbacks))),
        "decimal context": (context.prec, context.rounding, context.Emin, context.Emax, tuple(context.traps.items())),
        "locale": locale.setlocale(locale.LC_ALL),
        "trace function": (id(sys.gettrace()), id(sys.getprofile())),
        "import path": (tuple(map(str, sys.path)), tuple(map(id, sys.meta_path)), tuple(map(id, sys.path_hooks))),
        # A filter that hides warnings harms nobody, and libraries bring their own when they are loaded.
        "warnings that are errors": tuple(str(one) for one in warnings.filters if one[0] == "error"),
    }


def _system() -> dict[str, Any]:
    mask = os.umask(0o077)
    os.umask(mask)
    found: dict[str, Any] = {"working folder": os.getcwd(), "umask": mask}
    if hasattr(signal, "pthread_sigmask"):
        found["blocked signals"] = sorted(signal.pthread_sigmask(signal.SIG_BLOCK, ()))
        found["running timers"] = signal.getitimer(signal.ITIMER_REAL) != (0.0, 0.0)
        found["priority"] = os.getpriority(os.PRIO_PROCESS, 0)
    if hasattr(os, "sched_getaffinity"):
        found["cores"] = sorted(os.sched_getaffinity(0))
    return found


def _limits() -> dict[str, Any]:
    if sys.platform == "win32":
        return {}
    import resource

    return {name: resource.getrlimit(getattr(resource, name)) for name in dir(resource) if name.startswith("RLIMIT_")}


def _signals() -> dict[str, Any]:
    return {one.name if isinstance(one, signal.Signals) else str(one): signal.getsignal(one) for one in SIGNALS}


def _descriptors() -> dict[str, Any]:
    """Open files by their number: the first three are everybody's."""
    found: dict[str, Any] = {}
    for name in os.listdir(PROC / "self" / "fd") if (PROC / "self" / "fd").is_dir() else ("0", "1", "2"):
        try:
            state = os.fstat(int(name))
            found[name] = (state.st_dev, state.st_ino, os.get_inheritable(int(name)))
        except OSError:  # the folder that was listed is closed by now, and so is what is not in the list
            continue
    return found


def _torch() -> dict[str, Any]:
    torch: Any = sys.modules.get("torch")
    if torch is None or not hasattr(torch, "func"):
        return {}
    core, backends = torch._C, torch.backends
    hooks = vars(torch.nn.modules.module)
    return {
        "default dtype": torch.get_default_dtype(),
        "default device": str(torch.get_default_device()),
        "grad mode": torch.is_grad_enabled(),
        "inference mode": torch.is_inference_mode_enabled(),
        "anomaly mode": (torch.is_anomaly_enabled(), torch.is_anomaly_check_nan_enabled()),
        "autocast": (torch.is_autocast_enabled("cpu"), torch.is_autocast_enabled("cuda")),
        "autocast dtype": torch.get_autocast_dtype("cpu"),
        "threads": (torch.get_num_threads(), torch.get_num_interop_threads()),
        "matmul precision": torch.get_float32_matmul_precision(),
        "deterministic algorithms": (
            torch.are_deterministic_algorithms_enabled(), torch.is_deterministic_algorithms_warn_only_enabled(),
            torch.utils.deterministic.fill_uninitialized_memory,
        ),
        "warnings": torch.is_warn_always_enabled(),
        "cuDNN": (
            backends.cudnn.enabled, backends.cudnn.benchmark, backends.cudnn.deterministic, backends.cudnn.allow_tf32
        ),
        "TF32 of CUDA": backends.cuda.matmul.allow_tf32,
        "oneDNN": (core._get_mkldnn_enabled(), core._get_mkldnn_deterministic()),
        "attention": (
            core._get_flash_sdp_enabled(), core._get_math_sdp_enabled(), core._get_mem_efficient_sdp_enabled()
        ),
        "function and dispatch modes": (core._len_torch_function_stack(), core._len_torch_dispatch_stack()),
        "transforms under way": core._functorch.get_dynamic_layer_stack_depth(),
        "forward AD level": torch.autograd.forward_ad._current_level,
        "hooks of saved tensors": core._autograd._top_saved_tensors_default_hooks(True) is not None,
        "hooks of all modules": tuple((name, len(hooks[name])) for name in hooks if isinstance(hooks[name], dict)
                                      and name.startswith("_global")),
        # PyTorch's own modules bring more of what only says shapes, when they are loaded.
        "kernels of operators": sum(not name.endswith("Meta") for name in torch.library._impls),
    }  # fmt: skip


def _jax() -> dict[str, Any]:
    jax: Any = sys.modules.get("jax")
    if jax is None or not hasattr(jax, "config"):
        return {}
    # An attribute also shows what a context has set and not restored.
    return {name: getattr(jax.config, name, value) for name, value in tuple(jax.config.values.items())}


READINGS = (
    Reading("NumPy's", _numpy),
    Reading("the arithmetic's", _arithmetic),
    Reading("Python's", _python),
    Reading("the process's", _system),
    Reading("the process's limit", _limits),
    Reading("the handler of signal", _signals),
    Reading("the environment variable", lambda: dict(os.environ)),
    Reading("PyTorch's", _torch, more=1000),
    Reading("JAX's", _jax, more=1000),
    Reading("the file descriptor", _descriptors, more=64, alone=True),
    Reading("the thread", lambda: {one.ident: one.name for one in threading.enumerate()}, fewer=True, alone=True),
    Reading("the child process", lambda: dict.fromkeys(children(), ""), fewer=True, alone=True),
)


class Fingerprint:
    """A process as it is now; `changed` says in words what is no longer so.

    >>> before = Fingerprint()
    >>> before.changed()
    ''
    >>> import os
    >>> os.environ["A_NEW_VARIABLE"] = "1"
    >>> before.changed()
    "the environment variable A_NEW_VARIABLE is new ('1')"
    >>> del os.environ["A_NEW_VARIABLE"]
    """

    def __init__(self, objects: Iterable[Any] = (), *, alone: bool = False) -> None:
        """Cases, quantities and implementations are `objects` to look into; `alone` where nothing else runs here."""
        self._readings = [one for one in READINGS if alone or not one.alone]
        self._before = [_read(one) for one in self._readings]
        self._names = Names(objects)
        self._arrays: dict[str, tuple[Case, Any]] = {}
        self._case: Case | None = None
        self._numbers: tuple[int, ...] = ()

    def look_at(self, case: Case) -> None:
        """The numbers of this case are looked at now; later on, whether somebody has made its arrays writable."""
        self._case, self._numbers = case, _numbers(case)
        self._arrays.setdefault(case.name, (case, _states(case)))

    def changed(self) -> str:
        """What has changed, in one line; empty where nothing has, and the next look begins from what is here now."""
        try:
            after = [_read(one) for one in self._readings]
            found = list(self._changes(after))
            if not found:
                self._before = after
                self._names.renew()
        except Exception as error:  # what has been changed may be what is needed to tell
            return f"what can no longer be told ({one_line(error)})"
        more = f" and {len(found) - SHOWN} more" if len(found) > SHOWN else ""
        return ", ".join(found[:SHOWN]) + more

    def _changes(self, after: list[Mapping[Any, Any]]) -> Iterator[str]:
        for reading, was, now in zip(self._readings, self._before, after, strict=True):
            yield from _differences(reading, was, now)
        yield from self._names.changed()
        for name, (case, states) in self._arrays.items():
            if _states(case) != states or (case is self._case and _numbers(case) != self._numbers):
                yield f"the numbers of case {name}"


def _read(reading: Reading) -> Mapping[Any, Any]:
    try:
        return reading.read()
    except Exception as error:  # a working folder that is gone, a function that has been replaced
        return {"state cannot be read": type(error).__name__}


def _differences(reading: Reading, before: Mapping[Any, Any], after: Mapping[Any, Any]) -> Iterator[str]:
    for name, value in before.items():
        if name not in after:
            if not reading.fewer:
                yield f"{reading.what} {name} is gone"
        elif after[name] is not value and after[name] != value:
            yield f"{reading.what} {name} (was {_shown(value)}, is {_shown(after[name])})"
    new = [name for name in after if name not in before]
    if len(new) > reading.more:
        yield f"{reading.what} {new[-1]} is new ({_shown(after[new[-1]])})"


def _shown(value: Any) -> str:
    return one_line(repr(value), 60)


def _arrays(case: Case) -> Iterator[np.ndarray]:
    values = case.values()
    yield from (*values.params.values(), *values.inputs.values())
    if values.targets is not None:
        yield values.targets


def _numbers(case: Case) -> tuple[int, ...]:
    """Checksums of the arrays of a case."""
    return tuple(crc32(array.tobytes()) for array in _arrays(case))


def _states(case: Case) -> tuple[tuple[int, bool], ...]:
    return tuple((id(array), array.flags.writeable) for array in _arrays(case))
