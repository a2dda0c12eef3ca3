"""Wrong programs: the case's program with another function in it, other arguments, or without part of its graph.

Each runs in PyTorch, in the dtype that is judged, through xcheck's own implementation of the quantity.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache, lru_cache, partial
from typing import Any

from xcheck import Literal
from xcheck._lazy import torch
from xcheck._problem import problem
from xcheck.case import Case
from xcheck.program import BatchNorm, Sequential, Twice
from zoo._defect import Defect, Right
from zoo.activations import (
    tanh_in_float32,
    tanh_of_high_order,
    tanh_of_low_order,
    tanh_straight_through,
    tanh_with_constant_slope,
    tanh_with_slope_1_minus_y,
    tanh_without_first_unit,
)
from zoo.running import computed, small

Change = Callable[[Case], Case | None]


class Namespace:
    """`xp` with other functions under some names; `asked` are the names that were used."""

    def __init__(self, xp: Any, functions: dict[str, Callable], asked: set[str]) -> None:
        self.xp, self.functions, self.asked = xp, functions, asked

    def __getattr__(self, name: str) -> Any:
        self.asked.add(name)
        if name == "nn":
            return Namespace(self.xp.nn, self.functions, self.asked)
        return self.functions.get(name) or getattr(self.xp, name)


@cache
def asked(case: Case) -> frozenset[str]:
    """The functions that a program uses."""
    cell, names = problem(case, "value", "torch"), set()
    case.program(Namespace(cell.xp, {}, names), cell.params, dict(zip(case.inputs, cell.inputs, strict=True)))
    return frozenset(names)


def layered(case: Case, quantity: str) -> bool:
    """Whether the quantity looks at the layers of the program, which a changed one has not: it would be another one."""
    layers = hasattr(case.program, "layers")  # a changed linear layer is none, and has no factors
    return quantity == "kfac_factors" or (quantity == "ggn_diagonal_backprop" and layers)


def running(change: Change) -> Callable[[Right], Any]:
    """The quantity of a changed case; nothing where the change does not apply."""
    altered = cache(change)

    # In float64 the exact result and the one that is judged are the same run.
    @lru_cache(maxsize=1)
    def run(case: Case, quantity: str, dtype: str):
        other = altered(case) if small(case) and not layered(case, quantity) else None
        return None if other is None else computed(other, quantity, "torch", dtype, like=case)

    return lambda right: run(right.case, right.quantity, right.arithmetic)


def program(change: Callable[..., Any], applies: Callable[[Case], bool] = lambda case: True) -> Callable[[Right], Any]:
    """`change(program, xp, params, inputs)` in place of `program(xp, params, inputs)`."""

    def altered(case: Case) -> Case | None:
        if not applies(case):
            return None
        run = case.program
        return replace(case, program=lambda xp, params, inputs: change(run, xp, params, inputs), native={})

    return running(altered)


def function(needed: str = "", **functions: Callable) -> Callable[[Right], Any]:
    """Other functions under some names, for the programs that use the one that is needed (or all)."""
    names = {needed} if needed else set(functions)
    return program(
        lambda run, xp, params, inputs: run(Namespace(xp, functions, set()), params, inputs),
        lambda case: names <= asked(case),
    )


def parameters(change: Callable[[str, Any], Any]) -> Callable[[Right], Any]:
    """`change(name, array)` in place of each parameter."""

    def altered(run, xp, params, inputs):
        return run(xp, {name: change(name, array) for name, array in params.items()}, inputs)

    return program(altered, lambda case: bool(case.params))


def arguments(needed: tuple[str, ...], change: Callable[[dict], dict]) -> Callable[[Right], Any]:
    return program(
        lambda run, xp, params, inputs: run(xp, params, {**inputs, **change(inputs)}),
        lambda case: set(needed) <= set(case.inputs),
    )


def stale_activations(run, xp, params, inputs):
    """The backward pass finds the activations of the step before, when the parameters were 1 % smaller."""
    before: list[torch.Tensor] = []

    def recorded(x):
        before.append(torch.tanh(x.detach()))
        return before[-1]

    def tanh(x):
        y = before.pop(0)
        return torch.tanh(x.detach()) + (1 - y * y) * (x - x.detach())

    old = {name: 0.99 * array.detach() for name, array in params.items()}
    run(Namespace(xp, {"tanh": recorded}, set()), old, inputs)
    return run(Namespace(xp, {"tanh": tanh}, set()), params, inputs)


def stepped(name: str, array):
    """Parameters of a step before, still the function of theta that is differentiated.

    With 1e-3 in place of 3e-3, residuals of a linear model move by 1/n of the cases that have 1000 examples, and the
    result would be that of a mean over n - 1 to within rounding.
    """
    return array - 3e-3 * torch.cos(torch.arange(array.numel(), dtype=array.dtype)).reshape(array.shape)


def square_transposed(name: str, array):
    return array.mT if array.ndim == 2 and array.shape[0] == array.shape[1] else array


def rounded_to_bfloat16(a, b):
    return torch.matmul(a.to(torch.bfloat16), b.to(torch.bfloat16)).to(a.dtype)


def rounded_to_tf32(a, b):
    """Operands of 10 bits; what is rounded off is no function of them."""

    def operand(x):
        return x + (torch.round(x.detach() * 2**10 / size(x)) * size(x) / 2**10 - x.detach())

    def size(x):
        return torch.exp2(torch.floor(torch.log2(torch.clamp(x.detach().abs(), min=1e-30))))

    return torch.matmul(operand(a), operand(b))


@dataclass(frozen=True)
class Shared(Twice):
    """One layer in two places, whose first place sees `seen(parameter)`."""

    seen: Callable[[Any], Any]

    def apply(self, xp, params, x):
        return self.inner(xp, params, self.inner(xp, {name: self.seen(array) for name, array in params.items()}, x))


def shared(seen: Callable[[Any], Any]) -> Callable[[Right], Any]:
    def altered(case: Case) -> Case | None:
        layers = getattr(case.program, "layers", ())
        if not any(isinstance(layer, Twice) for layer in layers):
            return None
        net = Sequential(*(Shared(one.layer, seen) if isinstance(one, Twice) else one for one in layers))
        return replace(case, program=lambda xp, params, inputs: net(xp, params, inputs))

    return running(altered)


def other_statistics(training: bool, case: Case) -> Case | None:
    """Batch normalisation in the other mode than the right one."""
    layers = getattr(case.program, "layers", ())
    if not any(isinstance(layer, BatchNorm) and layer.training is training for layer in layers):
        return None
    net = Sequential(
        *(replace(one, training=not one.training) if isinstance(one, BatchNorm) else one for one in layers)
    )
    return replace(case, program=lambda xp, params, inputs: net(xp, params, inputs))


def misaligned(case: Case) -> Case | None:
    """Every example has the target of the one before it."""
    targets = case.values().targets
    if targets is None or len(targets) < 2:
        return None
    return replace(case, targets=Literal([*targets[-1:].tolist(), *targets[:-1].tolist()], dtype="float64"))


def unbiased(x, axis=None, keepdims=False):
    return torch.var(x, dim=axis, correction=1, keepdim=keepdims)


def layer_norm_of_large_eps(x, weight, bias, eps):
    return torch.nn.functional.layer_norm(x, x.shape[-1:], weight, bias, 1e-3)


#: What such a result may be besides, on a case where only a part of it is touched: all of it is true there.
TOUCHED = ("wrong_block", "few_entries", "wrong_examples", "zero")
#: Of a linear program: a bias is added to every entry, and its block of the Hessian is diagonal.
LINEAR = ("offset", "damping", "scaled", "off_diagonal")
PROGRAMS = (
    Defect("tanh_of_low_order", function(tanh=tanh_of_low_order), ("tanh_fraction",), also=TOUCHED),
    # In float32 it is within 64 u S everywhere.
    Defect(
        "tanh_of_high_order", function(tanh=tanh_of_high_order), ("tanh_fraction",), also=TOUCHED, dtypes=("float64",)
    ),
    Defect("tanh_with_slope_1_minus_y", function(tanh=tanh_with_slope_1_minus_y), ("wrong_slope",), also=TOUCHED),
    # Nothing bends but tanh, so that the blocks of its Hessian are those of the GGN.
    Defect(
        "tanh_with_constant_slope",
        function(tanh=tanh_with_constant_slope),
        ("wrong_slope", "ggn", "ggn_diagonal", "ggn_blocks", "ggn_trace", "zero"),
        also=TOUCHED,
    ),
    Defect("tanh_straight_through", function(tanh=tanh_straight_through), ("wrong_slope", "zero"), also=TOUCHED),
    Defect(
        "tanh_in_float32",
        function(tanh=tanh_in_float32),
        ("precision",),
        told=False,
        also=(*TOUCHED, "rounding_size"),
        dtypes=("float64",),
    ),
    Defect("tanh_without_first_unit", function(tanh=tanh_without_first_unit), ("dropped_unit",), also=TOUCHED),
    Defect("stale_activations", program(stale_activations, lambda case: "tanh" in asked(case)), (), also=TOUCHED),
    Defect("stale_parameters", parameters(stepped), (), also=(*TOUCHED, *LINEAR)),
    Defect("square_weights_transposed", parameters(square_transposed), ("transposed_weight",), also=TOUCHED),
    Defect(
        "biases_forgotten",
        parameters(lambda name, x: 0 * x if "bias" in name else x),
        ("no_bias",),
        also=(*TOUCHED, *LINEAR),
    ),
    Defect("bfloat16_products", function(matmul=rounded_to_bfloat16), ("precision",), told=False, also=TOUCHED),
    Defect("tf32_products", function(matmul=rounded_to_tf32), ("precision",), told=False, also=TOUCHED),
    Defect(
        "relu_leaks", function(relu=lambda x: torch.nn.functional.leaky_relu(x, 0.01)), ("leaky_relu",), also=TOUCHED
    ),
    Defect("layer_norm_of_large_eps", function(layer_norm=layer_norm_of_large_eps), ("wrong_eps",), also=TOUCHED),
    Defect("batch_variance_unbiased", function(var=unbiased), ("unbiased_variance",), also=TOUCHED),
    Defect(
        "batch_statistics_detached",
        function(
            "var",
            var=lambda x, axis: torch.var(x.detach(), dim=axis, correction=0),
            mean=lambda x, axis: torch.mean(x.detach(), dim=axis),
        ),
        ("frozen_statistics",),
        also=TOUCHED,
    ),
    Defect(
        "batch_statistics_of_evaluation", running(partial(other_statistics, True)), ("batch_statistics",), also=TOUCHED
    ),
    # An example by itself has no statistics, so that what is computed one by one would be yet another mistake.
    Defect(
        "batch_statistics_of_training",
        running(partial(other_statistics, False)),
        ("batch_statistics",),
        "value gradient jvp vjp hvp ggnvp hessian_params hessian_diagonal",
        also=TOUCHED,
    ),
    Defect("shared_weight_counted_once", shared(lambda x: x.detach()), ("shared_weight",), also=TOUCHED),
    Defect("shared_weight_counted_twice", shared(lambda x: 2 * x - x.detach()), ("shared_weight",), also=TOUCHED),
    Defect("misaligned_targets", running(misaligned), ("misaligned_targets",), also=TOUCHED),
    Defect(
        "target_detached",
        arguments(("q_target",), lambda inputs: {"q_target": inputs["q_target"].detach()}),
        ("detached_input", "zero"),
        also=TOUCHED,
    ),
    Defect(
        "critic_detached",
        arguments(("states",), lambda inputs: {name: inputs[name].detach() for name in ("states", "actions")}),
        ("detached_input", "zero"),
        also=TOUCHED,
    ),
    Defect(
        "argument_order",
        arguments(("states",), lambda inputs: {"states": inputs["actions"], "actions": inputs["states"]}),
        ("wrong_argument",),
        also=TOUCHED,
    ),
)
