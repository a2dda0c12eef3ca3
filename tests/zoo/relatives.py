"""Another quantity in place of the one asked for, or only a part of it."""

from __future__ import annotations

import numpy as np

from zoo._defect import Defect, Right

MATRICES = "hessian_params ggn empirical_fisher"
BLOCKS = f"{MATRICES} hessian_blocks ggn_blocks"
DIAGONALS = "hessian_diagonal ggn_diagonal empirical_fisher_diagonal"


def other(quantity):
    """The right result of another quantity."""

    def wrong(right: Right):
        A = right.other(quantity)
        return None if A is None else {"": A}

    return wrong


def jacobian(right: Right):
    J = right.other("jacobian_params")
    return None if J is None else J.reshape(-1, J.shape[-1])


def gram(right: Right):
    J = jacobian(right)
    return None if J is None else {"": J.T @ J}


def empirical_fisher(right: Right):
    """`sum_n g_n g_n^T` of the squared error, whose slope is 2 (f - y)."""
    J, f, targets = right.other("jacobian_params"), right.other("value"), right.case.values(right.dtype).targets
    if J is None or f is None or targets is None or targets.dtype.kind != "f":
        return None
    slopes = 2 * (f - targets) / (2 * getattr(right.case.loss, "noise_var", 0.5))
    g = np.einsum("nc,ncp->np", slopes.reshape(J.shape[:2]), J)
    return {"": g.T @ g}


def empirical_fisher_diagonal(right: Right):
    F = empirical_fisher(right)
    return None if F is None else {"": np.diag(F[""])}


def scaled_other(quantity, factor):
    def wrong(right: Right):
        A = right.other(quantity)
        return None if A is None else {"": factor(right) * A}

    return wrong


def kept(mask):
    """A matrix that is zero where the mask of (right, shape) is not."""
    return lambda right: {path: np.where(mask(right, A.shape), A, 0) for path, A in right.leaves.items()}


def same_block(right: Right, shape):
    block = np.repeat(np.arange(len(right.weights)), [s.stop - s.start for s, _ in right.weights.values()])
    return block[:, None] == block


def same_layer(right: Right, shape):
    names = list(right.weights)
    block = np.repeat(np.arange(len(names)), [s.stop - s.start for s, _ in right.weights.values()])
    layers = np.array([names[k].rpartition(".")[0] for k in block])
    return layers[:, None] == layers


def product(matrix, part=lambda M: M, vector=lambda v: v):
    def wrong(right: Right):
        M = right.other(matrix)
        v = right.case.vector("params", (right.case.p,), right.dtype)
        return None if M is None else {"": part(M) @ vector(v)}

    return wrong


def row_sums(matrix):
    def wrong(right: Right):
        M = right.other(matrix)
        return None if M is None else {"": M.sum(0)}

    return wrong


def clipped(right: Right):
    """What makes an indefinite matrix semidefinite; None where it is so already, but for the rounding of eigh."""
    values, vectors = np.linalg.eigh(right.leaves[""])
    if values[0] > -len(values) * 2.0**-52 * values[-1]:
        return None
    return {"": (vectors * np.maximum(values, 0)) @ vectors.T}


def doubled_diagonal(right: Right):
    return {path: A + np.diag(np.diag(A)) for path, A in right.leaves.items()}


def other_blocks(quantity):
    """The blocks of another matrix."""

    def wrong(right: Right):
        found = right.related(quantity)
        return None if found is None else {path: leaf.value for path, leaf in found.leaves.items()}

    return wrong


def trace(quantity):
    """The trace of another matrix, from its diagonal."""

    def wrong(right: Right):
        diagonal = right.other(quantity)
        return None if diagonal is None else {"": diagonal.sum()}

    return wrong


def sum_of_entries(right: Right):
    """The trace by one probe, of ones."""
    H = right.other("hessian_params")
    return None if H is None else {"": H.sum()}


def second_derivative(right: Right):
    """`v . H v`, an order too low."""
    Hv = right.other("hvp")
    return None if Hv is None else {"": right.case.vector("params", (right.case.p,), right.dtype) @ Hv}


def pushed_ones(right: Right):
    J = right.other("jacobian_params")
    return None if J is None else {"": J.sum(axis=-1).reshape(right.leaves[""].shape)}


def pulled_ones(right: Right):
    J = right.other("jacobian_params")
    return None if J is None else {"": J.sum(axis=(0, 1))}


def without_other_examples(right: Right):
    """Every output depends on its own example alone."""
    own = np.eye(right.case.n)[:, None, :, None]
    return {path: A * own for path, A in right.leaves.items()}


def symmetrised(right: Right):
    """The mean with the transpose, of what is square and need not be symmetric."""
    if any(A.shape[-1] != A.shape[-2] or A.shape[-1] == 1 for A in right.leaves.values()):
        return None
    return {path: (A + np.swapaxes(A, -1, -2)) / 2 for path, A in right.leaves.items()}


