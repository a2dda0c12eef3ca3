"""The limit: the rate of a matrix product and of writing memory, measured in the same rounds as the work."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from xcheck._dtypes import ARRAY_DTYPE
from xcheck._lazy import installed, torch
from xcheck.bench.rounds import Body, Samples
from xcheck.bench.schema import Roof

#: Rows and columns of the product: large enough for the peak, small enough for a round.
GEMM = 512
#: Bytes of a fill: at least what a clock can see, at most what a round can bear.
LEAST_FILL, MOST_FILL = 2**14, 2**28
#: From so many bytes on, memory behind the caches is written. There a CPU's ordinary store fetches the line that it
#: overwrites, a streaming store does not: up to twice the rate of a fill, so twice is the limit.
UNCACHED, STREAMED = 2**25, 2.0
ITEMSIZE = {"float64": 8, "float32": 4, "tf32": 4, "bfloat16": 2}


def roof_bodies(dtype: str, device: str, least_bytes: float) -> list[Body]:
    """A matrix product and a fill of as many bytes as the quantity must move."""
    count = int(min(max(least_bytes, LEAST_FILL), MOST_FILL)) // ITEMSIZE[dtype]
    gemm, fill = _torch(dtype, device, count) if installed("torch") else _numpy(dtype, count)
    synchronise = torch.cuda.synchronize if device != "cpu" else lambda: None
    return [
        Body("roof/gemm", lambda k: gemm(), lambda result: synchronise()),
        Body("roof/fill", lambda k: fill(), lambda result: synchronise()),
    ]


def _torch(dtype: str, device: str, count: int) -> tuple[Callable[[], Any], Callable[[], Any]]:
    kind = getattr(torch, ARRAY_DTYPE[dtype])
    a = torch.ones(GEMM, GEMM, dtype=kind, device=device)
    c, out = torch.empty_like(a), torch.ones(count, dtype=kind, device=device)
    return lambda: torch.mm(a, a, out=c), lambda: out.fill_(1.0)


def _numpy(dtype: str, count: int) -> tuple[Callable[[], Any], Callable[[], Any]]:
    kind = "float64" if dtype == "float64" else "float32"
    a, c = np.ones((GEMM, GEMM), kind), np.empty((GEMM, GEMM), kind)
    out = np.ones(count * ITEMSIZE[dtype] // c.itemsize, kind)
    return lambda: np.matmul(a, a, out=c), lambda: out.fill(1.0)


def roof(gemm: Samples, fill: Samples, dtype: str, device: str, least_flops: float, least_bytes: float) -> Roof:
    """The best rates of all rounds, and the time below which nobody can compute the quantity.

    >>> second = Samples(1, [0], [1.0], [1.0], [0.0])
    >>> [roof(second, second, "float32", "cpu", 1.0, 2.0**k).floor for k in (24, 25)]  # behind the caches, half
    [1.0, 0.5]
    >>> roof(second, second, "float32", "cuda", 1.0, 2.0**25).floor
    1.0
    """
    moved = min(max(least_bytes, LEAST_FILL), MOST_FILL) // ITEMSIZE[dtype] * ITEMSIZE[dtype]
    streamed = STREAMED if device == "cpu" and moved >= UNCACHED else 1.0
    flops, rate = 2.0 * GEMM**3 / min(gemm.wall), streamed * moved / min(fill.wall)
    return Roof(
        flops_per_second=flops,
        bytes_per_second=rate,
        least_flops=least_flops,
        least_bytes=least_bytes,
        floor=max(least_flops / flops, least_bytes / rate),
    )


def too_fast(seconds: float, roof: Roof) -> str | None:
    """Why a time cannot be: something was not waited for, or not computed.

    >>> too_fast(1e-9, Roof(flops_per_second=1e11, bytes_per_second=1e10, least_flops=1e6, least_bytes=8, floor=1e-5))
    'faster than the machine can be: 1e-09 s, where 1e-05 s is the least; a result that is not waited for, or cached'
    """
    if seconds >= roof.floor:
        return None
    return (
        f"faster than the machine can be: {seconds:.3g} s, where {roof.floor:.3g} s is the least; "
        "a result that is not waited for, or cached"
    )
