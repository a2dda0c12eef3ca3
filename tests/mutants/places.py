"""Where a source can be changed and how: the operators of cosmic-ray, and a sample that stays while code moves.

A change is known by its content (room, function, line, operator), never by its number in a file: the sample is what
has the least hash, so that another line changes nothing but itself.
"""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

from cosmic_ray.ast import ast_nodes, get_ast
from cosmic_ray.mutating import mutate_code
from cosmic_ray.operators.provider import OperatorProvider

from mutants.rooms import ROOMS, ROOT

#: One likely slip for each thing that can be written: `<<` for `+` would be caught by Python, and flatter the tests.
SLIPS = {
    **{f"ReplaceBinaryOperator_{slip}": "arithmetic" for slip in (
        "Add_Sub", "Sub_Add", "Mul_Div", "Div_Mul", "FloorDiv_Div", "Mod_FloorDiv", "Pow_Mul", "BitOr_BitAnd",
        "BitAnd_BitOr", "BitXor_BitAnd", "RShift_LShift", "LShift_RShift")},
    **{f"ReplaceComparisonOperator_{slip}": "comparison" for slip in (
        "Eq_NotEq", "NotEq_Eq", "Lt_LtE", "LtE_Lt", "Gt_GtE", "GtE_Gt", "Lt_Gt", "Gt_Lt", "LtE_GtE", "GtE_LtE",
        "Is_IsNot", "IsNot_Is")},
    **dict.fromkeys(("ReplaceUnaryOperator_USub_UAdd", "ReplaceUnaryOperator_Delete_USub"), "sign"),
    **dict.fromkeys(("AddNot", "ReplaceUnaryOperator_Delete_Not", "ReplaceAndWithOr", "ReplaceOrWithAnd"), "condition"),
    **dict.fromkeys(("ReplaceTrueWithFalse", "ReplaceFalseWithTrue", "NumberReplacer"), "constant"),
    **dict.fromkeys(("ReplaceBreakWithContinue", "ReplaceContinueWithBreak", "ZeroIterationForLoop",
                     "ExceptionReplacer", "RemoveDecorator"), "flow"),
}  # fmt: skip
#: What a decorator or an argument says to the reader only: no call of ours behaves differently without it.
SAID_ONLY = ("strict=True", "frozen=True", "kw_only=True", "eq=False", "slots=True", "check=False")
KEEPS_ONLY = ("@cache", "@lru_cache", "@overload", "@override")


@dataclass(frozen=True)
class Mutant:
    """One change: `occurrence` is the operator's own count in this source."""

    room: str
    path: Path
    operator: str
    occurrence: int
    line: int
    #: First and last line of the statement.
    span: tuple[int, int]
    #: Whether the statement runs when the file is imported, outside every function.
    at_import: bool
    key: str

    @property
    def source(self) -> str | None:
        """The changed file, or None where Python does not take it, or reads the same in it."""
        before = self.path.read_text()
        after = mutate_code(before, OPERATORS[self.operator](), self.occurrence)
        try:
            return None if after is None or ast.dump(ast.parse(after)) == ast.dump(ast.parse(before)) else after
        except SyntaxError:
            return None


OPERATORS = OperatorProvider()


def digest(*words: object) -> str:
    return sha256("\0".join(map(str, words)).encode()).hexdigest()


def mutants(room: str, path: Path) -> Iterator[tuple[str, Mutant]]:
    """All changes of a file, each with the key of its place."""
    source = path.read_text()
    lines, tree = source.splitlines(), get_ast(source)
    nodes = [(node, said_only(node)) for node in ast_nodes(tree)]
    met: Counter[tuple[Any, ...]] = Counter()
    for name in SLIPS:
        operator, occurrence = OPERATORS[name](), -1
        for node, skipped in nodes:
            for (line, column), _ in operator.mutation_positions(node):
                occurrence += 1
                if skipped:
                    continue
                text, scope = lines[line - 1].strip(), qualified(node)
                met[scope, text, name] += 1
                place = digest(room, scope, text, lines[line - 1][column:].strip())
                key = digest(room, scope, text, met[scope, text, name], name)
                yield place, Mutant(room, path, name, occurrence, line, span(node), at_import(node), key)


def sample(room: str, size: int, seed: int) -> list[Mutant]:
    """So many changes of a room, at most one at a place: those of the least hash."""
    places: dict[str, list[Mutant]] = {}
    for path in ROOMS[room].files:
        for place, mutant in mutants(room, path):
            places.setdefault(place, []).append(mutant)
    chosen: list[Mutant] = []
    for place in sorted(places, key=lambda place: digest(seed, place)):
        first = min(places[place], key=lambda mutant: digest(seed, mutant.key))
        if len(chosen) < size and first.source is not None:
            chosen.append(first)
    return chosen


def qualified(node: Any) -> str:
    """The functions and classes around a node, outermost first."""
    names = []
    while node := node.parent:
        if node.type in ("funcdef", "classdef"):
            names.append(node.name.value)
    return ".".join(reversed(names))


def at_import(node: Any) -> bool:
    """Whether no function's body holds a node; its defaults and decorators run at import."""
    while (parent := node.parent) is not None:
        if parent.type == "funcdef" and node is parent.children[-1]:
            return False
        node = parent
    return True


def span(node: Any) -> tuple[int, int]:
    """The lines of the statement around a node; of a compound one, of its head."""
    while node.parent is not None and node.parent.type not in ("file_input", "suite"):
        node = node.parent
    body = next((child for child in getattr(node, "children", ()) if child.type == "suite"), None)
    return node.start_pos[0], (body or node.get_last_leaf()).start_pos[0]


def said_only(node: Any) -> bool:
    """Whether a node changes nothing at run time: annotations, imports for them, and what is said to readers."""
    if node.type == "decorator" and node.get_code().strip().startswith(KEEPS_ONLY):
        return True
    if node.type == "operator" and node.parent.type in ("parameters", "param"):
        return True  # the `*` and `/` of a signature, which an operator of arithmetic takes for its own
    while (parent := node.parent) is not None:
        if parent.type == "annassign" and node is parent.children[1]:
            return True
        if parent.type == "tfpdef" and node is parent.children[-1]:
            return True
        if parent.type == "funcdef" and node is parent.annotation:
            return True
        if parent.type == "if_stmt" and parent.children[1].get_code().strip() == "TYPE_CHECKING":
            return True
        if parent.type == "argument" and parent.get_code().strip() in SAID_ONLY:
            return True
        if parent.type == "decorator" and parent.get_code().strip().startswith(KEEPS_ONLY):
            return True
        node = parent
    return False


def shown(path: Path) -> str:
    return str(path.relative_to(ROOT))
