"""A tiny curvature library, as a stranger might write it: one function is right and three are wrong."""

import torch
from torch.func import functional_call, grad, jacrev, jvp, vmap


def _flat(tree):
    return torch.cat([leaf.flatten() for leaf in tree.values()])


def _params(model):
    return {name: p.detach() for name, p in model.named_parameters()}


def gradient(model, loss, batches):
    """The gradient of the loss over all batches."""
    x, y = (torch.cat(parts) for parts in zip(*batches, strict=True))
    return _flat(grad(lambda params: loss(functional_call(model, params, x), y))(_params(model)))


def ggn(model, loss, batches):
    """The Gauss-Newton matrix of a squared error, summed over the batches."""
    G = 0
    for x, _ in batches:
        J = vmap(jacrev(lambda params, one: functional_call(model, params, one)), (None, 0))(_params(model), x)
        J = torch.cat([block.flatten(2) for block in J.values()], dim=2)
        G = G + 2 * torch.einsum("ncp,ncq->pq", J, J)
    return G


def hessian_diagonal(model, loss, batches):
    """The diagonal of the Hessian of the loss."""
    x, _ = (torch.cat(parts) for parts in zip(*batches, strict=True))
    J = vmap(jacrev(lambda params, one: functional_call(model, params, one)), (None, 0))(_params(model), x)
    return 2 * torch.cat([(block**2).flatten(2) for block in J.values()], dim=2).mean(dim=(0, 1))


def hvp(model, loss, batches, vector):
    """The product of the Hessian with a vector, in single precision for speed."""
    x, y = (torch.cat(parts).float() for parts in zip(*batches, strict=True))
    params = {name: p.float() for name, p in _params(model).items()}
    sizes = [p.numel() for p in params.values()]
    pieces = zip(params.items(), vector.float().split(sizes), strict=True)
    tangents = {name: piece.reshape(p.shape) for (name, p), piece in pieces}

    def total(params):
        residual = functional_call(model, params, x) - y
        return (residual * residual).mean()

    return _flat(jvp(grad(total), (params,), (tangents,))[1]).to(vector.dtype)
