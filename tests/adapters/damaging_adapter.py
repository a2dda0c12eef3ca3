"""Damage that one cell can do to the process of the next; `tests/test_fingerprint.py` tries each.

`python damaging_adapter.py FOLDER` forks a process for each kind: it serves a cell that does the damage, and where its
process is not given up, an innocent cell after it. What came is written to FOLDER/<kind>.
"""

import builtins
import contextlib
import copyreg
import ctypes
import decimal
import functools
import gc
import importlib
import json
import locale
import math
import os
import random
import signal
import subprocess
import sys
import threading
import time
import types
import warnings
from pathlib import Path

import jax
import numpy as np
import torch

import xcheck
from xcheck import _dtypes, _judge, implements
from xcheck.quantities import load_quantities
from xcheck.quantity import QUANTITIES, implementations

CASE = "linear_gaussian"
KINDS = {}
#: What leaves nothing behind that a later cell could see.
HARMLESS = {}
CHOSEN = []


def kind(function):
    KINDS[function.__name__] = function
    return function


def harmless(function):
    HARMLESS[function.__name__] = function
    return function


def right(problem):
    theta = problem.theta.clone().requires_grad_()
    return torch.autograd.grad(problem.objective(theta), theta)[0]


implements("gradient", "innocent", "torch")(right)


@implements("gradient", "damages", "torch")
def damages(problem):
    answer = right(problem)
    (CHOSEN or [KINDS[os.environ["XCHECK_TEST_DAMAGE"]]])[0]()
    return answer


implements("gradient", "innocent_after", "torch")(right)


