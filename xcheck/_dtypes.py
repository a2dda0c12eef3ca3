"""The dtypes of a result, with TF32 as one of its own."""

from __future__ import annotations

from xcheck._errors import UsageError
from xcheck._text import shown

#: Unit roundoff u: half the distance from 1 to the next number.
UNIT = {"float64": 2.0**-53, "float32": 2.0**-24, "tf32": 2.0**-11, "bfloat16": 2.0**-8}

#: omega, the smallest normal number.
SMALLEST = {"float64": 2.0**-1022, "float32": 2.0**-126, "tf32": 2.0**-126, "bfloat16": 2.0**-126}

#: What the arrays are: TF32 is a way of multiplying float32 matrices.
ARRAY_DTYPE = {"float64": "float64", "float32": "float32", "tf32": "float32", "bfloat16": "bfloat16"}


def check_dtype(dtype: str) -> str:
    """The dtype itself.

    Raises:
        UsageError: it is none that xcheck knows.
    """
    if not isinstance(dtype, str) or dtype not in UNIT:
        raise UsageError(f"unknown dtype {shown(dtype)}; known: {', '.join(UNIT)}")
    return dtype
