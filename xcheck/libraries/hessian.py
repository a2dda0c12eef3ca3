"""hessian by Mario Geiger (GitHub: mariogeiger/hessian; not on PyPI): matrices by repeated `torch.autograd.grad`.

`jacobian` is 2-D, `[sum of the sizes of the outputs, sum of the sizes of the inputs]`.
"""

from __future__ import annotations

from xcheck._lazy import LazyModule
from xcheck.libraries._torch import Problem, Tensor, criterion, data, module
from xcheck.quantity import implements

hessians = LazyModule("hessian")
NEEDS = ("module", "hessian")


@implements("jacobian_params", "hessian", "torch", needs=NEEDS)
def jacobian_params(problem: Problem) -> Tensor:
    model = module(problem)
    output = model(data(problem)[0][0])
    return hessians.jacobian(output, list(model.parameters())).detach().reshape(output.shape[0], -1, problem.case.p)


@implements("hessian_params", "hessian", "torch", needs=(*NEEDS, "loss"))
def hessian_params(problem: Problem) -> Tensor:
    model, (loss, k) = module(problem), criterion(problem)
    (x, y), *_ = data(problem)
    return k * hessians.hessian(loss(model(x), y), list(model.parameters())).detach()
