"""What a result may be: arrays of any framework are judged by their numbers, anything else is refused by name."""

from __future__ import annotations

import numpy as np
import pytest
from judging import R, reference, verdict

from xcheck import Outcome


def test_wrong_shape_names_got_and_expected():
    found = verdict(R[None])
    assert found.outcome is Outcome.WRONG_SHAPE
    assert "has shape (1, 3), expected (3,)" in found.text


@pytest.mark.parametrize(
    ("actual", "named"),
    [({"a": R}, "lacks 'b'"), ({"a": R, "b": R, "z": R}, "has 'z'"), (R, "lacks 'a', 'b' and has the array")],
)
def test_missing_and_extra_paths_are_named(actual, named):
    found = verdict(actual, reference({"a": R, "b": R}))
    assert found.outcome is Outcome.WRONG_SHAPE
    assert named in found.text


@pytest.mark.parametrize(
    ("actual", "dtype", "named"),
    [
        (R.astype(np.float32), "float64", "of dtype float32, expected an array of dtype float64"),
        (R, "float32", "of dtype float64, expected an array of dtype float32"),
        (R, "tf32", "expected an array of dtype float32"),
        (R.astype(complex), "float64", "of dtype complex128"),
        (None, "float64", "a NoneType"),
    ],
)
def test_wrong_dtype_names_got_and_expected(actual, dtype, named):
    found = verdict(actual, dtype=dtype)
    assert found.outcome is Outcome.WRONG_DTYPE
    assert named in found.text


def test_arrays_of_the_frameworks_are_received():
    torch, jnp = pytest.importorskip("torch"), pytest.importorskip("jax.numpy")
    assert verdict(torch.tensor(R, requires_grad=True))
    assert verdict(torch.tensor(R, dtype=torch.bfloat16), dtype="bfloat16")
    assert verdict(jnp.asarray(R, dtype="float32"), dtype="float32")
    assert verdict(jnp.asarray(R, dtype="bfloat16"), dtype="bfloat16")


class Unreadable:
    """What looks like an array and is none: each of its parts raises."""

    def __init__(self, part: str) -> None:
        self.part = part

    def __getattribute__(self, name: str):
        part = object.__getattribute__(self, "part")
        if name == part:
            raise RuntimeError(f"no {part}")
        if name in ("dtype", "shape"):
            return {"dtype": np.dtype("float64"), "shape": (3,)}[name]
        return object.__getattribute__(self, name)

    def __array__(self, *_: object) -> np.ndarray:
        raise RuntimeError("no array")


def tensors():
    import torch

    class Own(torch.Tensor):
        @classmethod
        def __torch_function__(cls, function, kinds, args=(), kwargs=None):
            raise RuntimeError("of its own")

    t = torch.tensor(R)
    padded = torch.stack([t, t], dim=1)
    return {
        "negated": torch.complex(0 * t, -t).conj().imag,
        "grad": t.clone().requires_grad_(),
        "of_a_graph": t.clone().requires_grad_() * 1,
        "strided": padded[:, 0],
        "parameter": torch.nn.Parameter(t),
        "subclass": t.as_subclass(Own),
    }


@pytest.mark.parametrize("name", ["negated", "grad", "of_a_graph", "strided", "parameter", "subclass"])
def test_a_tensor_is_judged_by_its_numbers(name):
    found = verdict(tensors()[name])
    assert found, found.text


def test_a_tensor_that_repeats_one_number_is_judged():
    import torch

    assert verdict(torch.tensor(2.0, dtype=torch.float64).expand(3), reference([2.0, 2.0, 2.0]))
    assert verdict(torch.tensor([2.0], dtype=torch.float64).expand(3), reference([2.0, 2.0, 2.0]))


def test_an_array_is_judged_by_its_numbers(tmp_path):
    frozen = R.copy()
    frozen.setflags(write=False)
    mapped = np.memmap(tmp_path / "numbers", dtype=np.float64, mode="w+", shape=R.shape)
    mapped[:] = R
    for array in (R.astype(">f8"), R.astype("<f8"), np.repeat(R, 2)[::2], frozen, mapped, np.asfortranarray(R)):
        assert verdict(array)
    assert verdict(np.float64(2.0), reference(2.0))
    assert verdict(2.0, reference(2.0))


def refused():
    import jax
    import torch

    t = torch.tensor(R)
    return [
        (t.to_sparse(), "of layout sparse_coo"),
        (torch.eye(3, dtype=torch.float64).to_sparse_csr(), "of layout sparse_csr"),
        (torch.quantize_per_tensor(t.float(), 0.1, 0, torch.qint8), "of dtype qint8"),
        (torch.empty(3, dtype=torch.float64, device="meta"), "on the device meta, which holds no numbers"),
        (torch.complex(t, t).conj(), "of dtype complex128"),
        (torch.nested.nested_tensor([t, t[:2]]), "of layout"),
        (np.array(list(R), dtype=object), "of dtype object"),
        (np.ma.masked_array(R, [True, False, False]), "a masked array"),
        (np.array([str(x) for x in R]), "of dtype str"),
        (np.zeros(3, [("x", float)]), "of dtype void"),
        (jax.random.key(0), "of dtype key"),
        (jax.numpy.array([1, 2, 3]), "of dtype int32"),
        (Unreadable("dtype"), "a Unreadable that cannot be read"),
        (Unreadable("shape"), "a Unreadable that cannot be read"),
        (Unreadable("nothing"), "a Unreadable that cannot be read"),
        (object(), "a object"),
        ("text", "a str"),
        (3, "of dtype int64"),
    ]


@pytest.mark.filterwarnings("ignore::UserWarning")  # PyTorch's, of sparse, quantized and nested tensors
@pytest.mark.parametrize("k", range(18))
def test_what_holds_no_plain_numbers_is_of_the_wrong_dtype(k):
    actual, said = refused()[k]
    found = verdict(actual)
    assert found.outcome is Outcome.WRONG_DTYPE, found.text
    assert said in found.reason
