"""Determinants and linear systems by LU, QR and Cholesky, beside elimination and Cramer's rule."""

from __future__ import annotations

import numpy as np

from algorithms._pair import SMOOTH, Pair, normal
from xcheck._lazy import jax, torch
from xcheck.exact.namespace import Array


def normwise(xp, A):
    """The operand of a factorisation, whose backward error is n u ||A||."""
    return Array(xp, xp.alg.normwise(A.value, (0, 1), float(A.shape[0])))


def square(xp, x):
    size = round(x.shape[0] ** 0.5)
    return xp.reshape(x, (size, size))


def definite(xp, x):
    """`B^T B + I` of B (2, 2)."""
    B = xp.reshape(x[:4], (2, 2))
    return B.T @ B + np.eye(2)


def pivots(A):
    """The determinant by elimination without exchanges."""
    found = A[0, 0]
    while A.shape[0] > 1:
        A = A[1:, 1:] - A[1:, :1] * A[:1, 1:] / A[0, 0]
        found = found * A[0, 0]
    return found


def by_qr(A):
    Q, R = torch.linalg.qr(A)
    return torch.linalg.det(Q.detach()).round() * torch.diagonal(R).prod()


def by_log(A):
    sign, log = torch.linalg.slogdet(A)
    return sign.detach() * torch.exp(log)


DETERMINANTS = {
    "own": lambda x: torch.linalg.det(square(torch, x)),
    "elimination": lambda x: pivots(square(torch, x)),
    "qr": lambda x: by_qr(square(torch, x)),
    "log": lambda x: by_log(square(torch, x)),
}


def matrix(x):
    B = x[:4].reshape(2, 2)
    return B.T @ B + torch.eye(2, dtype=x.dtype)


def matrix_jax(x):
    B = x[:4].reshape(2, 2)
    return B.T @ B + jax.numpy.eye(2, dtype=x.dtype)


def cramer(xp, x):
    A, b = normwise(xp, definite(xp, x)), x[4:]
    det = A[0, 0] * A[1, 1] - A[0, 1] * A[1, 0]
    return xp.stack([A[1, 1] * b[0] - A[0, 1] * b[1], A[0, 0] * b[1] - A[1, 0] * b[0]]) / det


def solve_qr(x):
    Q, R = torch.linalg.qr(matrix(x))
    return torch.linalg.solve_triangular(R, (Q.T @ x[4:])[:, None], upper=True)[:, 0]


def solve_cholesky(x):
    L = torch.linalg.cholesky(matrix(x))
    y = torch.linalg.solve_triangular(L, x[4:, None], upper=False)
    return torch.linalg.solve_triangular(L.T, y, upper=True)[:, 0]


def there_and_back(x):
    Q, _ = torch.linalg.qr(torch.arange(1.0, 17.0, dtype=x.dtype).reshape(4, 4).sin())
    return Q.T @ (Q @ x)


PAIRS = [
    Pair("ad_minus_bc", lambda xp, x: x[0] * x[3] - x[1] * x[2], normal(4, 21), DETERMINANTS,
         {"own": lambda x: jax.numpy.linalg.det(x.reshape(2, 2))}),
    Pair("det_2", lambda xp, x: pivots(normwise(xp, square(xp, x))), normal(4, 21), DETERMINANTS,
         {"own": lambda x: jax.numpy.linalg.det(x.reshape(2, 2))}),
    Pair("det_3", lambda xp, x: pivots(normwise(xp, square(xp, x))), normal(9, 22), DETERMINANTS,
         {"own": lambda x: jax.numpy.linalg.det(x.reshape(3, 3))}),
    Pair("log_det", lambda xp, x: xp.log(pivots(normwise(xp, definite(xp, x)))), normal(4, 23), {
        "slogdet": lambda x: torch.linalg.slogdet(matrix(x))[1],
        "qr": lambda x: torch.diagonal(torch.linalg.qr(matrix(x))[1]).abs().log().sum(),
        "cholesky": lambda x: 2 * torch.diagonal(torch.linalg.cholesky(matrix(x))).log().sum(),
        "eigenvalues": lambda x: torch.linalg.eigvalsh(matrix(x)).log().sum(),
    }, {"slogdet": lambda x: jax.numpy.linalg.slogdet(matrix_jax(x))[1]}),
    Pair("solve", cramer, normal(6, 24), {
        "lu": lambda x: torch.linalg.solve(matrix(x), x[4:]), "qr": solve_qr, "cholesky": solve_cholesky,
        "inverse": lambda x: torch.linalg.inv(matrix(x)) @ x[4:],
    }, {"lu": lambda x: jax.numpy.linalg.solve(matrix_jax(x), x[4:]),
        "cholesky": lambda x: jax.scipy.linalg.cho_solve(jax.scipy.linalg.cho_factor(matrix_jax(x)), x[4:])}),
    Pair("orthogonal_there_and_back", lambda xp, x: 1.0 * x, normal(4, 25), {"qr": there_and_back},
         quantities=SMOOTH[:2], normwise=("qr",)),
]  # fmt: skip
