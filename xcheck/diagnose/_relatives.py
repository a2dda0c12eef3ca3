"""Another quantity in place of the one asked for, from the other references of the case."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from xcheck.diagnose._hypothesis import Candidate, Evidence, Leaves, candidate, exactly
from xcheck.diagnose._parts import matrix_parts

_CALLED = {
    "hessian_params": "the Hessian",
    "hessian_diagonal": "the diagonal of the Hessian",
    "hvp": "the Hessian product",
    "ggn": "the GGN",
    "ggn_diagonal": "the diagonal of the GGN",
    "ggnvp": "the GGN product",
    "empirical_fisher": "the empirical Fisher",
    "gradient": "the gradient",
}
#: The matrix whose product or diagonal a quantity is.
_MATRIX = {
    "hvp": "hessian_params",
    "ggnvp": "ggn",
    "hessian_diagonal": "hessian_params",
    "ggn_diagonal": "ggn",
    "empirical_fisher_diagonal": "empirical_fisher",
}


def called(quantity: str) -> str:
    return _CALLED.get(quantity, quantity)


def another_quantity(evidence: Evidence, leaves: Leaves) -> Iterator[Candidate]:
    """Any other quantity of the case with the same paths and shapes."""
    shapes = {path: leaf.value.shape for path, leaf in leaves.items()}
    for name in evidence.case.quantities:
        found = None if name == evidence.quantity.name else evidence.related(name)
        if found is not None and {path: leaf.value.shape for path, leaf in found.leaves.items()} == shapes:
            yield candidate(name, f"is {called(name)}, not {called(evidence.quantity.name)}", found.leaves)


def from_jacobian(evidence: Evidence, leaves: Leaves) -> Iterator[Candidate]:
    """The empirical Fisher `sum_n g_n g_n^T` and `sum_n J_n^T J_n`, or their diagonals, from J and f."""
    J, f = evidence.lone("jacobian_params"), evidence.lone("value")
    if J is None or f is None or evidence.quantity.shape not in ("p p", "p"):
        return
    stacked = {"jacobian_gram": ("J^T J, without the Hessian of the loss", J.value.reshape(-1, J.value.shape[-1]))}
    g = example_gradients(evidence)
    if g is not None:
        stacked["empirical_fisher"] = ("the empirical Fisher, from the gradients of the examples", g)
    for name, (said, A) in stacked.items():
        # A diagonal alone: the whole matrix may be larger than memory.
        value, scale = (
            np.einsum("kp,kp->p", B, B) if evidence.quantity.shape == "p" else B.T @ B for B in (A, np.abs(A))
        )
        yield candidate(name, f"is {said}", {"": exactly(value, scale)})


def example_gradients(evidence: Evidence) -> np.ndarray | None:
    """`grad l_n = J_n^T dl_n/df`, of shape (n, p), with dl/df by a complex step: 1e-200 leaves no rounding error."""
    J, f = evidence.lone("jacobian_params"), evidence.lone("value")
    loss, targets = evidence.case.loss, evidence.case.values(evidence.dtype).targets
    if J is None or f is None or loss is None or targets is None or targets.dtype.kind != "f":
        return None
    flat, h = f.value.reshape(len(f.value), -1), 1e-200
    slopes = np.empty_like(flat)
    for c in range(flat.shape[1]):
        z = flat.astype(complex)
        z[:, c] += 1j * h
        slopes[:, c] = np.imag(np.asarray(loss.per_example(np, z.reshape(f.value.shape), targets))) / h
    return np.einsum("nc,ncp->np", slopes, J.value.reshape(*flat.shape, -1))


def products(evidence: Evidence, leaves: Leaves) -> Iterator[Candidate]:
    """For `H v`: another matrix times v, a part of H times v, or H times a vector of ones."""
    asked = evidence.quantity.name
    if asked not in ("hvp", "ggnvp"):
        return
    v = evidence.case.vector("params", (evidence.case.p,), evidence.dtype)
    for name in ("hessian_params", "ggn"):
        M = evidence.lone(name)
        if M is None:
            continue
        if name != _MATRIX[asked]:
            text = f"is {called(name)} times v, not {called(_MATRIX[asked])} times v"
            yield candidate(name, text, {"": exactly(M.value @ v, M.scale @ np.abs(v))})
        for part in matrix_parts(evidence, {"": M}):
            B = part.leaves[""]
            text = f"is {called(name)} times v, but that matrix {part.explanation.text}"
            yield candidate(part.explanation.name, text, {"": exactly(B.value @ v, B.scale @ np.abs(v))})
        ones = np.ones_like(v)
        text = f"is {called(name)} times a vector of ones"
        yield candidate("wrong_vector", text, {"": exactly(M.value @ ones, M.scale @ ones)})


def diagonals(evidence: Evidence, leaves: Leaves) -> Iterator[Candidate]:
    """For a diagonal: the row sums of its matrix, or the squared gradient."""
    if not evidence.quantity.name.endswith("diagonal"):
        return
    name = _MATRIX[evidence.quantity.name]
    M, g = evidence.lone(name), evidence.lone("gradient")
    if M is not None:
        sums = {"": exactly(M.value.sum(axis=0), M.scale.sum(axis=0))}
        yield candidate("row_sums", f"is the row sums of {called(name)}", sums)
    if g is not None:
        yield candidate("squared_gradient", "is the squared gradient", {"": exactly(g.value**2, g.scale**2)})
