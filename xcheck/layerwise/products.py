"""Products of the per-example Jacobian with vectors, matrices and metrics, for inputs or weights."""

from typing import Literal

import torch
from jaxtyping import Float
from torch import Tensor, nn

from xcheck.layerwise._call import exact, run
from xcheck.layerwise._errors import BadShape
from xcheck.layerwise._forms import Columns
from xcheck.layerwise._layer import Layer, Wrt
from xcheck.layerwise._theta import Theta
from xcheck.layerwise.backprop_diag import pull_diagonal
from xcheck.layerwise.gradients import rows


def _sized(name: str, value: Tensor, expected: str, fits: bool) -> Tensor:
    if not fits:
        raise BadShape(f"layerwise: {name} has shape {tuple(value.shape)}, expected {expected}")
    return value


@exact
def jvp(
    module: nn.Module, x: Float[Tensor, "n *d"], v: Float[Tensor, "*nq"], *, wrt: Wrt = "weight"
) -> Float[Tensor, "n c"]:
    """`J_n v`, (n, c): `v` is shaped as x, (n, d), or for weights (p,) or (n, p).

    >>> jvp(nn.Linear(2, 1), torch.tensor([[3.0, 4.0]]), torch.ones(3))
    tensor([[8.]])
    """
    return jmp(module, x, v.reshape(len(x), -1, 1) if wrt == "input" else v[..., None], wrt=wrt)[..., 0]


@exact
def vjp(
    module: nn.Module, x: Float[Tensor, "n *d"], v: Float[Tensor, "n *c"], *, wrt: Wrt = "weight"
) -> Float[Tensor, "n q"]:
    """`v_n^T J_n` for every example, (n, d) or (n, p): their sum over n is the usual vector-Jacobian product.

    >>> vjp(nn.Linear(2, 1), torch.tensor([[3.0, 4.0]]), torch.full((1, 1), 2.0))
    tensor([[6., 8., 2.]])
    """
    return mjp(module, x, v.reshape(len(x), 1, -1), wrt=wrt)[:, 0]


@exact
def jmp(
    module: nn.Module, x: Float[Tensor, "n *d"], m: Float[Tensor, "*n q k"] | None = None, *, wrt: Wrt = "weight"
) -> Float[Tensor, "n c k"]:
    """`J_n M`, (n, c, k), for `M` (q, k) or (n, q, k); the identity if None.

    >>> jmp(nn.Linear(2, 1), torch.tensor([[3.0, 4.0]]), torch.eye(3))
    tensor([[[3., 4., 1.]]])
    """
    root, theta = run(module, x)
    if m is None:
        return _rows(root, theta, None, wrt)
    q = _width(root, theta, wrt)
    _sized("m", m, f"({q}, k) or ({len(x)}, {q}, k)", m.ndim in (2, 3) and m.shape[-2] == q)
    if wrt == "input":
        columns = m.expand(len(x), *m.shape[-2:]).movedim(-1, 0).unflatten(2, x.shape[1:])
        return root.jvp(columns).flatten(2).movedim(0, -1)
    out = root.push(None, m.movedim(-1, 0))
    return root.y.new_zeros(*root.y.flatten(1).shape, m.shape[-1]) if out is None else out.flatten(2).movedim(0, -1)


@exact
def mjp(
    module: nn.Module, x: Float[Tensor, "n *d"], m: Float[Tensor, "*n r c"] | None = None, *, wrt: Wrt = "weight"
) -> Float[Tensor, "n r q"]:
    """`M J_n`, (n, r, q), for `M` (r, c) or (n, r, c); the identity if None.

    >>> mjp(nn.Linear(2, 1), torch.tensor([[3.0, 4.0]]), torch.full((1, 1), 2.0))
    tensor([[[6., 8., 2.]]])
    """
    root, theta = run(module, x)
    return _rows(root, theta, m, wrt)


def _width(root: Layer, theta: Theta, wrt: Wrt) -> int:
    return theta.size if wrt == "weight" else root.x.shape[1:].numel()


def _rows(root: Layer, theta: Theta, m: Tensor | None, wrt: Wrt) -> Tensor:
    """`M J`, (n, r, q)."""
    n, shape = len(root.x), root.y.shape[1:]
    c = shape.numel()
    if m is None:
        m = torch.eye(c, dtype=root.y.dtype, device=root.y.device)
    _sized("m", m, f"(r, {c}) or ({n}, r, {c})", m.ndim in (2, 3) and m.shape[-1] == c)
    columns = m.expand(n, *m.shape[-2:]).transpose(0, 1).unflatten(2, shape)
    if wrt == "input":
        return root.vjp(columns).flatten(2).transpose(0, 1)
    out = root.y.new_empty(n, len(columns), theta.size)
    return rows(root, theta, Columns(columns), out.transpose(0, 1)).transpose(0, 1)


