"""What is measured: each table is a list of groups, who takes part in each, and what they are compared with."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase

from xcheck._errors import UsageError
from xcheck._registry import unknown
from xcheck.bench.schema import Group


@dataclass(frozen=True)
class Selection:
    """One group, the globs of its implementations and the name of its baseline."""

    table: str
    group: Group
    implementations: str = "*"
    baseline: str = ""

    def takes(self, name: str) -> bool:
        """Whether an implementation takes part; a glob after "!" leaves out what is not named in full."""
        globs = [glob.strip() for glob in self.implementations.split(",")]
        if name in globs:
            return True
        wanted = [glob for glob in globs if not glob.startswith("!")]
        out = [glob[1:] for glob in globs if glob.startswith("!")]
        return any(fnmatchcase(name, glob) for glob in wanted) and not any(fnmatchcase(name, glob) for glob in out)


@dataclass(frozen=True)
class Table:
    """A question, and the groups that answer it."""

    name: str
    title: str
    selections: tuple[Selection, ...] = field(repr=False)


SMALL, WIDE, MID, BIG, CONV = (
    "tanh_mlp", "mlp_100_100_100_100_n128", "mlp_64_256_256_10_n128", "mlp_784_512_512_10_n32", "conv_1_8_16_10_n32",
)  # fmt: skip
NETWORKS = (SMALL, WIDE, MID, BIG, CONV)

#: Compiled by `torch.compile` only where it is asked for: each costs half a minute. Closed forms belong to their cases.
EAGER_AND_JIT = "torch_*,jax_*_jit,jax_laplax,jax_kfac_jax,!*_compile"

#: The fastest that `torch.compile` makes of autograd.
COMPILED = {
    "ggn_diagonal": "torch_jacobian_compile", "ggn": "torch_jacobian_compile",
    "hvp": "torch_forward_over_reverse_compile", "ggnvp": "torch_jvp_vjp_compile",
    "hessian_diagonal": "torch_vmap_hvp_compile", "hessian_params": "torch_forward_over_reverse_compile",
    "jacobian_params": "torch_vmap_jacrev_compile",
}  # fmt: skip

#: Ways whose cost grows with p times the batch are hopeless beyond the small network.
_BY_PARAMETERS = ",!*_tangents*,!*_full*,!*_products*,!*_jacfwd*,!*_vmap_hvp*,!*_forward_over_forward*"
_LOOPS = ",!*_loop*,!torch_backward"  # one output at a time

BASELINES = {
    "ggn_diagonal": "torch_jacobian", "ggn_diagonal_backprop": "torch_layerwise",
    "jacobian_params": "torch_vmap_jacrev", "hvp": "torch_double_backward", "ggnvp": "torch_layerwise",
    "ggn": "torch_jacobian", "gradient": "torch_grad",
    "hessian_params": "torch_forward_over_reverse", "hessian_diagonal": "torch_full",
    "jacobian_inputs": "torch_vmap_jacrev", "hessian_inputs": "torch_forward_over_reverse",
}  # fmt: skip


def select(table: str, case: str, quantity: str, implementations: str = EAGER_AND_JIT, baseline: str = "") -> Selection:
    return Selection(
        table, Group(case=case, quantity=quantity), implementations, baseline or BASELINES.get(quantity, "")
    )


def _linear() -> Iterable[Selection]:
    yield select(
        "linear", "linear_gaussian", "ggn", EAGER_AND_JIT + ",torch_jacobian_compile", "torch_closed_form_linear"
    )


def _networks() -> Iterable[Selection]:
    for case in NETWORKS:
        few = "" if case == SMALL else _BY_PARAMETERS + _LOOPS
        for quantity in ("ggn_diagonal", "ggn_diagonal_backprop", "jacobian_params", "hvp", "ggnvp"):
            compiled = ",torch_jacobian_compile" if quantity == "ggn_diagonal" else ""
            yield select("networks", case, quantity, EAGER_AND_JIT + compiled + few)


def _modes() -> Iterable[Selection]:
    yield select("modes", "tanh_layer_16_16_n1", "jacobian_inputs")
    for d, c in ((512, 8), (256, 16), (128, 32), (64, 64), (32, 128), (16, 256), (8, 512)):
        ways = "torch_vmap_jacrev,torch_vmap_jacfwd,torch_loop,torch_layerwise,jax_*_jit"
        yield select("modes", f"tanh_layer_{d}_{c}_n16", "jacobian_inputs", ways)
    yield select("modes", "tanh_layer_16_16_n1", "hessian_inputs")
    yield select("modes", "tanh_layer_512_32_n1", "hessian_inputs")
    yield select("modes", "tanh_layer_31_33_n64", "hessian_inputs")


def _products() -> Iterable[Selection]:
    for quantity in ("hvp", "hessian_params", "hessian_blocks", "hessian_diagonal"):
        yield select("products", SMALL, quantity)


#: Six sizes for each axis, others fixed.
AXES = {
    "n": [f"mlp_64_64_64_10_n{n}" for n in (8, 16, 32, 64, 128, 256)],
    "width": [f"mlp_64_{w}_{w}_10_n32" for w in (16, 32, 64, 128, 256, 512)],
    "depth": [f"mlp_64_{'64_' * k}10_n32" for k in (1, 2, 3, 4, 6, 8)],
    "outputs": [f"mlp_64_64_64_{c}_n32" for c in (2, 4, 8, 16, 32, 64)],
}
#: One way of each kind: reverse mode in each framework, and layer by layer without and with kernels.
_SCALED = {
    "ggn_diagonal": "torch_jacobian,jax_jacobian_jit,torch_layerwise,torch_layerwise_fused",
    "jacobian_params": "torch_vmap_jacrev,jax_vmap_jacrev_jit,torch_layerwise,torch_layerwise_fused",
    "hvp": "torch_double_backward,jax_forward_over_reverse_jit,torch_layerwise,torch_layerwise_fused",
}


def _scaling() -> Iterable[Selection]:
    for axis, cases in AXES.items():
        for quantity, globs in _SCALED.items():
            for case in cases:
                yield select(f"scaling_{axis}", case, quantity, globs)
    # Full matrices against the number of parameters, while they fit.
    for case in [f"mlp_2_{w}_{w}_1_n64" for w in (4, 6, 8, 12, 16, 24)]:
        for quantity in ("hessian_params", "ggn"):
            yield select("scaling_parameters", case, quantity, EAGER_AND_JIT + _LOOPS)


def _layerwise() -> Iterable[Selection]:
    for quantity in ("ggn_diagonal", "hessian_diagonal", "hvp", "ggnvp", "jacobian_params"):
        for case in (SMALL, MID):
            few = "" if case == SMALL else _BY_PARAMETERS + _LOOPS
            yield _against_all(case, quantity, EAGER_AND_JIT + few)
    for quantity in ("hessian_params", "ggn"):
        yield _against_all(SMALL, quantity, EAGER_AND_JIT)


def _against_all(case: str, quantity: str, implementations: str) -> Selection:
    """The engine against everyone, other libraries too, and against the compiled way unless it is hopeless eagerly."""
    one, compiled = select("layerwise", case, quantity, implementations, "torch_layerwise"), COMPILED[quantity]
    fit = one.takes(compiled.removesuffix("_compile"))
    return replace(one, implementations=f"{implementations},{compiled}") if fit else one


def _quick() -> Iterable[Selection]:
    yield select("linear", "linear_gaussian", "ggn", EAGER_AND_JIT, "torch_closed_form_linear")
    yield select("networks", SMALL, "ggn_diagonal", EAGER_AND_JIT + _LOOPS)
    yield select("networks", "mlp_64_64_64_10_n32", "ggn_diagonal", "torch_jacobian,jax_jacobian_jit,torch_layerwise")
    yield select("products", SMALL, "hvp", EAGER_AND_JIT)
    for case in AXES["n"]:  # without kernels, which take a while to build
        yield select("scaling_n", case, "hvp", "torch_double_backward,jax_forward_over_reverse_jit,torch_layerwise")


TABLES = {
    "linear": ("The published table of the linear model", _linear),
    "networks": ("Speed and memory of GGN diagonals, Jacobians and products on five networks", _networks),
    "modes": ("Forward against reverse, loops against vmap, on tanh(W x)", _modes),
    "products": ("Products against full matrices", _products),
    "scaling": ("How time and memory grow", _scaling),
    "layerwise": ("The layerwise engine against its targets", _layerwise),
    "quick": ("A little of everything", _quick),
}


def table(name: str) -> Table:
    """A table by its name.

    Raises:
        UsageError: there is none; the nearest is suggested.

    >>> table("linear").selections[0].group.id
    'linear_gaussian/ggn/float32/cpu/1'
    """
    if name not in TABLES:
        raise UsageError(unknown("table", name, TABLES))
    title, made = TABLES[name]
    return Table(name, title, tuple(made()))
