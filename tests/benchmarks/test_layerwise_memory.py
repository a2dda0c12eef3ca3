"""What the layerwise engine needs beside its result, against two activations' worth a chunk.

`python -m pytest tests/benchmarks/test_layerwise_memory.py --benchmark-only` prints the table. The peak is the kernel's
high-water mark above the state before the call, in a process that has made the call before. An activation's worth is
what enters and leaves every layer, for the examples of a chunk and for every column that is carried: one for a product,
c for Jacobians and diagonals. Nothing here fails for its size: the table says what is reached.
"""

from __future__ import annotations

import ctypes
import time
from collections.abc import Callable, Iterator
from itertools import pairwise

import pytest
import torch
from torch import Tensor, nn

from xcheck import layerwise
from xcheck.bench.memory import CLEAR, peak_bytes
from xcheck.bench.schema import Group

WIDTHS, N = (64, 256, 256, 10), 2048
ENTERING_AND_LEAVING = 64 + 2 * (256 + 256) + 10  # a hidden width before and behind its tanh
GROUP = Group(case="mlp_64_256_256_10_n2048", quantity="ggn_diagonal")
MEGABYTE = 2**20
M_MMAP_THRESHOLD = -3  # of malloc.h

Setting = tuple[nn.Module, Tensor, Tensor]


@pytest.fixture(scope="module")
def setting() -> Setting:
    """The middle network of the speed table with more examples, so that activations are seen beside the parameters."""
    torch.manual_seed(0)
    layers = [[nn.Linear(a, b), nn.Tanh()] for a, b in pairwise(WIDTHS)]
    module = nn.Sequential(*[layer for pair in layers for layer in pair][:-1])
    return module, torch.randn(N, WIDTHS[0]), torch.randn(N, WIDTHS[-1])


@pytest.fixture(scope="module")
def table(request: pytest.FixtureRequest) -> Iterator[list[str]]:
    """The lines that are printed when the module is done."""
    if not CLEAR.exists():
        pytest.skip("this system does not tell its high-water mark")
    # What is freed must be gone: in a heap that has grown, a hole of the wrong size would count as memory in use.
    ctypes.CDLL(None).mallopt(M_MMAP_THRESHOLD, 2**17)
    lines = [f"{'quantity':18}{'chunk':>6}{'result':>9}{'two act.':>9}{'peak':>9}  (peak - result) / two activations"]
    yield lines
    with request.config.pluginmanager.getplugin("capturemanager").global_and_fixture_disabled():
        print("", *lines, sep="\n")


def calls(setting: Setting, chunk: int) -> dict[str, tuple[int, Callable[[], Tensor]]]:
    """Columns carried, and the call."""
    module, x, y = setting
    c, loss, part = WIDTHS[-1], nn.MSELoss(), (module, x[:chunk], y[:chunk])
    v = torch.ones(sum(p.numel() for p in module.parameters()))
    return {
        "ggn_diagonal": (c, lambda: layerwise.ggn_diagonal(*setting, loss=loss, chunk_size=chunk)),
        "hessian_diagonal": (c, lambda: layerwise.hessian_diagonal(*setting, loss=loss, chunk_size=chunk)),
        "hvp": (1, lambda: layerwise.hvp(*part, v, loss=loss)),
        "ggnvp": (1, lambda: layerwise.ggnvp(*part, v, loss=loss)),
        "hvp, fused": (1, lambda: fused(layerwise.hvp)(*part, v, loss=loss)),
        "ggnvp, fused": (1, lambda: fused(layerwise.ggnvp)(*part, v, loss=loss)),
        "jacobian": (c, lambda: layerwise.jacobian(module, x[:128], chunk_size=min(chunk, 64))),
    }


def fused(product: Callable[..., Tensor]) -> Callable[..., Tensor]:
    """The same by the compiled kernels, where there is a compiler; they are for one thread."""

    def call(*arguments: object, **named: object) -> Tensor:
        threads = torch.get_num_threads()
        torch.set_num_threads(1)
        with layerwise.fused():
            found = product(*arguments, **named)
        torch.set_num_threads(threads)
        return found

    return call


@pytest.mark.parametrize("chunk", [64, 512, 2048])
@pytest.mark.parametrize(
    "quantity", ["ggn_diagonal", "hessian_diagonal", "hvp", "ggnvp", "hvp, fused", "ggnvp, fused", "jacobian"]
)
def test_peak(quantity: str, chunk: int, setting: Setting, table: list[str], benchmark: Callable[..., Tensor]) -> None:
    if quantity == "jacobian" and chunk > 64:
        pytest.skip("the result of more examples than 128 is gigabytes")
    columns, call = calls(setting, chunk)[quantity]
    result = call().nbytes

    def timed() -> float:
        start = time.perf_counter()
        call()
        return time.perf_counter() - start

    _, peak = peak_bytes(timed, GROUP, "torch")
    assert peak is not None
    activations = 2 * 4 * columns * chunk * ENTERING_AND_LEAVING
    share = max(0, peak - result) / activations
    benchmark.extra_info.update(quantity=quantity, chunk=chunk, result=result, activations=activations, peak=peak)
    benchmark.pedantic(call, rounds=1, iterations=1)
    sizes = "".join(f"{size / MEGABYTE:8.1f}M" for size in (result, activations, peak))
    table.append(f"{quantity:18}{chunk:6}{sizes}  {share:5.2f}{'' if share <= 1 else '  missed'}")
