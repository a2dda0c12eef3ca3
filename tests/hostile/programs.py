"""Random programs as text: what users write, and what they should not."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

#: One statement each; a and b are variables that are there, c is a literal. What a program may not do is here, too.
STATEMENTS = tuple(
    statement
    for line in """
# functions and operators
xp.tanh({a}) ; xp.exp({a}) ; xp.sin({a}) * {b} ; xp.cos({a}) + {c} ; xp.log(xp.abs({a}) + 1.0)
xp.sqrt({a} * {a} + 1.0)
{a} + {b} ; {a} - {b} ; {a} * {b} ; {a} / ({b} * {b} + 1.0) ; {a} * {c} ; {c} * {a} ; {c} - {a}
{c} / ({a} * {a} + 2.0)
{a} ** 2 ; {a} ** 3 ; ({a} * {a} + 1.0) ** -1 ; ({a} * {a} + 1.0) ** 0.5 ; 2.0 ** {a} ; ({a} * {a} + 1.0) ** {b}
{a} ** 0
-{a} ; +{a} ; abs({a}) ; {a} // 2.0 ; {a} % 2.0 ; divmod({a}, 2.0)[0] ; round({a}) ; {a} @ {b} ; xp.expm1({a})
xp.nn.sigmoid({a}) ; xp.nn.softmax({a}) ; xp.nn.relu({a}) ; xp.nn.logsumexp({a}) + 0 * {b} ; xp.log1p({a} * {a})
# reductions and shapes
xp.sum({a}) + {b} ; xp.sum({a}, axis=-1, keepdims=True) * {b} ; xp.mean({a}, axis=-1, keepdims=True) + {b}
xp.max({a}, axis=-1, keepdims=True) + {b} ; xp.min({a}) * {b} ; xp.prod({a}, axis=-1, keepdims=True) * {b}
xp.var({a}, axis=-1, keepdims=True) + {b} ; xp.reshape({a}, (-1,)) ; xp.reshape({a}, (7, 3))
xp.sum({a}, axis=9)
{a}[::-1] ; {a}[:, ::-1] ; {a}[0] ; {a}[..., 0] ; {a}[..., None] * 1.0 ; {a}[:0] ; xp.sum({a}[:0]) + {b}
{a}[99]
{a}[np.array([0, 0])] ; {a}[:, np.array([1, 0])] ; {a}[{a} > 0.0] ; xp.concat([{a}, {b}], axis=0)[:3]
xp.stack([{a}, {b}])[0]
xp.matmul({a}, xp.permute_dims({b}, (1, 0))) ; {a}.T ; xp.expand_dims({a}, axis=0)[0] ; xp.flip({a}, axis=0)
# branches of programs
xp.where({a} > 0.0, {a}, {b}) ; xp.where({a} >= {b}, {a}, {b}) ; xp.where({a} == 0.0, {a}, {b})
xp.where({a} != 0.0, {a}, {b})
xp.where({a} < {b}, {c}, {b}) ; xp.where(~({a} > 0.0), {a}, {b}) ; xp.where(({a} > 0.0) & ({b} > 0.0), {a}, {b})
xp.where({a} > 0.0, xp.sqrt({a}), 0.0) ; xp.where({a} > 0.0, xp.log({a}), {b}) ; xp.maximum({a}, {b})
xp.minimum({a}, {c})
xp.clip({a}, -1.0, 1.0) ; xp.abs({a}) ; xp.abs({a}) * {a} ; xp.nn.relu({a}) ** 2 ; xp.sign({a}) * {b}
({a} > 0.0) * {b}
# branches of Python
{a} if xp.sum({a}) > 0 else {b} ; {a} if not (xp.sum({a}) > 0) else {b} ; {a} if 0 < xp.sum({a}) < 1 else {b}
{a} if xp.sum({a}) == 0.0 else {b} ; {a} if xp.sum({a}) != 0.0 else {b}
{a} if xp.sum({a}) > 0 and xp.sum({b}) > 0 else {b}
{a} if xp.sum({a}) > 0 or xp.sum({b}) > 0 else -{b} ; max(xp.sum({a}), xp.sum({b})) * {a}
min(xp.sum({a}), 1.0) + {a}
{a} and {b} ; {a} or {b} ; not {a} ; {a} if {a} is {b} else {a} + {b} ; {a} if {a} == {b} else {b}
{a} if {a} in [{b}] else {b}
sorted([xp.sum({a}), xp.sum({b})])[0] + {a} ; any([xp.sum({a}) > 0, False]) * {a}
{a} if bool(xp.sum({a})) else {b}
# other protocols
len({a}) * {a} ; sum([{a}, {b}]) ; sum(row for row in {a}) ; float(xp.sum({a})) * {b} ; int(xp.sum({a})) * {b}
np.exp({a})
np.add({a}, 1.0) ; np.asarray({a}) * 2.0 ; float(f'{{xp.sum({a})}}') * {b} ; {a}.sum() ; {a}.item()
list({a})[0]
{{{a}: 1}} and {a} ; {a}.real ; {a}.astype('float32') ; complex(xp.sum({a})) ; {a} * (1 + 2j) ; {a} + None
{a} * '3'
{a} * True ; {a} + 10**20 ; {a} * np.float32(0.1) ; {a} * np.int32(2) ; {a} + float('nan') ; {a} * float('inf')
xp.undefined({a})
np.ones(2) * {a} ; np.array([1, 2]) * {a} ; xp.asarray([1.0, 2.0]) * {a} ; xp.asarray(None) ; {a}.__iadd__({b})
hash({a}) * {b}
""".splitlines()
    for statement in line.split(" ; ")
    if line and not line.startswith("#")
)
LITERALS = ("2.0", "0.5", "3", "-1.0", "0.1", "1e-3", "0.0", "1", "2**70", "1e300", "1e-300")
RETURNS = (
    *["{a}"] * 14, "{{'y': {a}, 'z': {b}}}", "({a}, {b})", "({{'y': {a}}}, {{'aux': {b}}})", "None", "3", "[{a}]",
    "'y'", "{{1: {a}}}", "({a}, {b}, {a})", "{{}}", "{{'y': None}}",
)  # fmt: skip
SHAPES = ((2, 2), (2, 2), (2, 2), (3, 2), (1, 1), (2,), (), (0, 2), (2, 0), (1, 2, 2))
POINTS: tuple[Callable[[Any, tuple[int, ...]], np.ndarray], ...] = (
    lambda random, shape: random.standard_normal(shape),
    lambda random, shape: random.standard_normal(shape),
    lambda random, shape: random.integers(-2, 3, shape) / 2,  # ties and kinks
    lambda random, shape: random.standard_normal(shape) * 2.0 ** random.integers(-300, 300),
    lambda random, shape: random.standard_normal(shape) * 2.0 ** random.integers(-40, 12, shape),
    lambda random, shape: np.zeros(shape),
    lambda random, shape: np.ones(shape),
    lambda random, shape: random.integers(0, 3, shape),  # integers
)


@dataclass(frozen=True)
class Text:
    """A program, the shapes of its arrays and their numbers."""

    source: str
    params: dict[str, np.ndarray]
    inputs: dict[str, np.ndarray]

    @property
    def program(self) -> Any:
        space: dict[str, Any] = {"np": np}
        exec(self.source, space)
        return space["program"]


def draw(seed: int) -> Text:
    """The program of a seed."""
    random = np.random.default_rng(seed)

    def pick(options: Any) -> Any:
        return options[int(random.integers(len(options)))]

    shape = pick(SHAPES)
    arrays = {name: pick(POINTS)(random, shape) for name in ("w", "x", "z")}
    lines, names = (
        ["def program(xp, params, inputs):", "    w, x, z = params['w'], inputs['x'], inputs['z']"],
        ["w", "x", "z"],
    )
    for k in range(int(random.integers(1, 5))):
        statement = pick(STATEMENTS).format(a=pick(names[-3:]), b=pick(names), c=pick(LITERALS))
        lines.append(f"    v{k} = {statement}")
        names.append(f"v{k}")
    lines.append(f"    return {pick(RETURNS).format(a=names[-1], b=pick(names))}")
    return Text("\n".join(lines), {"w": arrays["w"]}, {"x": arrays["x"], "z": arrays["z"]})
