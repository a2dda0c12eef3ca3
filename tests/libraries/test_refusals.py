"""`refusing`: only a library's own sentence makes an error `unsupported`; a failure that looks like it stays one."""

from __future__ import annotations

import warnings

import pytest

from xcheck._errors import Unsupported
from xcheck.libraries._torch import BACKPACK_REFUSES, lend, refusing

NO_RULE = "Extension saving to grad_batch does not have an extension for Module <class 'LayerNorm'>"


def missing(name: str, warning: str) -> None:
    with refusing(*BACKPACK_REFUSES):
        warnings.warn(warning, stacklevel=2)
        getattr(object(), name)


def test_the_librarys_own_sentence_is_a_refusal():
    with pytest.raises(Unsupported, match="LayerNorm"), refusing(*BACKPACK_REFUSES):
        raise NotImplementedError(NO_RULE)


def test_a_refusal_may_be_a_warning_that_names_the_missing_attribute():
    with pytest.raises(Unsupported, match="LayerNorm"):
        missing("grad_batch", NO_RULE)


@pytest.mark.parametrize(("name", "warning"), [("grad_batch", "something else"), ("output", NO_RULE)])
def test_another_missing_attribute_stays_an_error(name: str, warning: str):
    with pytest.raises(AttributeError):
        missing(name, warning)


def test_a_sentence_inside_another_error_is_no_refusal():
    with pytest.raises(RuntimeError), refusing(*BACKPACK_REFUSES):
        raise RuntimeError(f"while computing: {NO_RULE}")


def test_a_warning_alone_is_no_refusal():
    with refusing(*BACKPACK_REFUSES):
        warnings.warn(NO_RULE, stacklevel=2)


def test_backpack_in_laplace_torch_fails_on_frozen_parameters():
    """The failure that a word of the error once hid: the library goes through parameters that have no gradient."""
    pytest.importorskip("backpack")
    pytest.importorskip("laplace")
    from xcheck._problem import problem
    from xcheck.libraries import laplace_torch  # noqa: F401
    from xcheck.quantity import implementations

    with pytest.raises(AttributeError, match="grad_batch"):
        implementations("ggn")["torch_laplace_backpack"].function(problem("frozen_middle", "ggn", "torch"))


def test_backpack_is_right_beside_laplace_torch_which_takes_its_hooks():
    pytest.importorskip("backpack")
    pytest.importorskip("laplace")
    from xcheck._problem import problem
    from xcheck.diagnose import judge
    from xcheck.libraries import backpack, laplace_torch  # noqa: F401
    from xcheck.quantity import implementations

    one = problem("tanh_mlp", "ggn", "torch", dtype="float32")
    with lend():
        for name in ("torch_backpack_sqrt", "torch_laplace_backpack", "torch_backpack_sqrt"):
            made = implementations("ggn")[name]
            found = made.function(one)
            assert judge(found, one.case, one.quantity, dtype="float32", framework="torch", convention=made.convention)
