"""One tanh layer, `y = tanh(x W^T + b)`, with every derivative in closed form.

With `d = 1 - y^2`: `J_x = diag(d) W`, `J_W[o, i, k] = d_o delta_oi x_k`, `J_b = diag d` and
`H_x[o, i, j] = -2 y_o d_o W_oi W_oj`.
"""

from xcheck import Case, Normal, implements
from xcheck.program import Linear, Sequential, Tanh, weighted_sum


def layer(name, n, d, c, quantities, doc, **more):
    net = Sequential(Linear(d, c), Tanh())
    return Case(
        name=name,
        program=net,
        params={"0.weight": Normal((c, d), seed=31, scale=d**-0.5), "0.bias": Normal((c,), seed=32, scale=d**-0.5)},
        inputs={"x": Normal((n, d), seed=33)},
        quantities=quantities,
        doc=doc,
        **more,
    )


def outputs_of_one_point(xp, params, inputs):
    """The layer with its 32 outputs as examples and its one point as parameter, so that `H_x` is `hessian_params`."""
    return xp.tanh(xp.matmul(inputs["weight"], xp.reshape(params["x"], (512, 1))) + inputs["bias"])


def by_the_point(name, quantities, tier, doc):
    return Case(
        name=name,
        program=outputs_of_one_point,
        params={"x": Normal((512,), seed=36)},
        inputs={
            "weight": Normal((32, 512), seed=34, scale=512**-0.5),
            "bias": Normal((32, 1), seed=35, scale=512**-0.5),
        },
        targets=Normal((32, 1), seed=37),
        loss=weighted_sum(),
        quantities=quantities,
        tier=tier,
        doc=doc,
    )


PRODUCTS = ("value", "jvp", "vjp")
cases = (
    layer(
        "tanh_layer", 5, 16, 16, (*PRODUCTS, "jacobian_params", "jacobian_inputs", "hessian_inputs"),
        "one tanh layer, 16 to 16, 5 examples",
    ),
    layer(
        "tanh_layer_wide", 1, 32, 2048, ("value", "jvp", "jacobian_inputs"),
        "one tanh layer, 32 to 2048: forward mode needs 32 passes, reverse mode 2048",
    ),
    layer(
        "tanh_layer_batched", 64, 31, 33, (*PRODUCTS, "jacobian_inputs", "hessian_inputs"),
        "one tanh layer, 31 to 33, batch 64: no two sizes are equal", sampled={"hessian_inputs": (0, 63)},
    ),
    layer(
        "tanh_layer_batched_32_34", 64, 32, 34, ("value", "hessian_inputs"),
        "one tanh layer, 32 to 34, batch 64", sampled={"hessian_inputs": (0, 63)},
    ),
    by_the_point(
        "tanh_layer_512_32", (*PRODUCTS, "gradient", "hessian_diagonal", "hessian_trace", "hvp"), "standard",
        "one tanh layer, 512 to 32, by its one point: products and diagonals of a weighted sum of Hessians",
    ),
    by_the_point(
        "tanh_layer_512_32_dense", ("value", "hessian_params"), "full",
        "the same with the whole 512 x 512 Hessian",
    ),
)  # fmt: skip


def closed_form(quantity, cases):
    def register(function):
        implements(quantity, "closed_form_tanh_layer", "torch", cases=cases)(function)
        implements(quantity, "closed_form_tanh_layer", "jax", variants=("jit",), cases=cases)(function)
        return implements(quantity, "closed_form_tanh_layer", "jax", tier="full", cases=cases)(function)

    return register


def activations(problem):
    """`y` and `d = 1 - y^2`, both (n, c)."""
    (x,), params = problem.inputs, problem.params
    y = problem.xp.tanh(problem.xp.matmul(x, problem.xp.permute_dims(params["0.weight"], (1, 0))) + params["0.bias"])
    return y, 1 - y**2


@closed_form("jacobian_inputs", "tanh_layer,tanh_layer_wide,tanh_layer_batched*")
def jacobian_by_input(problem):
    """`J_x = diag(d) W`."""
    _, d = activations(problem)
    return d[:, :, None] * problem.params["0.weight"]


@closed_form("jacobian_params", "tanh_layer")
def jacobian_by_params(problem):
    """`J_W[o, i, k] = d_o delta_oi x_k` and `J_b = diag d`."""
    xp, (x,) = problem.xp, problem.inputs
    _, d = activations(problem)
    (n, c), delta = d.shape, problem.identity(d.shape[1])
    by_bias = d[:, :, None] * delta
    by_weight = by_bias[:, :, :, None] * x[:, None, None, :]
    return xp.concat([xp.reshape(by_weight, (n, c, -1)), by_bias], axis=2)


@closed_form("hessian_inputs", "tanh_layer,tanh_layer_batched*")
def hessian_by_input(problem):
    """`H_x[o, i, j] = -2 y_o d_o W_oi W_oj`."""
    y, d = activations(problem)
    W = problem.params["0.weight"]
    return (-2 * y * d)[:, :, None, None] * W[:, :, None] * W[:, None, :]


@closed_form("hessian_params", "tanh_layer_512_32_dense")
def hessian_by_point(problem):
    """`sum_o u_o H_x[o] = W^T diag(-2 u y d) W`."""
    xp, (W, b) = problem.xp, problem.inputs
    y = xp.tanh(xp.matmul(W, xp.reshape(problem.theta, (-1, 1))) + b)
    return xp.matmul(xp.permute_dims(W, (1, 0)), -2 * problem.targets * y * (1 - y**2) * W)
