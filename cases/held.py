"""Parameters that are held: a frozen layer between trained ones, and a target behind a stop-gradient.

In `td_semigradient` the loss is `mean (q(s) - r - gamma stop(q(s')))^2`, and the target is computed after the forward
pass by the same network: a library that keeps what a layer saw last keeps the wrong inputs, and one that does not stop
differentiates the target.
"""

from xcheck import Case, Normal
from xcheck.program import Frozen, Linear, Semigradient, Sequential, Tanh, mse

N, D, SEED = 7, 3, 121
QUANTITIES = (
    "value", "gradient", "per_example_gradients", "jacobian_params", "jvp", "vjp", "hessian_params",
    "hessian_diagonal", "hvp", "ggn", "ggn_diagonal", "ggnvp", "empirical_fisher",
)  # fmt: skip
MIDDLE_FROZEN = Sequential(Linear(D, 5), Tanh(), Frozen(Linear(5, 4), seed=122), Tanh(), Linear(4, 2))
CRITIC = Sequential(Linear(D, 6), Tanh(), Linear(6, 1))
TD = Semigradient(CRITIC, SEED, discount=0.875)


def with_stop_gradient(params, x):
    """The same in JAX's own words."""
    from jax import lax, numpy

    def critic(s):
        hidden = numpy.tanh(s @ params["critic.0.weight"].T + params["critic.0.bias"])
        return hidden @ params["critic.2.weight"].T + params["critic.2.bias"]

    return critic(x[:, :D]) - TD.discount * lax.stop_gradient(critic(x[:, D:]))


cases = (
    Case(
        name="frozen_middle",
        program=MIDDLE_FROZEN,
        params=MIDDLE_FROZEN.init(SEED),
        inputs={"x": Normal((N, D), seed=123)},
        targets=Normal((N, 2), seed=124),
        loss=mse(),
        quantities=QUANTITIES,
        tier="full",
        doc="a frozen layer (requires_grad=False) between two trained ones",
    ),
    Case(
        name="td_semigradient",
        program=TD,
        params=TD.init(SEED),
        inputs={"x": Normal((N, 2 * D), seed=125)},
        targets=Normal((N, 1), seed=126),
        loss=mse(),
        quantities=QUANTITIES,
        native={"jax": with_stop_gradient},
        tier="full",
        doc="a TD error whose target, behind a stop-gradient, is computed after the forward pass",
    ),
)
