"""Sums, products and matrices in other orders."""

from __future__ import annotations

import numpy as np

from algorithms._pair import SMOOTH, Pair, normal
from xcheck import Uniform
from xcheck._lazy import jax, torch

N = 12
#: A sum of so many terms errs by many units, and all that it scales shares its error.
MANY = np.random.default_rng(0).normal(size=2**15).astype(np.float32).astype(np.float64)
TALL = np.random.default_rng(1).normal(size=(200, 6)).astype(np.float32).astype(np.float64)


def like(x, numbers):
    return torch.tensor(numbers, dtype=x.dtype)


def sequential(x):
    total = x[0]
    for k in range(1, len(x)):
        total = total + x[k]
    return total


def pairwise(x):
    if len(x) == 1:
        return x[0]
    return pairwise(x[: len(x) // 2]) + pairwise(x[len(x) // 2 :])


def kahan(x):
    total, lost = x[0] - x[0], x[0] - x[0]
    for k in range(len(x)):
        term = x[k] - lost
        grown = total + term
        lost = (grown - total) - term
        total = grown
    return total


SUMS = {
    "sequential": sequential,
    "pairwise": pairwise,
    "kahan": kahan,
    "reversed": lambda x: sequential(x.flip(0)),
    "blocked": lambda x: sequential(x.reshape(4, -1).sum(1)),
    "own": lambda x: x.sum(),
    "product_with_ones": lambda x: x @ torch.ones_like(x),
    "last_of_cumsum": lambda x: torch.cumsum(x, 0)[-1],
    "mean": lambda x: x.mean() * len(x),
}


def welford(x):
    mean, total = x[0], x[0] - x[0]
    for k in range(1, len(x)):
        off = x[k] - mean
        mean = mean + off / (k + 1)
        total = total + off * (x[k] - mean)
    return total / len(x)


def dct(x):
    """The orthogonal cosine basis, made in the dtype of x."""
    k = torch.arange(len(x), dtype=x.dtype)
    basis = torch.cos(torch.pi / len(x) * (k + 0.5) * k[:, None]) * (2 / len(x)) ** 0.5
    return torch.cat([basis[:1] / 2**0.5, basis[1:]])


def rows(xp, x):
    """(4, 2) and (3, 2) of x (14,)."""
    return xp.reshape(x[:8], (4, 2)), xp.reshape(x[8:], (3, 2))


def differences(xp, x):
    a, b = rows(xp, x)
    apart = xp.expand_dims(a, axis=1) - xp.expand_dims(b, axis=0)
    return xp.sum(apart * apart, axis=-1)


def gram(xp, x):
    a, b = rows(xp, x)
    return (a * a).sum(1)[:, None] + (b * b).sum(1)[None] - 2 * a @ b.T


def factors(xp, x):
    return xp.reshape(x[:6], (2, 3)), xp.reshape(x[6:], (3, 2))


def outer_products(x):
    a, b = factors(torch, x)
    return sum(torch.outer(a[:, k], b[k]) for k in range(3))


def circulant(xp, x):
    """`y_i = sum_j k_j x_{i-j}` of two vectors of 8."""
    a, kernel = x[:8], x[8:]
    at = (np.arange(8)[:, None] - np.arange(8)) % 8
    return xp.sum(xp.reshape(a[at.ravel()], (8, 8)) * xp.expand_dims(kernel, axis=0), axis=1)


def by_fft(fft, x):
    return fft.irfft(fft.rfft(x[:8]) * fft.rfft(x[8:]), 8)


PAIRS = [
    Pair("sum_of_squares", lambda xp, x: xp.sum(x * x), normal(N), {
        name: (lambda x, way=way: way(x * x)) for name, way in SUMS.items()
    } | {"norm": lambda x: torch.linalg.vector_norm(x) ** 2, "dot": lambda x: x @ x},
        {"norm": lambda x: jax.numpy.linalg.norm(x) ** 2, "dot": lambda x: x @ x}),
    Pair("sum_of_both_signs", lambda xp, x: xp.sum(x * x * x), normal(N, 2), {
        name: (lambda x, way=way: way(x**3)) for name, way in SUMS.items()
    }, {"own": lambda x: jax.numpy.sum(x**3)}),
    Pair("squares_in_another_basis", lambda xp, x: xp.sum(x * x), normal(12, 3),
         {"dct": lambda x: ((dct(x) @ x) ** 2).sum()},
         {"fft": lambda x: jax.numpy.sum(abs(jax.numpy.fft.fft(x)) ** 2) / 12}, normwise=("dct", "fft")),
    Pair("there_and_back", lambda xp, x: 1.0 * x, normal(12, 3), {"dct": lambda x: dct(x).T @ (dct(x) @ x)},
         {"fft": lambda x: jax.numpy.fft.irfft(jax.numpy.fft.rfft(x), 12)},
         quantities=SMOOTH[:2], normwise=("dct", "fft")),
    Pair("circular_convolution", circulant, normal(16, 4),
         {"fft": lambda x: by_fft(torch.fft, x), "sums": lambda x: torch.stack([
             sum(x[8 + j] * x[(i - j) % 8] for j in range(8)) for i in range(8)])},
         {"fft": lambda x: by_fft(jax.numpy.fft, x)}, normwise=("fft",)),
    Pair("variance", lambda xp, x: xp.var(x + 1.0), normal(N, 5), {
        "two_passes": lambda x: (x + 1).var(correction=0),
        "one_pass": lambda x: ((x + 1) ** 2).mean() - (x + 1).mean() ** 2, "welford": lambda x: welford(x + 1),
        "of_pairs": lambda x: ((x[:, None] - x[None]) ** 2).sum() / (2 * len(x) ** 2),
    }, {"own": lambda x: jax.numpy.var(x + 1)}),
    Pair("squared_distances", differences, normal(14, 6), {
        "differences": lambda x: ((rows(torch, x)[0][:, None] - rows(torch, x)[1][None]) ** 2).sum(-1),
        "gram": lambda x: gram(torch, x),
    }, {"gram": lambda x: gram(jax.numpy, x)}),
    # torch.func.jacrev through cdist is wrong; autograd's own Jacobian is right.
    Pair("squared_cdist", differences, normal(14, 6), {"cdist": lambda x: torch.cdist(*rows(torch, x)) ** 2},
         quantities=SMOOTH[:2], modes=("", "autograd")),
    Pair("matrix_product", lambda xp, x: xp.matmul(*factors(xp, x)), normal(12, 7), {
        "own": lambda x: torch.matmul(*factors(torch, x)),
        "einsum": lambda x: torch.einsum("ij,jk->ik", *factors(torch, x)),
        "sum": lambda x: (factors(torch, x)[0][:, :, None] * factors(torch, x)[1][None]).sum(1),
        "outer_products": outer_products,
    }, {"own": lambda x: jax.numpy.matmul(*factors(jax.numpy, x))}),
    Pair("bilinear_form", lambda xp, x: xp.matmul(xp.matmul(xp.reshape(x[:3], (1, 3)), xp.reshape(x[3:12], (3, 3))),
                                                  xp.reshape(x[12:], (3, 1))), normal(15, 8), {
        "right_first": lambda x: x[:3] @ (x[3:12].reshape(3, 3) @ x[12:]),
        "einsum": lambda x: torch.einsum("i,ij,j", x[:3], x[3:12].reshape(3, 3), x[12:]),
        "elementwise": lambda x: (torch.outer(x[:3], x[12:]) * x[3:12].reshape(3, 3)).sum(),
    }),
    Pair("trace_of_product",
         lambda xp, x: xp.sum(xp.reshape(x[:9], (3, 3)) * xp.reshape(x[9:], (3, 3)).T), normal(18, 9),
         {"matrices": lambda x: torch.trace(x[:9].reshape(3, 3) @ x[9:].reshape(3, 3))},
         {"matrices": lambda x: jax.numpy.trace(x[:9].reshape(3, 3) @ x[9:].reshape(3, 3))}),
    Pair("product", lambda xp, x: x[0] * x[1] * x[2] * x[3] * x[4], Uniform((1, 5), 10, 0.5, 2.0), {
        "exp_of_sum_of_logs": lambda x: torch.exp(torch.log(x).sum()), "own": lambda x: x.prod(),
        "last_of_cumprod": lambda x: torch.cumprod(x, 0)[-1],
    }, {"exp_of_sum_of_logs": lambda x: jax.numpy.exp(jax.numpy.sum(jax.numpy.log(x))),
        "own": lambda x: jax.numpy.prod(x)}),
    Pair("one_sum_in_all_entries", lambda xp, x: x * xp.sum(xp.asarray(MANY * MANY)), normal(6, 14), {
        "own": lambda x: x * (like(x, MANY) ** 2).sum(), "dot": lambda x: x * (like(x, MANY) @ like(x, MANY)),
        "einsum": lambda x: torch.einsum("i,k,k->i", x, like(x, MANY), like(x, MANY)),
        "sequential": lambda x: x * torch.cumsum(like(x, MANY) ** 2, 0)[-1],
    }, quantities=SMOOTH[:2]),
    Pair("gauss_newton_product", lambda xp, x: xp.matmul(TALL.T, xp.matmul(TALL, xp.expand_dims(x, axis=1))),
         normal(6, 15), {
        "jvp_vjp": lambda x: like(x, TALL).T @ (like(x, TALL) @ x),
        "matrix": lambda x: (like(x, TALL).T @ like(x, TALL)) @ x,
        "einsum": lambda x: torch.einsum("ni,nj,j->i", like(x, TALL), like(x, TALL), x),
        "examples": lambda x: sum(row * (row @ x) for row in like(x, TALL)),
    }, quantities=SMOOTH[:2]),
    Pair("cube", lambda xp, x: x * x * x, Uniform((1, 5), 11, 0.5, 2.0), {
        "power": lambda x: x**3, "exp_of_log": lambda x: torch.exp(3 * torch.log(x)), "float_power": lambda x: x**3.0,
    }, {"power": lambda x: x**3}),
    Pair("polynomial", lambda xp, x: 1.0 + x * (2.0 + x * (-3.0 + x * 4.0)), normal(5, 12), {
        "powers": lambda x: 1 + 2 * x - 3 * x**2 + 4 * x**3,
        "vandermonde": lambda x: torch.stack([x**0, x, x**2, x**3], 1) @ torch.tensor([1, 2, -3, 4], dtype=x.dtype),
    }, {"horner": lambda x: jax.numpy.polyval(jax.numpy.array([4, -3, 2, 1], x.dtype), x)}),
    Pair("quotient", lambda xp, x: x[:4] / x[4:], Uniform((1, 8), 13, 0.5, 2.0), {
        "reciprocal": lambda x: x[:4] * torch.reciprocal(x[4:]), "logs": lambda x: torch.exp(x[:4].log() - x[4:].log()),
    }, {"own": lambda x: x[:4] / x[4:]}),
]  # fmt: skip