def one_liners():
    """Damage that is one call."""
    own_grad, own_exp = torch.autograd.grad, np.exp

    def fourfold(*arguments, **options):
        return tuple(4 * one for one in own_grad(*arguments, **options))

    case = xcheck.load_cases()[CASE]
    other = xcheck.load_cases()["tanh_mlp"]
    quantity = load_quantities()["gradient"]
    innocent = implementations("gradient")["torch_innocent"]
    frozen = object.__setattr__
    return {
        "torch_default_dtype": lambda: torch.set_default_dtype(torch.float64),
        "torch_default_device": lambda: torch.set_default_device("meta"),
        "torch_anomaly": lambda: torch.autograd.set_detect_anomaly(True),
        "torch_autocast": lambda: torch.set_autocast_enabled("cpu", True),
        "torch_threads": lambda: torch.set_num_threads(2),
        "torch_deterministic": lambda: torch.use_deterministic_algorithms(True),
        "torch_denormals": lambda: torch.set_flush_denormal(True),
        "torch_function_mode": lambda: torch.overrides.BaseTorchFunctionMode().__enter__(),
        "torch_warn_always": lambda: torch.set_warn_always(True),
        "torch_cudnn": lambda: setattr(torch.backends.cudnn, "benchmark", True),
        "torch_mkldnn": lambda: torch._C._set_mkldnn_enabled(False),
        "torch_grad_patched": lambda: setattr(torch.autograd, "grad", fourfold),
        "torch_jacrev_patched": lambda: setattr(torch.func, "jacrev", torch.func.jacfwd),
        "torch_functional_patched": lambda: setattr(torch.nn.functional, "linear", torch.nn.functional.bilinear),
        "torch_tensor_patched": lambda: setattr(torch.Tensor, "detach", torch.Tensor.clone),
        "torch_layer_patched": lambda: setattr(torch.nn.Linear, "forward", torch.nn.Identity.forward),
        "torch_module_hook": lambda: torch.nn.modules.module.register_module_forward_hook(lambda *_: None),
        "torch_generator": lambda: setattr(torch, "default_generator", torch.Generator()),
        "torch_forward_ad": lambda: torch.autograd.forward_ad.enter_dual_level(),
        "torch_vmap_level": lambda: torch._C._functorch._vmap_increment_nesting(2, "error"),
        "torch_saved_hooks": lambda: torch.autograd.graph.saved_tensors_hooks(abs, abs).__enter__(),
        "jax_x64": lambda: jax.config.update("jax_enable_x64", True),
        "jax_x64_context": lambda: jax.enable_x64(True).__enter__(),
        "jax_matmul": lambda: jax.config.update("jax_default_matmul_precision", "bfloat16"),
        "jax_nans": lambda: jax.config.update("jax_debug_nans", True),
        "jax_no_jit": lambda: jax.config.update("jax_disable_jit", True),
        "jax_promotion": lambda: jax.config.update("jax_numpy_dtype_promotion", "strict"),
        "jax_patched": lambda: setattr(jax, "jacrev", jax.jacfwd),
        "jax_numpy_patched": lambda: setattr(jax.numpy, "tanh", jax.numpy.sin),
        "numpy_errors": lambda: np.seterr(all="raise"),
        "numpy_handler": lambda: np.seterrcall(print),
        "numpy_buffer": lambda: np.setbufsize(32),
        "numpy_patched": lambda: setattr(np, "exp", lambda x: own_exp(x) * 2),
        "numpy_linalg_patched": lambda: setattr(np.linalg, "norm", np.linalg.det),
        "builtins_patched": lambda: setattr(builtins, "sorted", reversed),
        "builtins_len": lambda: setattr(builtins, "len", lambda x: 1 / 0),
        "math_patched": lambda: setattr(math, "isfinite", lambda x: True),
        "recursion_limit": lambda: sys.setrecursionlimit(150),
        "gc_off": gc.disable,
        "gc_threshold": lambda: gc.set_threshold(1),
        "decimal_context": lambda: decimal.getcontext().__setattr__("prec", 3),
        "locale": lambda: locale.setlocale(locale.LC_ALL, "C.UTF-8"),
        "warnings_errors": lambda: warnings.simplefilter("error"),
        "warnings_shown": lambda: setattr(warnings, "showwarning", exit),
        "environment": lambda: os.environ.__setitem__("OMP_NUM_THREADS", "7"),
        "environment_emptied": os.environ.clear,
        "working_folder": lambda: os.chdir("/"),
        "umask": lambda: os.umask(0o777),
        "signal_handler": lambda: signal.signal(signal.SIGTERM, signal.SIG_IGN),
        "signal_blocked": lambda: signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGUSR1]),
        "alarm": lambda: signal.alarm(3600),
        "path": lambda: sys.path.insert(0, "/nowhere"),
        "finder": lambda: sys.meta_path.pop(),
        "module_replaced": lambda: sys.modules.__setitem__("numpy.linalg", types.ModuleType("numpy.linalg")),
        "module_removed": lambda: sys.modules.pop("numpy.random", None),
        "stdout": lambda: setattr(sys, "stdout", None),
        "stdin_closed": lambda: os.closerange(0, 1),
        "stdout_closed": lambda: os.closerange(1, 2),
        "stderr_closed": lambda: os.closerange(2, 3),
        "trace": lambda: sys.settrace(lambda *_: None),
        "profile": lambda: sys.setprofile(lambda *_: None),
        "excepthook": lambda: setattr(sys, "excepthook", print),
        "files_left_open": lambda: CHOSEN.extend(os.open(os.devnull, os.O_RDONLY) for _ in range(200)),
        "memory_limit": lambda: __import__("resource").setrlimit(__import__("resource").RLIMIT_CORE, (0, 0)),
        "open_files_limit": lambda: __import__("resource").setrlimit(__import__("resource").RLIMIT_NOFILE, (64, 64)),
        "priority": lambda: os.nice(1),
        "cores": lambda: (
            os.sched_setaffinity(0, [min(os.sched_getaffinity(0))]) if len(os.sched_getaffinity(0)) > 1 else os.nice(1)
        ),
        "thread": lambda: threading.Thread(target=time.sleep, args=(5,), daemon=True).start(),
        "child": lambda: CHOSEN.append(subprocess.Popen(["sleep", "5"])),
        "rounding": lambda: ctypes.CDLL("libm.so.6").fesetround(0x400),
        "pickling": lambda: copyreg.dispatch_table.__setitem__(float, abs) or setattr(copyreg, "pickle", None),
        "reduced": lambda: setattr(functools, "reduce", None),
        "case_loss": lambda: frozen(case, "loss", None),
        "case_of_another": lambda: frozen(other, "kinks", True),
        "case_numbers": lambda: frozen(
            case.values(), "params", {name: 0 * a for name, a in case.values().params.items()}
        ),
        "quantity": lambda: frozen(quantity, "symmetric", True),
        "quantity_replaced": lambda: QUANTITIES._items.__setitem__("gradient", load_quantities()["value"]),
        "implementation": lambda: frozen(innocent, "function", lambda problem: 2 * right(problem)),
        "implementation_removed": lambda: implementations("gradient")._items.pop("torch_innocent", None),
        "judge_patched": lambda: setattr(_judge, "LIMIT", 1e300),
        "judge_table": lambda: _dtypes.UNIT.__setitem__("float64", 1.0),
        "judge_code": lambda: setattr(_judge.compare, "__code__", _judge.fits.__code__),
        "judge_defaults": lambda: (
            setattr(right, "__defaults__", None) or setattr(xcheck.Problem.batches, "__defaults__", (1,))
        ),
        "problem_patched": lambda: setattr(xcheck.Problem, "objective", lambda self, theta: theta.sum()),
    }


