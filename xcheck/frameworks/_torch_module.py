"""A case's program as a real `torch.nn.Module`: made, called without side effects, and watched."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from xcheck._errors import CaseError
from xcheck._lazy import torch
from xcheck.case import Case
from xcheck.program import Layer

Tensor = Any  # torch.Tensor
Module = Any  # torch.nn.Module


def module(case: Case, array: Callable[[Any], Tensor]) -> Module | None:
    """The module with the parameters and buffers of the case; None where the program is no list of layers.

    Raises:
        CaseError: the names of the case's parameters are not those of the module.
    """
    if not isinstance(case.program, Layer):
        return None
    made = case.program.torch()
    names = [name for name, param in made.named_parameters() if param.requires_grad]
    if names != list(case.params):
        raise CaseError(f"case {case.name}: params are {', '.join(case.params)}, but the module has {', '.join(names)}")
    declared = {**case.params, **case.program.buffers()}
    state = {name: array(descriptor.load(case.folder)) for name, descriptor in declared.items()}
    for tensor in state.values():
        made.to(dtype=tensor.dtype, device=tensor.device)
    made.load_state_dict({**made.state_dict(), **state})
    return made


def loss_module(case: Case) -> Module | None:
    return None if case.loss is None else case.loss.torch()


def call(module: Module, params: Mapping[str, Tensor], inputs: Sequence[Tensor]) -> Any:
    """The module as a pure function: what it does to its buffers in training, it does to copies."""
    buffers = {name: buffer.clone() for name, buffer in module.named_buffers()}
    return torch.func.functional_call(module, {**buffers, **params}, tuple(inputs))


def module_state(module: Module | None) -> dict[str, Any]:
    """What an implementation could leave changed: values, gradients, requires_grad, train or eval, hooks."""
    state: dict[str, Any] = {}
    if module is None:
        return state
    for name, tensor in module.state_dict().items():
        state[name] = tensor.detach().double().cpu().numpy()
    for name, param in module.named_parameters():
        state[f"{name}.grad"] = None if param.grad is None else param.grad.detach().double().cpu().numpy()
        state[f"{name}.requires_grad"] = param.requires_grad
    for name, child in module.named_modules():
        hooks = {key: len(value) for key, value in vars(child).items() if key.endswith("_hooks")}
        state[f"{name or 'module'}.training"] = child.training
        state[f"{name or 'module'}.hooks"] = hooks
    return state
