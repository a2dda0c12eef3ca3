"""Wrong in one place only."""

from __future__ import annotations

import numpy as np

from xcheck.program.losses import MSE
from zoo._defect import Defect, Right

MATRICES = "hessian_params ggn empirical_fisher"
DAMPED = "hessian_params hessian_diagonal ggn ggn_diagonal empirical_fisher*"
PARAMETERS = "gradient per_example_gradients vjp hvp ggnvp jacobian_params"


def changed(change):
    """`change(A, right)` works on a copy of the first leaf, the largest."""

    def wrong(right: Right):
        path = max(right.leaves, key=lambda path: right.leaves[path].size)
        A = np.array(right.leaves[path])
        return None if change(A, right) is False else {**right.leaves, path: A}

    return wrong


def extreme(A, pick):
    """The index of the largest or the smallest entry that is not 0."""
    sizes = np.where(A != 0, np.abs(A), np.nan)
    return np.unravel_index(pick(sizes), A.shape)


def entry(pick, new):
    def change(A, right):
        if not np.any(A):
            return False
        k = extreme(A, pick)
        A[k] = new(A[k], np.abs(A).max())
        return None

    return changed(change)


def damped(size):
    def change(A, right):
        A += size * (np.eye(len(A)) if A.ndim == 2 else np.ones(len(A)))

    return changed(change)


def rows_swapped(A, right):
    if A.ndim == 0 or len(A) < 4:
        return False
    A[[0, 2]] = A[[2, 0]]
    return None


def example_zeroed(A, right):
    A[-1] = 0


def example_repeated(A, right):
    """The last example holds the one before it."""
    if len(A) < 2:
        return False
    A[-1] = A[-2]
    return None


def block_zeroed(A, right):
    """The last parameter tensor is detached."""
    if len(right.weights) < 2:
        return False
    block, _ = list(right.weights.values())[-1]
    A[..., block] = 0
    return None


def block_scaled(A, right):
    if len(right.weights) < 2:
        return False
    block, _ = next(iter(right.weights.values()))
    A[..., block] *= 3
    return None


def unit_dropped(A, right):
    """The first unit of the last hidden layer counts for nothing."""
    if len(right.weights) < 4:
        return False
    block, _ = list(right.weights.values())[-2]
    A[..., block.start] = 0
    return None


def added(size):
    def change(A, right):
        A += size * np.abs(A).max()

    return changed(change)


def noise(A, right):
    A += 1e-3 * np.abs(A).max() * right.draw().standard_normal(A.shape)


def dropped_from_sum(last: bool):
    """The gradient without one example, its terms `r J_n^T dl_n/df` from the references of J and f."""

    def wrong(right: Right):
        J, f, targets = right.other("jacobian_params"), right.other("value"), right.case.values(right.dtype).targets
        if (
            J is None
            or f is None
            or targets is None
            or targets.dtype.kind != "f"
            or not isinstance(right.case.loss, MSE)
        ):
            return None
        slopes = (f - targets) / getattr(right.case.loss, "noise_var", 0.5) / right.case.loss.divisor(f.shape)
        k = len(f) - 1 if last else 0
        return {"": right.leaves[""] - slopes[k].ravel() @ J[k]}

    return wrong


def stale_aux(right: Right):
    """The aux of an earlier evaluation: at the examples one step back."""
    if not any(path.startswith("aux/") for path in right.leaves):
        return None
    return {path: np.roll(A, 1, axis=0) if path.startswith("aux/") else A for path, A in right.leaves.items()}


def detached_aux(right: Right):
    return (
        {path: 0 * A if path.startswith("aux/") else A for path, A in right.leaves.items()}
        if len(right.leaves) > 1
        else None
    )


def one_leaf_doubled(right: Right):
    """Only the last output, or the last argument, is doubled."""
    path = list(right.leaves)[-1]
    return {**right.leaves, path: 2 * right.leaves[path]} if len(right.leaves) > 1 else None


FEW = ("few_entries", "wrong_block", "wrong_examples", "dropped_example", "scaled", "factor", "offset", "diagonal")
#: Where the rounding scale of the other entries hides what was added, it is in one place only.
HIDDEN = ("wrong_block", "few_entries", "wrong_examples")
LOCAL = (
    Defect("damping_1e-8", damped(1e-8), ("damping",), DAMPED, ("float64",), also=HIDDEN),
    Defect("damping_1e-2", damped(1e-2), ("damping",), DAMPED, also=HIDDEN),
    Defect("damping_1", damped(1.0), ("damping",), DAMPED, also=HIDDEN),
    Defect("smallest_entry_zeroed", entry(np.nanargmin, lambda a, top: 0.0), (*FEW, "zero")),
    Defect("largest_entry_zeroed", entry(np.nanargmax, lambda a, top: 0.0), (*FEW, "zero")),
    Defect("largest_entry_off_by_1e-4", entry(np.nanargmax, lambda a, top: a * (1 + 1e-4)), FEW),
    Defect("smallest_entry_off", entry(np.nanargmin, lambda a, top: a + 1e-4 * top), FEW),
    # Where it is the only number, or the only negative one, its sign is all that is wrong.
    Defect("one_sign", entry(np.nanargmax, lambda a, top: -a), (*FEW, "sign", "absolute")),
    Defect(
        "rows_swapped",
        changed(rows_swapped),
        ("few_entries", "permuted_rows", "permuted_examples"),
        MATRICES + " jacobian*",
    ),
    Defect(
        "example_zeroed",
        changed(example_zeroed),
        ("dropped_example", "few_entries"),
        "value jvp per_example_gradients jacobian_params jacobian_inputs hessian_inputs",
    ),
    Defect(
        "example_repeated",
        changed(example_repeated),
        ("wrong_examples", "few_entries"),
        "value jvp per_example_gradients jacobian_params jacobian_inputs hessian_inputs",
    ),
    Defect(
        "block_detached",
        changed(block_zeroed),
        ("wrong_block", "few_entries"),
        PARAMETERS + " hessian_params hessian_diagonal ggn ggn_diagonal",
    ),
    Defect(
        "block_scaled",
        changed(block_scaled),
        ("wrong_block", "few_entries", "scaled"),
        PARAMETERS + " ggn_diagonal",
    ),
    Defect("unit_dropped", changed(unit_dropped), ("wrong_block", "few_entries"), PARAMETERS),
    Defect(
        "offset", added(1e-2), ("offset",), "gradient value jacobian_params hvp ggnvp jvp vjp per_example_gradients"
    ),
    Defect("random_noise", changed(noise), (), "*", also=HIDDEN),
    Defect("last_example_dropped", dropped_from_sum(True), ("dropped_example",), "gradient"),
    Defect("first_example_dropped", dropped_from_sum(False), ("dropped_example",), "gradient"),
    Defect("stale_aux", stale_aux, ("stale_aux",), "jacobian_aux"),
    Defect("detached_aux", detached_aux, ("stale_aux",), "jacobian_aux"),
    Defect("one_leaf_doubled", one_leaf_doubled, ("factor", "stale_aux"), "value jacobian* jvp vjp hessian_inputs"),
)
