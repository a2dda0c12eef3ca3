"""The right numbers in the wrong places."""

from __future__ import annotations

import numpy as np

from xcheck._convention import parameter_order
from zoo._defect import Defect, Right

MATRICES = "hessian_params ggn empirical_fisher"
FLAT = "gradient per_example_gradients hessian* hvp vjp ggn* empirical_fisher* jacobian_params"


def along(right: Right, order: np.ndarray, axes: list[int]):
    """Entries along some axes in another order."""
    leaves = {}
    for path, A in right.leaves.items():
        for axis in axes:
            A = np.take(A, order, axis=axis)
        leaves[path] = A
    return leaves


def parameters(params, weight):
    def wrong(right: Right):
        return along(right, np.argsort(parameter_order(right.case, params, weight)), right.axes("p"))

    return wrong


def transposed_block(only_last_axis=False):
    """The first weight's block by column."""

    def wrong(right: Right):
        for block, shape in right.weights.values():
            if len(shape) > 1 and min(shape) > 1:
                order = np.arange(right.case.p)
                order[block] = order[block].reshape(shape).ravel(order="F")
                return along(right, order, right.axes("p")[-1:] if only_last_axis else right.axes("p"))
        return None

    return wrong


def reversed_theta(right: Right):
    return along(right, np.arange(right.case.p)[::-1], right.axes("p"))


def rolled_theta(right: Right):
    return along(right, np.roll(np.arange(right.case.p), 1), right.axes("p"))


def rows(order):
    """Examples in another order."""
    return per_example(lambda A: A[order(len(A))])


def per_example(function):
    """The same done to every leaf, if there is an axis of several examples."""
    return lambda right: (
        {path: function(A) for path, A in right.leaves.items()} if right.axes("n") and right.case.n > 1 else None
    )


def two_swapped(n):
    order = np.arange(n)
    order[[1, n // 2]] = order[[n // 2, 1]]
    return order


def renamed(right: Right, names: dict[str, str]):
    """Every leaf from the path with other names in it; aux stays."""

    def source(path: str) -> str:
        return path if path.startswith("aux") else "/".join(names.get(part, part) for part in path.split("/"))

    paths = {path: source(path) for path in right.leaves}
    if all(a == b for a, b in paths.items()) or not set(paths.values()) <= set(right.leaves):
        return None
    return {path: right.leaves[origin] for path, origin in paths.items()}


def swapped_outputs(right: Right):
    if len(right.leaves) > 1:
        return renamed(right, {"td_err_1": "td_err_2", "td_err_2": "td_err_1"})
    (A,), c = right.leaves.values(), right.axes("c")
    return {"": np.flip(A, axis=c[0])} if c and A.shape[c[0]] > 1 else None


def swapped_arguments(right: Right):
    return renamed(right, {"states": "actions", "actions": "states"})


def one_argument_for_both(right: Right):
    """The derivative by the states under the actions as well."""
    return renamed(right, {"actions": "states"})


def one_output_for_both(right: Right):
    return renamed(right, {"td_err_2": "td_err_1"})


def example_axis_last(A):
    return np.moveaxis(A, 0, -1).reshape(A.shape)


JACOBIANS = "value jacobian* jvp vjp per_example_gradients hessian_inputs third_derivative fourth_derivative"
PLACES = (
    Defect("sorted_parameters", parameters("sorted", "row"), ("params_order",), FLAT),
    Defect("weights_by_column", parameters("torch", "column"), ("weight_layout", "transposed_block"), FLAT),
    Defect("flax_layout", parameters("sorted", "column"), ("params_order",), FLAT),
    Defect("transposed_block", transposed_block(), ("transposed_block", "weight_layout"), FLAT),
    Defect("transposed_block_of_columns", transposed_block(True), ("transposed_block",), MATRICES),
    Defect("reversed_theta", reversed_theta, ("params_order",), FLAT),
    Defect("rolled_theta", rolled_theta, ("params_order",), FLAT),
    Defect("shifted_examples", rows(lambda n: np.roll(np.arange(n), 1)), ("shifted_examples",), JACOBIANS),
    Defect("shifted_back", rows(lambda n: np.roll(np.arange(n), -1)), ("shifted_examples",), JACOBIANS),
    Defect("reversed_examples", rows(lambda n: np.arange(n)[::-1]), ("reversed_examples",), JACOBIANS),
    Defect("two_examples_swapped", rows(two_swapped), ("permuted_examples",), JACOBIANS),
    Defect(
        "shuffled_examples", rows(lambda n: np.random.default_rng(1).permutation(n)), ("permuted_examples",), JACOBIANS
    ),
    Defect("first_example_everywhere", rows(lambda n: np.zeros(n, int)), ("first_example",), JACOBIANS),
    Defect(
        "summed_over_examples", per_example(lambda A: A.sum(0, keepdims=True) + 0 * A), ("summed_examples",), JACOBIANS
    ),
    Defect(
        "averaged_over_examples",
        per_example(lambda A: A.mean(0, keepdims=True) + 0 * A),
        ("averaged_examples",),
        JACOBIANS,
    ),
    Defect("examples_last_reshaped", per_example(example_axis_last), ("axes", "transpose"), JACOBIANS),
    Defect("swapped_outputs", swapped_outputs, ("swapped_outputs",), JACOBIANS),
    Defect("swapped_arguments", swapped_arguments, ("wrong_argument",), "jacobian_inputs jacobian_aux vjp"),
    Defect("one_argument_for_both", one_argument_for_both, ("wrong_argument",), "jacobian_inputs jacobian_aux vjp"),
    Defect("one_output_for_both", one_output_for_both, ("swapped_outputs",), JACOBIANS),
)
