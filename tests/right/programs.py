"""Random small programs: of each, as many cases as there are seeds for its numbers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from math import prod
from typing import Any

import numpy as np

from xcheck import Case, Integers, Normal
from xcheck.exact.evaluate import Evaluation
from xcheck.exact.monte_carlo import MonteCarlo
from xcheck.program import cross_entropy, gaussian_nll, mse

Array = Any
Build = Callable[[np.random.Generator, "Shapes"], Callable[..., Array]]
Shapes = dict[str, tuple[int, ...]]

QUANTITIES = (
    "value", "gradient", "per_example_gradients", "jacobian_params", "jacobian_inputs", "jacobian_batch", "jvp", "vjp",
    "hessian_params", "hessian_blocks", "hessian_diagonal", "hessian_trace", "hessian_inputs", "hvp",
    "ggn", "ggn_blocks", "ggn_diagonal", "ggnvp", "empirical_fisher", "empirical_fisher_diagonal",
    "third_derivative", "fourth_derivative",
)  # fmt: skip

SMOOTH: dict[str, Callable[[Any, Array], Array]] = {
    "tanh": lambda xp, z: xp.tanh(z),
    "sigmoid": lambda xp, z: xp.nn.sigmoid(z),
    "silu": lambda xp, z: xp.nn.silu(z),
    "softplus": lambda xp, z: xp.nn.softplus(z),
    "gelu": lambda xp, z: xp.nn.gelu(z),
    "sin": lambda xp, z: xp.sin(z),
    "bump": lambda xp, z: xp.exp(-z * z),
    "rational": lambda xp, z: z / (1 + z * z),
    "root": lambda xp, z: xp.sqrt(1 + z * z),
    "log": lambda xp, z: xp.log(1 + z * z),
    "cube": lambda xp, z: z**3,
}
KINKED: dict[str, Callable[[Any, Array], Array]] = {
    "relu": lambda xp, z: xp.nn.relu(z),
    "leaky_relu": lambda xp, z: xp.nn.leaky_relu(z, 0.125),
    "elu": lambda xp, z: xp.nn.elu(z),
    "abs": lambda xp, z: xp.abs(z),
    "clip": lambda xp, z: xp.clip(z, min=-1.0, max=1.0),
}
NORMS: dict[str, Callable[..., Array]] = {
    "layer_norm": lambda xp, z, w, b: xp.nn.layer_norm(z, w, b, 2.0**-10),
    "rms_norm": lambda xp, z, w, b: xp.nn.rms_norm(z, w, 2.0**-10) + b,
    "softmax": lambda xp, z, w, b: xp.nn.softmax(z) * w + b,
    "log_softmax": lambda xp, z, w, b: xp.nn.log_softmax(z) * w + b,
}


def dense(random: np.random.Generator, shapes: Shapes, functions: Mapping[str, Callable[..., Array]]) -> Any:
    """`f(W_k ... f(W_1 x + b_1) ... + b_k)`, with another f in each layer."""
    widths = [int(random.integers(1, 5)) for _ in range(int(random.integers(2, 5)))]
    chosen = [functions[str(random.choice(list(functions)))] for _ in widths[2:]]
    for k, (a, b) in enumerate(pairwise(widths)):
        shapes[f"{k}.weight"], shapes[f"{k}.bias"] = (b, a), (b,)

    def program(xp: Any, params: Mapping[str, Array], x: Array) -> Array:
        for k in range(len(widths) - 1):
            x = xp.matmul(x, xp.permute_dims(params[f"{k}.weight"], (1, 0))) + params[f"{k}.bias"]
            x = chosen[k](xp, x) if k < len(chosen) else x
        return x

    shapes["x"] = (int(random.integers(2, 7)), widths[0])
    return program


def chain(random: np.random.Generator, shapes: Shapes, functions: Mapping[str, Callable[..., Array]]) -> Any:
    """`f_k(a_k f_{k-1}(...) + b_k)`, entry by entry, with products between the links."""
    d = int(random.integers(1, 4))
    chosen = [functions[str(random.choice(list(functions)))] for _ in range(int(random.integers(1, 5)))]
    for k in range(len(chosen)):
        shapes[f"{k}.a"], shapes[f"{k}.b"] = (d,), (1,)

    def program(xp: Any, params: Mapping[str, Array], x: Array) -> Array:
        z = x
        for k, function in enumerate(chosen):
            z = function(xp, z * params[f"{k}.a"] + params[f"{k}.b"]) + (z * x if k % 2 else 0 * z)
        return z

    shapes["x"] = (int(random.integers(2, 7)), d)
    return program


def normalised(random: np.random.Generator, shapes: Shapes, functions: Mapping[str, Callable[..., Array]]) -> Any:
    """A normalisation or a softmax between two products."""
    a, b, c = (int(k) for k in random.integers(2, 5, 3))
    norm = NORMS[str(random.choice(list(NORMS)))]
    function = functions[str(random.choice(list(functions)))]
    shapes |= {"w": (a, b), "norm.w": (b,), "norm.b": (b,), "v": (b, c)}

    def program(xp: Any, params: Mapping[str, Array], x: Array) -> Array:
        z = norm(xp, xp.matmul(x, params["w"]), params["norm.w"], params["norm.b"])
        return xp.matmul(function(xp, z), params["v"])

    shapes["x"] = (int(random.integers(2, 5)), a)
    return program


def convolved(random: np.random.Generator, shapes: Shapes, functions: Mapping[str, Callable[..., Array]]) -> Any:
    """A convolution, a function, and the mean over the positions."""
    channels, length, width = int(random.integers(1, 3)), int(random.integers(4, 7)), int(random.integers(2, 4))
    function = functions[str(random.choice(list(functions)))]
    shapes |= {"kernel": (int(random.integers(1, 4)), channels, width)}

    def program(xp: Any, params: Mapping[str, Array], x: Array) -> Array:
        return xp.mean(function(xp, xp.nn.conv1d(x, params["kernel"], None, 1, 1)), axis=-1)

    shapes["x"] = (int(random.integers(2, 4)), channels, length)
    return program


FAMILIES = (dense, dense, chain, normalised, convolved)


@dataclass(frozen=True)
class Program:
    """Program `number` of the endless list; every third has arrays that bfloat16 holds, and is judged in bfloat16."""

    number: int
    function: Callable[..., Array]
    shapes: Mapping[str, tuple[int, ...]]
    loss: str
    family: str
    smooth: bool

    @property
    def dtypes(self) -> tuple[str, ...]:
        return ("float64", "float32", "bfloat16") if self.number % 3 == 0 else ("float64", "float32")

    def case(self, seed: int) -> Case:
        """The program at the numbers of one seed; names are random so that no closed form of a case applies."""
        held = "bfloat16" if "bfloat16" in self.dtypes else "float32"
        normal = partial(Normal, dtype=held)
        first = 1000 * seed
        arrays = {name: normal(shape, first + k) for k, (name, shape) in enumerate(self.shapes.items())}
        x = arrays.pop("x")
        n, c = outputs = self.output_shape
        drawn = {"x": normal(x.shape, first + 101), "output": normal(outputs, first + 102)}
        labels = self.loss == "cross_entropy"
        return Case(
            name=f"random_{self.number}_{seed}",
            program=lambda xp, params, inputs: self.function(xp, params, inputs["x"]),
            params=arrays,
            inputs={"x": x},
            targets=Integers((n,), first + 103, 0, c) if labels else normal(outputs, first + 103),
            loss={"mse": mse(), "gaussian_nll": gaussian_nll(0.25), "cross_entropy": cross_entropy()}[self.loss],
            tangents={
                "params": normal((sum(a.shape and prod(a.shape) for a in arrays.values()),), first + 104),
                **drawn,
            },
            quantities=QUANTITIES,
        )

    @property
    def output_shape(self) -> tuple[int, int]:
        """(n, c), from one evaluation in floats."""
        zeros = {name: np.zeros(shape) for name, shape in self.shapes.items()}
        case = Case(
            name="shape", program=lambda xp, params, inputs: self.function(xp, params, inputs["x"]),
            params={}, inputs={"x": Normal(zeros.pop("x").shape, 0)},
        )  # fmt: skip
        evaluation, floats = Evaluation(case), MonteCarlo(noise=0.0)
        inputs = evaluation.constants(floats, evaluation.values.inputs)
        n, c = evaluation.run(floats, zeros, inputs)[0]["output"].shape
        return n, c


def program(number: int) -> Program:
    """The program of this number: always the same one."""
    random = np.random.default_rng([number, 20])
    smooth = number % 3 == 0 or bool(random.random() < 0.6)
    shapes: Shapes = {}
    family = FAMILIES[int(random.integers(len(FAMILIES)))]
    function = family(random, shapes, SMOOTH if smooth else SMOOTH | KINKED)
    loss = str(random.choice(["mse", "gaussian_nll", "cross_entropy"]))
    return Program(number, function, shapes, loss, family.__name__, smooth)
