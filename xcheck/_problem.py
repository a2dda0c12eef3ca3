"""Problem: a case made native, which is all that an implementation is handed."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from types import ModuleType
from typing import Any

import numpy as np

from xcheck._arguments import of_kind, one_of, whole
from xcheck._dtypes import check_dtype
from xcheck._errors import Unsupported
from xcheck._judge import Verdict
from xcheck._reference import find_case, find_quantity
from xcheck._snapshot import Snapshot
from xcheck.case import Case
from xcheck.diagnose import check, judge
from xcheck.program import Loss, split_aux
from xcheck.quantity import FRAMEWORKS, Quantity
from xcheck.result import Outcome

Array = Any  # torch.Tensor or jax.Array
Arrays = Mapping[str, Array]


def adapter(framework: str) -> ModuleType:
    """The module of a framework; their names are listed in `xcheck.frameworks`."""
    one_of("framework", framework, FRAMEWORKS)
    return importlib.import_module(f"xcheck.frameworks.{framework}")


@dataclass(frozen=True, eq=False)
class Problem:
    """One case and one quantity for one framework, dtype and device.

    `theta` (p,) holds all parameters, in the order of the case (PyTorch's), each row-major. For JAX a problem is a
    pytree, so that `jax.jit(implementation)(problem)` sees its arrays as arguments and not as constants.
    """

    theta: Array
    inputs: tuple[Array, ...]
    targets: Array | None
    tangents: dict[str, Array]
    cotangents: dict[str, Array]
    case: Case
    quantity: Quantity
    framework: str
    dtype: str
    device: str
    module: Any = None
    loss_module: Any = None

    @property
    def id(self) -> str:
        return f"{self.case.name}/{self.quantity.name}/{self.framework}/{self.dtype}/{self.device}"

    @property
    def xp(self) -> Any:
        """The framework under array API names, with `xp.nn`."""
        return adapter(self.framework).xp

    @property
    def transforms(self) -> Any:
        """`torch.func` or `jax`: grad, vjp, jvp, jacrev, jacfwd, hessian, vmap, linearize."""
        return adapter(self.framework).transforms

    @property
    def params(self) -> dict[str, Array]:
        return self.unflatten(self.theta)

    @property
    def arguments(self) -> tuple[str, ...]:
        """The inputs that derivatives by inputs are for."""
        return self.case.arguments

    @property
    def argnums(self) -> tuple[int, ...]:
        """Where `arguments` stand among the inputs."""
        return tuple(list(self.case.inputs).index(name) for name in self.arguments)

    def unflatten(self, theta: Array) -> dict[str, Array]:
        """Names to parameters, as views of theta (p,)."""
        params, start = {}, 0
        for name, values in self.case.values().params.items():
            params[name] = self.xp.reshape(theta[start : start + values.size], values.shape)
            start += values.size
        return params

    def flatten(self, params: Arrays, lead: tuple[int, ...] = ()) -> Array:
        """The inverse of `unflatten`, whatever the order of the dict; leading axes of shape `lead` stay."""
        return self.xp.concat([self.xp.reshape(params[name], (*lead, -1)) for name in self.case.params], axis=-1)

    def f(self, params: Arrays, *inputs: Array) -> Any:
        """The program as the framework runs it: output, dict of outputs, or (outputs, aux)."""
        if self.framework in self.case.native:
            return self.case.native[self.framework](params, *inputs)
        if self.module is not None:
            return adapter(self.framework).call(self.module, params, inputs)
        return self.case.program(self.xp, params, dict(zip(self.case.inputs, inputs, strict=True)))

    def outputs(self, params: Arrays, *inputs: Array) -> dict[str, Array]:
        """Names to outputs, each (n, c...); a single one is called "output"."""
        return split_aux(self.f(params, *inputs))[0]

    def outputs_and_aux(self, params: Arrays, *inputs: Array) -> tuple[dict[str, Array], dict[str, Array]]:
        return split_aux(self.f(params, *inputs))

    def loss(self, output: Array) -> Array:
        """`r sum_n l_n`, written against `xp`."""
        return self._loss(self.xp, output, self.targets)

    def losses(self, output: Array, targets: Array) -> Array:
        """`r l_n` (n,) of any part of the batch; over the whole batch they sum to `loss`."""
        divisor = self._loss.divisor((self.case.n, *output.shape[1:]))
        return self._loss.per_example(self.xp, output, targets) / divisor

    @property
    def _loss(self) -> Loss:
        if self.case.loss is None:
            raise Unsupported(f"case {self.case.name} has no loss")
        return self.case.loss

    def objective(self, theta: Array) -> Array:
        """The loss as a function of theta (p,)."""
        return self.loss(self.f(self.unflatten(theta), *self.inputs))

    def identity(self, size: int) -> Array:
        """The unit matrix, in the dtype and on the device of theta."""
        return adapter(self.framework).identity(size, self.theta)

    def chunked(self, function: Callable[[Array], Any], size: int) -> Callable[[Array], Any]:
        """`function` mapped over the rows of an array, `size` rows at a time."""
        return adapter(self.framework).chunked(function, size)

    def batches(self, size: int) -> Iterator[tuple[Array, Array]]:
        """(inputs, targets) of `size` examples at a time, the last batch possibly smaller; one input comes bare.

        Raises:
            UsageError: the size is no whole number from 1.
        """
        whole("the size of a batch", size, least=1, most=2**62)
        return self._batches(size)

    def _batches(self, size: int) -> Iterator[tuple[Array, Array]]:
        for start in range(0, self.case.n, size):
            part = tuple(values[start : start + size] for values in self.inputs)
            targets = None if self.targets is None else self.targets[start : start + size]
            yield part[0] if len(part) == 1 else part, targets

    def precision(self) -> AbstractContextManager[None]:
        """The context in which this problem is computed: x64, TF32, device."""
        return adapter(self.framework).precision(self.dtype, self.device)

    def judge(self, actual: Any) -> Verdict:
        """What the judge says of a result of this problem."""
        return judge(actual, self.case, self.quantity, dtype=self.dtype, framework=self.framework)

    def check(self, actual: Any) -> None:
        """Raises `Mismatch` where a result does not agree with the reference, `NoReference` where there is none."""
        check(actual, self.case, self.quantity, dtype=self.dtype, framework=self.framework)

    def snapshot(self) -> Snapshot:
        """A copy of everything that an implementation must leave as it was."""
        native = adapter(self.framework)
        arrays = {"params": self.theta, "inputs": dict(zip(self.case.inputs, self.inputs, strict=True))}
        arrays |= {"targets": self.targets, "tangents": self.tangents, "cotangents": self.cotangents}
        return Snapshot.of(native.to_numpy(arrays), native.module_state(self.module))

    def changed(self, before: Snapshot) -> tuple[Outcome, str] | None:
        """What is no longer as it was, in words."""
        return before.compare(self.snapshot())


DYNAMIC = ("theta", "inputs", "targets", "tangents", "cotangents")
STATIC = ("case", "quantity", "framework", "dtype", "device", "module", "loss_module")


def problem(
    case: Case | str, quantity: Quantity | str, framework: str, *, dtype: str = "float64", device: str = "cpu"
) -> Problem:
    """The native arrays and callables of one case and one quantity.

    Raises:
        UnknownName: no such case or quantity.
        UsageError: an unknown framework or dtype.
        DeviceError: a device that this machine does not have.
        MissingFramework: the framework is not installed.

    >>> problem("linear_gaussian_3_2", "hessian_params", "torch").params["weight"].shape
    torch.Size([2, 3])
    """
    case, quantity = find_case(case), find_quantity(quantity)
    of_kind("device", device, str, "cpu, cuda or cuda:1")
    native = adapter(framework)
    native.register(Problem, DYNAMIC, STATIC)
    values = case.values(check_dtype(dtype))

    def array(numbers: Any) -> Array:
        return native.asarray(numbers, dtype, device)

    def vector(name: str, shape: tuple[int, ...]) -> Array:
        return array(case.vector(name, tuple(shape), dtype))

    with native.precision(dtype, device):
        inputs = {name: array(numbers) for name, numbers in values.inputs.items()}
        bare = Problem(
            theta=array(np.concatenate([np.zeros(0), *(numbers.ravel() for numbers in values.params.values())])),
            inputs=tuple(inputs.values()),
            targets=None if values.targets is None else array(values.targets),
            tangents={"params": vector("params", (case.p,))}
            | {name: vector(name, inputs[name].shape) for name in case.arguments},
            cotangents={},
            case=case,
            quantity=quantity,
            framework=framework,
            dtype=dtype,
            device=device,
            module=native.module(case, array),
            loss_module=native.loss_module(case),
        )
        outputs = native.shapes(bare.outputs, bare.params, *bare.inputs)
        return replace(bare, cotangents={name: vector(name, output.shape) for name, output in outputs.items()})
