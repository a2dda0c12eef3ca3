"""Two causes at once: another order with a factor, another quantity with a factor or in another order."""

from __future__ import annotations

from dataclasses import replace

from zoo._defect import Defect, Right
from zoo.places import MATRICES, parameters, per_example, reversed_theta
from zoo.relatives import other, product


def then(first, second):
    """The second defect of what the first one makes."""

    def wrong(right: Right):
        made = first(right)
        return None if made is None else second(replace(right, leaves=made))

    return wrong


def times(factor):
    return lambda right: {path: factor(right) * A for path, A in right.leaves.items()}


def mean(right: Right):
    return 1 / right.case.n


SORTED = parameters("sorted", "row")
VECTORS = "gradient hvp vjp ggnvp hessian_diagonal ggn_diagonal empirical_fisher_diagonal"
COMBINED = (
    Defect("sorted_and_doubled", then(SORTED, times(lambda r: 2)), ("params_order+factor", "factor"), VECTORS),
    Defect("sorted_and_averaged", then(SORTED, times(mean)), ("params_order+factor", "factor"), MATRICES),
    Defect("reversed_and_negative", then(reversed_theta, times(lambda r: -1)), ("params_order+sign", "sign"), VECTORS),
    Defect(
        "examples_reversed_and_doubled",
        then(per_example(lambda A: A[::-1]), times(lambda r: 2)),
        ("reversed_examples+factor", "factor"),
        "value jvp per_example_gradients jacobian_params jacobian_inputs hessian_inputs",
    ),
    Defect(
        "sorted_ggn_for_hessian", then(other("ggn"), SORTED), ("ggn+params_order", "params_order"), "hessian_params"
    ),
    Defect(
        "mean_ggn_product_for_hvp",
        then(product("ggn"), times(mean)),
        ("ggn+factor", "ggnvp+factor", "factor"),
        "hvp",
    ),
    Defect(
        "mean_hessian_diagonal_for_ggn_diagonal",
        then(other("hessian_diagonal"), times(mean)),
        ("hessian_diagonal+factor", "factor"),
        "ggn_diagonal",
    ),
)
