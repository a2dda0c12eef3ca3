"""Everyday mistakes of a port, each run in PyTorch: a bias, a batch, a term, the edge of an image, an eps."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import lru_cache

import numpy as np

from xcheck import Literal
from xcheck._lazy import torch
from xcheck.case import Case
from xcheck.program import BatchNorm
from zoo._defect import Defect, Right
from zoo.programs import LINEAR, TOUCHED, function, layered, program
from zoo.running import computed, small

SUMMED = "gradient hessian_params hessian_diagonal hessian_trace hvp ggn ggn_diagonal ggnvp empirical_fisher*"


def part(case: Case, chosen: slice) -> Case:
    """The case with some of its examples."""
    values = case.values()

    def literal(array: np.ndarray) -> Literal:
        return Literal(array[chosen].tolist(), dtype="float64")

    targets = None if values.targets is None else literal(values.targets)
    return replace(case, inputs={name: literal(array) for name, array in values.inputs.items()}, targets=targets)


def in_batches(combine: Callable[[np.ndarray, np.ndarray], np.ndarray]):
    """`combine(first, last)` of what two batches give, the last of which has about a quarter of the examples."""

    @lru_cache(maxsize=1)
    def both(case: Case, quantity: str, dtype: str):
        m = max(1, min(case.n // 4, 100))
        cases = part(case, slice(0, case.n - m)), part(case, slice(case.n - m, case.n))
        return [computed(one, quantity, "torch", dtype, like=case) for one in cases]

    def wrong(right: Right):
        case = right.case
        # Statistics of a batch are those of its own examples, which is another mistake; a sum has no means.
        apart = not any(isinstance(layer, BatchNorm) for layer in getattr(case.program, "layers", ()))
        mean = case.loss is not None and case.loss.reduction == "mean"
        if case.n < 3 or not apart or not mean or not small(case) or layered(case, right.quantity):
            return None
        first, last = both(case, right.quantity, right.arithmetic)
        return None if first is None or last is None else {path: combine(first[path], last[path]) for path in first}

    return wrong


def without_last_bias(run, xp, params, inputs):
    last = [name for name in params if "bias" in name][-1]
    return run(xp, {**params, last: 0 * params[last]}, inputs)


def first_weight_detached(run, xp, params, inputs):
    first = next(iter(params))
    return run(xp, {**params, first: params[first].detach()}, inputs)


def edges_repeated(x, weight, bias=None, stride=1, padding=0, groups=1):
    """The edge of the image in place of zeros around it."""
    around = torch.nn.functional.pad(x, (padding,) * 4, mode="replicate") if padding else x
    return torch.nn.functional.conv2d(around, weight, bias, stride, 0, groups=groups)


def edges_shifted(x, weight, bias=None, stride=1, padding=0, groups=1):
    """All of the padding in front, as of a frame that begins elsewhere."""
    around = torch.nn.functional.pad(x, (2 * padding, 0, 2 * padding, 0)) if padding else x
    return torch.nn.functional.conv2d(around, weight, bias, stride, 0, groups=groups)


def product_with_one_term(a, b):
    """A rule for the derivative of a product that has forgotten the second factor."""
    return torch.matmul(a, b.detach())


PORTING = (
    Defect(
        "last_bias_forgotten",
        program(without_last_bias, lambda case: any("bias" in name for name in case.params)),
        ("no_bias", "offset"),
        also=(*TOUCHED, *LINEAR),
    ),
    Defect(
        "first_weight_detached",
        program(first_weight_detached, lambda case: len(case.params) > 1),
        ("detached_parameter", "wrong_block", "zero"),
        "gradient per_example_gradients jvp vjp hvp ggnvp jacobian_params hessian_diagonal ggn_diagonal",
        also=TOUCHED,
    ),
    Defect("mean_of_batch_means", in_batches(lambda a, b: (a + b) / 2), ("batch_weights",), SUMMED, also=TOUCHED),
    Defect("last_batch_dropped", in_batches(lambda a, b: a), ("dropped_batch", "dropped_example"), SUMMED),
    Defect("convolution_repeats_edges", function(conv2d=edges_repeated), (), also=TOUCHED),
    Defect("convolution_pads_in_front", function(conv2d=edges_shifted), (), also=TOUCHED),
    Defect(
        "product_rule_with_one_term",
        function(matmul=product_with_one_term),
        (),
        also=(*TOUCHED, "detached_parameter", "ggn"),
    ),
    Defect("softsign_for_tanh", function(tanh=lambda x: torch.nn.functional.softsign(x)), (), also=TOUCHED),
    Defect("softmax_over_the_wrong_axis", function(softmax=lambda y: torch.softmax(y, dim=-2)), (), also=TOUCHED),
)
