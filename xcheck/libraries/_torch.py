"""What the adapters of PyTorch libraries share: a module of their own, the loss in PyTorch's words, flat results."""

from __future__ import annotations

import copy
import re
import warnings
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from xcheck._errors import Unsupported
from xcheck._lazy import LazyModule, torch
from xcheck.program import GaussianNLL
from xcheck.quantities.hessian_blocks import columns

Problem = Any
Tensor = Any
Module = Any
backpack = LazyModule("backpack")
_LENT: ContextVar[bool] = ContextVar("lent", default=False)
_WHOLE: ContextVar[bool] = ContextVar("whole", default=False)


@contextmanager
def lend(*, whole: bool = False) -> Iterator[None]:
    """Inside, libraries get the problem's own module, and what they leave behind in it can be seen.

    `whole` gives them all examples in one batch too: a benchmark times neither copies nor more batches than others'.
    """
    lent, one = _LENT.set(True), _WHOLE.set(whole)
    try:
        yield
    finally:
        _LENT.reset(lent)
        _WHOLE.reset(one)


def module(problem: Problem) -> Module:
    """A copy of the module, since many libraries hook or change what they are given."""
    return problem.module if _LENT.get() else copy.deepcopy(problem.module)


def trained(model: Module) -> list[Any]:
    """The parameters that derivatives are for: not the frozen ones."""
    return [p for p in model.parameters() if p.requires_grad]


#: BackPACK's own sentences, alone and inside laplace-torch.
BACKPACK_REFUSES = (
    r"Extension saving to \w+ does not have an extension for Module",
    "BackPACK extension expects a backpropagation quantity but it is None. Module: ",
)


def extended(model: Module) -> Module:
    """BackPACK's hooks on a module that may have had them before.

    laplace-torch removes them from all modules of the process, which `extend` does not notice (docs/findings.md).
    """
    for part in model.modules():
        if not part._forward_hooks:
            vars(part).pop("_backpack_extend", None)
    return backpack.extend(model)


@contextmanager
def refusing(*sentences: str) -> Iterator[None]:
    """Inside, an error is `Unsupported` if the library says in its own sentence that it has no rule for a layer.

    Each sentence is a pattern for the beginning of the error. BackPACK's first-order extensions warn instead, and leave
    the parameter without the attribute that the warning names: a missing attribute without that warning is a failure.
    """
    with warnings.catch_warnings(record=True) as heard:
        warnings.simplefilter("always")
        try:
            yield
        except Exception as error:  # each library has a class of its own for it
            warned = [str(one.message) for one in heard if f" to {getattr(error, 'name', None)} " in str(one.message)]
            said = [text for text in (str(error), *warned) if any(re.match(one, text) for one in sentences)]
            if not said:
                raise
            raise Unsupported(f"the library has no rule for a layer: {said[0]}") from None


def parts(problem: Problem, model: Module) -> list[Tensor]:
    """The tangent, in the shapes of the trained parameters."""
    params = trained(model)
    split = problem.tangents["params"].split([p.numel() for p in params])
    return [v.reshape(p.shape) for v, p in zip(split, params, strict=True)]


def criterion(problem: Problem) -> tuple[Module, float]:
    """PyTorch's own loss module and k, with loss = k * module(f, y): no library knows a noise variance."""
    loss = problem.case.loss
    if isinstance(loss, GaussianNLL):
        return torch.nn.MSELoss(reduction="sum"), 1 / (2 * loss.noise_var)
    return problem.loss_module, 1.0


def reduced(problem: Problem, reduction: str) -> tuple[Module, float]:
    """`criterion` with the reduction that a library asks for."""
    loss, k = criterion(problem)
    if loss.reduction == reduction:
        return loss, k
    terms = problem.case.loss.terms(outputs(problem))
    return type(loss)(reduction=reduction), k / terms if reduction == "sum" else k * terms


def outputs(problem: Problem) -> tuple[int, ...]:
    """The shape of the outputs; libraries know only one array of them."""
    return tuple(next(iter(problem.cotangents.values())).shape)


def divisor(problem: Problem) -> float:
    """The loss is the sum of the examples' losses, divided by this."""
    return problem.case.loss.divisor(tuple(problem.targets.shape))


def likelihood(problem: Problem) -> str:
    """The loss in the words of laplace-torch: a negative log-likelihood."""
    return "classification" if isinstance(problem.loss_module, torch.nn.CrossEntropyLoss) else "regression"


def data(problem: Problem, size: int | None = None) -> list[tuple[Tensor, Tensor]]:
    """The batches as a list, so that a library may go through them more than once; one batch unless `size` is given."""
    # A case without a loss has no targets, which a Jacobian does not look at.
    return [(x, x if y is None else y) for x, y in problem.batches(size or problem.case.n)]


def ragged(problem: Problem) -> int:
    """A batch size that leaves the last batch smaller than the first, unless all examples are to be in one."""
    return problem.case.n if _WHOLE.get() else problem.case.n // 2 + 1


def loader(problem: Problem) -> Any:
    """A `DataLoader` whose last batch is ragged; it takes a batch out of the arrays at once, not example by example."""
    arrays = *problem.inputs, problem.inputs[0] if problem.targets is None else problem.targets

    class Batches(torch.utils.data.TensorDataset):
        def __getitems__(self, where: list[int]) -> Any:
            return self[where]

    return torch.utils.data.DataLoader(Batches(*arrays), batch_size=ragged(problem), collate_fn=tuple)


def flat(tensors: Iterable[Tensor], lead: int = 0) -> Tensor:
    """All entries behind the first `lead` axes, one tensor after the other, detached."""
    return torch.cat([t.detach().flatten(lead) for t in tensors], dim=lead)


def matrix(product: Any, problem: Problem) -> Tensor:
    """The matrix of a product with vectors, column by column."""
    return torch.stack([product(e) for e in problem.identity(problem.theta.shape[0])], dim=1).detach()


def blocks(problem: Problem, layers: Iterable[Tensor]) -> dict[str, Tensor]:
    """The block of each parameter array, cut from the blocks of the layers."""
    A = torch.block_diag(*layers)
    return {name: A[where, where] for name, where in columns(problem).items()}


def kronecker(layers: dict[str, tuple[Tensor, Tensor]]) -> dict[str, Tensor]:
    """The factors A and B of each layer under our names: "0.A" and "0.B"; "A" and "B" of a model that is one layer."""
    return {
        f"{layer}.{one}".removeprefix("."): M for layer, AB in layers.items() for one, M in zip("AB", AB, strict=True)
    }
