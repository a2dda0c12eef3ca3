"""Temporal-difference errors of two critics: several arguments, several outputs, and aux.

`q_i = tanh(w_i . (s + sum(a) 1))`, `td_err_i = q_target - q_i`. With `S = sum(w)`: `d td/d a_k = -(1 - q^2) S`,
`d td/d s = -(1 - q^2) w`, `d td/d q_target = 1`, `H_aa = 2 q (1 - q^2) S^2 1 1^T`, `H_ss = 2 q (1 - q^2) w w^T`.
"""

from xcheck import Case, Normal, implements

N, D = 64, 32


def td_error(xp, params, inputs):
    actions = xp.sum(inputs["actions"], axis=1, keepdims=True)

    def critic(w):
        return xp.tanh(xp.matmul(inputs["states"] + actions, xp.reshape(w, (D, 1))))

    return {
        "td_err_1": inputs["q_target"] - critic(params["w1"]),
        "td_err_2": inputs["q_target"] - critic(params["w2"]),
    }


def td_error_with_aux(xp, params, inputs):
    errors = td_error(xp, params, inputs)
    return errors, errors


# With unit normals 58 % of the float32 Jacobian would saturate to zero, so the weights are scaled by 1/D.
PARAMS = {"w1": Normal((D,), seed=1, scale=1 / D), "w2": Normal((D,), seed=2, scale=1 / D)}
INPUTS = {
    "states": Normal((N, D), seed=3),
    "actions": Normal((N, D), seed=4),
    "q_target": Normal((N, 1), seed=5),
}


def family(suffix, wrt, doc, *more):
    return Case(
        name=f"td_error{suffix}",
        program=td_error,
        params=PARAMS,
        inputs=INPUTS,
        wrt=wrt,
        quantities=("value", "jacobian_params", "jacobian_inputs", "jvp", "vjp", *more),
        # One argument at a time proves little more than several at once.
        tier="full" if len(wrt) == 1 else "standard",
        doc=doc,
    )


cases = (
    family("", ("states", "actions", "q_target"), "two critics, both outputs, three arguments", "jacobian_batch"),
    family("_states", ("states",), "two critics, by the states", "hessian_inputs"),
    family("_actions", ("actions",), "two critics, by the actions", "hessian_inputs"),
    family("_q_target", ("q_target",), "two critics, by the target value"),
    family("_states_actions", ("states", "actions"), "two critics, by two of three arguments"),
    Case(
        name="td_error_aux",
        program=td_error_with_aux,
        params=PARAMS,
        inputs=INPUTS,
        wrt=("states", "actions", "q_target"),
        quantities=("value", "jacobian_inputs", "jacobian_aux"),
        tier="smoke",
        doc="two critics with the TD errors as aux",
    ),
)


def derivatives(problem):
    """`d td / d states`, `d td / d actions` and `d td / d q_target` of the arguments asked for, (n, 1, d) each."""
    xp, inputs = problem.xp, dict(zip(problem.case.inputs, problem.inputs, strict=True))
    ones, one = xp.ones_like(inputs["actions"]), xp.ones_like(inputs["q_target"])
    found = {}
    for output, w in zip(problem.cotangents, problem.params.values(), strict=True):
        q = inputs["q_target"] - td_error(xp, problem.params, inputs)[output]
        slope = -(1 - q * q)
        by = {"states": slope * w, "actions": slope * xp.sum(w) * ones, "q_target": one}
        found |= {f"{output}/{argument}": by[argument][:, None, :] for argument in problem.arguments}
    return found


@implements("jacobian_inputs", "closed_form_td", "torch", cases="td_error*")
@implements("jacobian_inputs", "closed_form_td", "jax", variants=("jit",), cases="td_error*")
@implements("jacobian_inputs", "closed_form_td", "jax", tier="full", cases="td_error*")
def jacobian_inputs(problem):
    return derivatives(problem)


@implements("jacobian_aux", "closed_form_td", "torch", cases="td_error_aux")
@implements("jacobian_aux", "closed_form_td", "jax", variants=("eager", "jit"), cases="td_error_aux")
def jacobian_aux(problem):
    errors = td_error(problem.xp, problem.params, dict(zip(problem.case.inputs, problem.inputs, strict=True)))
    return derivatives(problem) | {f"aux/{name}": error for name, error in errors.items()}
