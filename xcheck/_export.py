"""A reference as a file for other languages: npz, or JSON."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from xcheck._errors import StoreError, UsageError
from xcheck._files import refuse_special
from xcheck._reference import Reference

SCHEMA = "xcheck.reference/1"
PARTS = ("value", "low", "radius", "scale")


def export(reference: Reference, path: Path) -> None:
    """Writes one reference; `value + low` is within `radius` of the truth, `scale` is S of its dtype.

    In npz the arrays are called `value`, `low`, `radius`, `scale`, with `/path` behind where it is a tree. JSON
    holds the same as nested lists under `leaves`; its numbers read back to the same float64.

    Raises:
        UsageError: the file's name ends in neither .npz nor .json.
        StoreError: the file cannot be written.
    """
    about: dict[str, Any] = {
        "schema": SCHEMA, "case": reference.case, "quantity": reference.quantity, "dtype": reference.dtype,
        "status": reference.status, "margin": str(reference.margin),
    }  # fmt: skip
    arrays = {leaf: {part: getattr(found, part) for part in PARTS} for leaf, found in reference.leaves.items()}
    try:
        if path.suffix == ".npz":
            named = {
                "/".join(filter(None, (part, leaf))): a for leaf, parts in arrays.items() for part, a in parts.items()
            }
            refuse_special(path)
            with path.open("wb") as file:
                np.savez_compressed(file, allow_pickle=False, about=np.array(json.dumps(about)), **named)
        elif path.suffix == ".json":
            leaves = {leaf: {part: a.tolist() for part, a in parts.items()} for leaf, parts in arrays.items()}
            refuse_special(path)
            path.write_text(json.dumps({**about, "leaves": leaves}))
        else:
            raise UsageError(f"cannot export to {path.name!r}: expected a name that ends in .npz or .json")
    except OSError as error:
        raise StoreError(f"cannot write {path}: {error.strerror or error}") from None
