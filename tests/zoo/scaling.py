"""Constant factors and signs."""

from __future__ import annotations

from zoo._defect import Defect, Right, every


def scaled(factor):
    """Every leaf times a number, or a function of the case."""

    def wrong(right: Right):
        f = factor(right) if callable(factor) else factor
        return None if f is None else {path: f * A for path, A in right.leaves.items()}

    return wrong


def noise_var(power):
    return lambda right: getattr(right.case.loss, "noise_var", 1.0) ** power


LOSS = "gradient per_example_gradients hessian* hvp ggn* empirical_fisher*"
SCALING = (
    Defect("factor_2", scaled(2), ("factor",)),
    Defect("factor_half", scaled(0.5), ("factor",)),
    Defect("sign", scaled(-1), ("sign",)),
    Defect("factor_minus_2", scaled(-2), ("factor",)),
    Defect("mean_for_sum", scaled(lambda r: 1 / r.case.n), ("factor",), LOSS),
    Defect("sum_for_mean", scaled(lambda r: r.case.n), ("factor",), LOSS),
    Defect("mean_over_n_minus_1", scaled(lambda r: r.case.n / (r.case.n - 1)), ("factor",), LOSS),
    Defect("mean_over_n_plus_1", scaled(lambda r: r.case.n / (r.case.n + 1)), ("factor",), LOSS),
    Defect("noise_std_for_var", scaled(noise_var(0.5)), ("factor",), LOSS),
    Defect("noise_var_forgotten", scaled(noise_var(1)), ("factor",), LOSS),
    Defect("noise_var_multiplied", scaled(noise_var(2)), ("factor",), LOSS),
    Defect("factor_3_7", scaled(3.7), ("scaled",)),
    Defect("scale_1e-10", scaled(1 + 1e-10), ("scaled",), dtypes=("float64",)),
    Defect("scale_1e-4", scaled(1 + 1e-4), ("scaled",)),
    Defect("squared", every(lambda A: A * A), ("squared",)),
    Defect("absolute", every(abs), ("absolute",)),
    Defect("zero", scaled(0), ("zero",)),
)