@exact
def jmjTp(
    module: nn.Module,
    x: Float[Tensor, "n *d"],
    m: Float[Tensor, "..."] | None = None,
    *,
    wrt: Wrt = "weight",
    from_diag: bool = False,
    to_diag: bool = False,
    diag_backprop: bool = False,
) -> Float[Tensor, "n c c"] | Float[Tensor, "n c"]:
    """`J_n M J_n^T`, (n, c, c), or its diagonal (n, c): a metric of the inputs or weights pushed to the outputs.

    `M` is (q, q), (n, q, q), or with `from_diag` its diagonal (q,), (n, q); the identity if None. `diag_backprop` keeps
    only a diagonal after every layer (inputs alone): an approximation, exact for one layer.

    >>> jmjTp(nn.Linear(2, 1), torch.tensor([[3.0, 4.0]]))
    tensor([[[26.]]])
    """
    root, theta = run(module, x)
    q = _width(root, theta, wrt)
    m, from_diag = _metric(m, q, len(x), root.y, from_diag)
    if diag_backprop:
        if wrt == "weight" or not (from_diag and to_diag):
            raise BadShape("layerwise: diag_backprop of jmjTp is for wrt='input' from a diagonal to a diagonal")
        return root.jvp_squared(m.expand(len(x), q).unflatten(1, x.shape[1:])).flatten(1)
    jacobian = _rows(root, theta, None, wrt)
    left = jacobian * m.unsqueeze(-2) if from_diag else jacobian @ m
    return (left * jacobian).sum(-1) if to_diag else left @ jacobian.transpose(1, 2)


def _metric(m: Tensor | None, size: int, n: int, like: Tensor, from_diag: bool) -> tuple[Tensor, bool]:
    if m is None:
        return like.new_ones(size), True
    shapes = [(size,), (n, size)] if from_diag else [(size, size), (n, size, size)]
    return _sized("m", m, f"{shapes[0]} or {shapes[1]}", tuple(m.shape) in shapes), from_diag


@exact
def jTmjp(
    module: nn.Module,
    x: Float[Tensor, "n *d"],
    m: Float[Tensor, "..."] | None = None,
    *,
    wrt: Wrt = "weight",
    structure: Literal["full", "blocks"] = "full",
    from_diag: bool = False,
    to_diag: bool = False,
    diag_backprop: bool = False,
) -> Float[Tensor, "n q q"] | Float[Tensor, "n q"] | dict[str, Float[Tensor, "n b b"]]:
    """`J_n^T M J_n`, (n, q, q), its diagonal (n, q), or `{layer: (n, b, b)}`: a metric of the outputs pulled back.

    `M` is (c, c), (n, c, c), or with `from_diag` its diagonal (c,), (n, c); the identity if None. `diag_backprop` keeps
    only a diagonal before every layer: an approximation, exact for one linear layer behind a diagonal.

    >>> jTmjp(nn.Linear(2, 1), torch.tensor([[3.0, 4.0]]), to_diag=True)
    tensor([[ 9., 16.,  1.]])
    """
    root, theta = run(module, x)
    c = root.y.shape[1:].numel()
    m, from_diag = _metric(m, c, len(x), root.y, from_diag)
    if diag_backprop:
        if not (from_diag and to_diag):
            raise BadShape("layerwise: diag_backprop goes from a diagonal to a diagonal: pass from_diag and to_diag")
        return _squared(module, x, m.expand(len(x), c), wrt)
    jacobian = _rows(root, theta, None, wrt)
    right = m.unsqueeze(-1) * jacobian if from_diag else m @ jacobian
    if to_diag:
        return (jacobian * right).sum(1)
    if structure == "full":
        return jacobian.transpose(1, 2) @ right
    if wrt == "input":
        raise BadShape("layerwise: blocks are one a layer with weights; expected wrt='weight'")
    return {name: jacobian[..., at].transpose(1, 2) @ right[..., at] for name, at in theta.blocks.items()}


def _squared(module: nn.Module, x: Tensor, m: Tensor, wrt: Wrt) -> Tensor:
    if wrt == "input":
        root, _ = run(module, x)
        return root.vjp_squared(m.unflatten(1, root.y.shape[1:])).flatten(1)
    # Layers sum over the examples as they go: for every example by itself, each is a batch of one.
    return torch.stack([pull_diagonal(*run(module, a[None]), d[None]) for a, d in zip(x, m, strict=True)])


@exact
def jTmjp_batch2(
    module: nn.Module,
    x1: Float[Tensor, "n *d"],
    x2: Float[Tensor, "n *d"],
    m: tuple[Tensor, Tensor, Tensor] | None = None,
    *,
    wrt: Wrt = "weight",
    from_diag: bool = False,
    to_diag: bool = False,
) -> tuple[Float[Tensor, "..."], Float[Tensor, "..."], Float[Tensor, "..."]]:
    """`J1^T M11 J1, J1^T M12 J2, J2^T M22 J2` of two inputs; `m = (M11, M12, M22)` as in `jTmjp`, or None.

    >>> x1, x2 = torch.tensor([[3.0]]), torch.tensor([[4.0]])
    >>> jTmjp_batch2(nn.Linear(1, 1), x1, x2, to_diag=True)
    (tensor([[9., 1.]]), tensor([[12.,  1.]]), tensor([[16.,  1.]]))
    """
    first, second = run(module, x1), run(module, x2)
    j1, j2 = _rows(*first, None, wrt), _rows(*second, None, wrt)
    like = first[0].y

    def product(left: Tensor, metric: Tensor | None, right: Tensor) -> Tensor:
        metric, diagonal = _metric(metric, left.shape[1], len(left), like, from_diag)
        moved = metric.unsqueeze(-1) * right if diagonal else metric @ right
        return (left * moved).sum(1) if to_diag else left.transpose(1, 2) @ moved

    m11, m12, m22 = m if m is not None else (None, None, None)
    return product(j1, m11, j1), product(j1, m12, j2), product(j2, m22, j2)
