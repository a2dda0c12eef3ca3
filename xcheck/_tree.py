"""Trees of arrays: a bare array, or a dict of path to array such as "td_err_1/actions"."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

Leaves = dict[str, Any]


def leaves(tree: Any, path: str = "") -> Leaves:
    """Path to leaf; nested dicts and tuples are joined with "/", and a bare leaf has the path "".

    >>> leaves({"a": {"b": 1}, "c": (2, 3)})
    {'a/b': 1, 'c/0': 2, 'c/1': 3}
    >>> leaves(5)
    {'': 5}
    """
    if isinstance(tree, (tuple, list)):
        tree = {str(k): leaf for k, leaf in enumerate(tree)}
    if not isinstance(tree, Mapping):
        return {path: tree}
    found: Leaves = {}
    for key, child in tree.items():
        found |= leaves(child, f"{path}/{key}" if path else str(key))
    return found


def tree(found: Leaves) -> Any:
    """The inverse of `leaves`, flat: a bare leaf, or the dict itself.

    >>> tree({"": 5}), tree({"a/b": 1})
    (5, {'a/b': 1})
    """
    return found[""] if set(found) == {""} else dict(found)