KINDS |= one_liners()


@kind
def torch_kernel():
    library = torch.library.Library("aten", "IMPL")
    CHOSEN.append(library)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        library.impl("sin", lambda x: x, "CPU")


@kind
def child_of_a_child():
    """A daemon with a session of its own is no child any more, but its first parent is waited for here."""
    if os.fork() == 0:
        time.sleep(5)


@kind
def raises_as_well():
    torch.set_default_dtype(torch.float64)
    raise ValueError("after the damage")


HARMLESS |= {
    "torch_seed": lambda: torch.manual_seed(7),
    "numpy_seed": lambda: np.random.seed(7),
    "python_seed": lambda: random.seed(7),
    "torch_random": lambda: torch.randn(3),
    "new_module": lambda: importlib.import_module("wave" if sys.version_info < (3, 13) else "colorsys"),
    "hidden_warning": lambda: warnings.filterwarnings("ignore", category=ResourceWarning),
    "print": lambda: print("hello", file=sys.stderr),
    "one_file": lambda: CHOSEN.append(os.open(os.devnull, os.O_RDONLY)),
    "torch_grad_mode": lambda: torch.set_grad_enabled(False),
    "torch_inference_mode": lambda: torch.inference_mode().__enter__(),
    "torch_precision": lambda: torch.set_float32_matmul_precision("medium"),
    "restored": lambda: torch.set_num_threads(torch.get_num_threads()),
    "context": lambda: (contextlib.ExitStack().enter_context(torch.no_grad()) and None) or torch.set_grad_enabled(True),
}


def tried(name, damage):
    from xcheck.run import work
    from xcheck.run.plan import Cell
    from xcheck.run.settings import Settings
    from xcheck.run.worker import Spent

    work._fingerprint.cache_clear()  # forking has renewed the locks of threads
    CHOSEN[:] = [damage]
    settings = Settings(tier="full")

    def served(implementation):
        return work.serve((Cell(CASE, "gradient", implementation, "float64", "cpu"), settings))

    found = served("torch_damages")
    spent = isinstance(found, Spent)
    after = None if spent else str(served("torch_innocent").outcome)
    found = found.value if spent else found
    return {"outcome": str(found.outcome), "reason": found.reason, "spent": spent, "after": after}


def main(folder):
    from xcheck.run.work import start

    start(None, (), [("torch", "eager")], str(folder))
    tried("none", lambda: None)
    for name, damage in (KINDS | HARMLESS).items():
        child = os.fork()
        if child == 0:
            dumps, me, write = json.dumps, os.getpid(), Path.write_text
            try:
                said = dumps(tried(name, damage))
            except BaseException:
                said = '{"outcome": "crashed", "reason": "", "spent": true, "after": null}'
            if os.getpid() == me:
                os.umask(0o077)
                write(folder / name, said)
            os._exit(0)
        os.waitpid(child, 0)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