def squared_gradient(right: Right):
    g = right.other("gradient")
    return None if g is None else {"": g * g}


RELATIVES = (
    Defect("ggn_for_hessian", other("ggn"), ("ggn",), "hessian_params"),
    Defect("hessian_for_ggn", other("hessian_params"), ("hessian_params",), "ggn"),
    Defect("ggn_diagonal_for_hessian_diagonal", other("ggn_diagonal"), ("ggn_diagonal",), "hessian_diagonal"),
    Defect("hessian_diagonal_for_ggn_diagonal", other("hessian_diagonal"), ("hessian_diagonal",), "ggn_diagonal"),
    Defect("ggn_product_for_hvp", product("ggn"), ("ggn",), "hvp"),
    Defect("gradient_for_product", other("gradient"), ("gradient",), "hvp ggnvp vjp"),
    Defect("hessian_product_for_ggnvp", product("hessian_params"), ("hessian_params", "hvp"), "ggnvp"),
    Defect("hessian_blocks_for_ggn_blocks", other_blocks("hessian_blocks"), ("hessian_blocks",), "ggn_blocks"),
    Defect("ggn_blocks_for_hessian_blocks", other_blocks("ggn_blocks"), ("ggn_blocks",), "hessian_blocks"),
    Defect("ggn_for_empirical_fisher", other("ggn"), ("ggn",), "empirical_fisher"),
    Defect("ggn_trace_for_hessian_trace", trace("ggn_diagonal"), ("ggn_trace",), "hessian_trace"),
    Defect("sum_of_entries_for_trace", sum_of_entries, ("sum_of_entries",), "hessian_trace"),
    Defect("second_for_third_derivative", second_derivative, ("second_derivative",), "third_derivative"),
    Defect("third_for_fourth_derivative", other("third_derivative"), ("third_derivative",), "fourth_derivative"),
    Defect("tangent_of_ones", pushed_ones, ("wrong_vector",), "jvp"),
    Defect("cotangent_of_ones", pulled_ones, ("wrong_vector",), "vjp"),
    Defect("without_other_examples", without_other_examples, ("own_examples",), "jacobian_batch"),
    Defect("symmetrised", symmetrised, ("symmetrised",), "jacobian_inputs"),
    Defect("gram_for_ggn", gram, ("jacobian_gram", "factor"), MATRICES),
    Defect("empirical_fisher", empirical_fisher, ("empirical_fisher",), "hessian_params ggn"),
    Defect(
        "empirical_fisher_diagonal",
        empirical_fisher_diagonal,
        ("empirical_fisher", "empirical_fisher_diagonal"),
        "hessian_diagonal ggn_diagonal",
    ),
    Defect(
        "mean_ggn_for_hessian", scaled_other("ggn", lambda r: 1 / r.case.n), ("ggn+factor", "factor"), "hessian_params"
    ),
    Defect("half_ggn_for_hessian", scaled_other("ggn", lambda r: 0.5), ("ggn+factor", "factor"), "hessian_params"),
    Defect("squared_gradient", squared_gradient, ("squared_gradient",), DIAGONALS),
    Defect("row_sums_of_hessian", row_sums("hessian_params"), ("row_sums",), "hessian_diagonal"),
    Defect("row_sums_of_ggn", row_sums("ggn"), ("row_sums",), "ggn_diagonal"),
    Defect("product_with_ones", product("hessian_params", vector=np.ones_like), ("wrong_vector",), "hvp"),
    Defect("diagonal_product", product("hessian_params", lambda M: np.diag(np.diag(M))), ("diagonal",), "hvp"),
    Defect("block_diagonal", kept(same_block), ("block_diagonal",), MATRICES),
    Defect("layer_diagonal", kept(same_layer), ("layer_diagonal",), MATRICES),
    Defect("diagonal_only", kept(lambda r, shape: np.eye(*shape, dtype=bool)), ("diagonal", "block_diagonal"), BLOCKS),
    # Of a block of one number there is no more than that.
    Defect("zero_diagonal", kept(lambda r, shape: ~np.eye(*shape, dtype=bool)), ("off_diagonal", "zero"), BLOCKS),
    Defect("lower_triangle", kept(lambda r, shape: np.tri(*shape, dtype=bool)), ("lower",), BLOCKS),
    Defect("upper_triangle", kept(lambda r, shape: np.tri(*shape, dtype=bool).T), ("upper",), BLOCKS),
    Defect("diagonal_twice", doubled_diagonal, ("double_diagonal", "factor"), BLOCKS),
    Defect("negative_eigenvalues_clipped", clipped, ("clipped",), "hessian_params"),
)
