"""Every public function of the engine refuses a wrong argument in one line that names it."""

from __future__ import annotations

import inspect
from typing import Any, Literal, get_args, get_origin, get_type_hints

import pytest
import torch
from torch import nn

from xcheck import layerwise

MODEL, X = nn.Linear(3, 2), torch.ones(4, 3)
RIGHT = {
    "module": MODEL, "x": X, "x1": X, "x2": X, "y": torch.zeros(4, 2), "v": torch.ones(8), "loss": nn.MSELoss(),
}  # fmt: skip

FUNCTIONS = [
    getattr(layerwise, name)
    for name in layerwise.__all__
    if inspect.isfunction(getattr(layerwise, name)) and name not in ("register", "differentiable", "fused")
]


def wrong(name: str, hint: Any) -> list[Any]:
    if get_origin(hint) is Literal:
        near = get_args(hint)[0][:-1]
        return [near, "", None, 3, ["full"]]
    if name == "chunk_size":
        return [0, -1, 1.5, "2", True]
    if name in RIGHT or name == "m":
        return ["text", 3, [1.0], object()] + ([None] if name != "m" else [])
    return []


ASKED = [
    (function, name, value)
    for function in FUNCTIONS
    for name, hint in get_type_hints(function).items()
    if name != "return"
    for value in wrong(name, hint)
]


def test_every_function_is_asked():
    assert len(FUNCTIONS) >= 17
    assert {function.__name__ for function, _, _ in ASKED} == {function.__name__ for function in FUNCTIONS}


@pytest.mark.parametrize(
    ("function", "name", "value"), ASKED, ids=[f"{f.__name__}-{name}-{value!r:.12}" for f, name, value in ASKED]
)
def test_a_wrong_argument_is_one_line_that_names_it(function, name, value):
    given = {word: right for word, right in RIGHT.items() if word in inspect.signature(function).parameters}
    with pytest.raises((layerwise.BadShape, layerwise.Unsupported), match=r"^layerwise: ") as refused:
        function(**{**given, name: value})
    said = str(refused.value)
    assert "\n" not in said
    assert f"{name} is " in said


def test_a_misspelt_word_gets_the_nearest():
    with pytest.raises(layerwise.Unsupported, match=r"structure is 'diag'.*did you mean 'diagonal'"):
        layerwise.ggn(MODEL, X, RIGHT["y"], loss=nn.MSELoss(), structure="diag")  # type: ignore[arg-type]


@pytest.mark.parametrize("variance", [0, -1.0, float("nan"), float("inf"), "1", None])
def test_a_variance_is_a_number_above_zero(variance):
    with pytest.raises(layerwise.Unsupported, match="layerwise: noise_var is"):
        layerwise.GaussianNLL(variance)


@pytest.mark.parametrize("module", [int, "Linear", MODEL])
def test_a_rule_is_registered_for_a_class_of_modules(module):
    with pytest.raises(layerwise.Unsupported, match=r"expected classes of torch\.nn.Module"):
        layerwise.register(module)
