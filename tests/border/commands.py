"""Random command lines: every command of the application, its own parameters, right and hostile values."""

from __future__ import annotations

import random
from collections.abc import Iterator

import typer.main
from border.hostile import FILES, WORDS

from xcheck.cli import app

#: Values that pass the first look, so that the lines reach what lies behind it.
RIGHT = {
    "case": ("linear_gaussian", "tanh_*"), "quantity": ("gradient", "hvp,ggn"), "implementation": ("torch_*",),
    "dtype": ("float64", "float32"), "device": ("cpu",), "tier": ("smoke", "full"), "timeout": ("5",),
    "memory": ("512",), "jobs": ("1",), "json": ("out.json", "reports/out.json"), "output": ("one.json", "one.npz"),
    "cases": ("good_case.py",), "adapter": ("xcheck.libraries.layerwise",), "args": ("numbers.npz",), "wrt": ("0",),
    "torch_fn": ("math:sin",), "jax_fn": ("math:cos",), "what": ("cases", "coverage"), "kind": ("adapter",),
    "name": ("fresh",), "id": ("linear_gaussian/gradient/torch_grad/float64/cpu",), "file": ("good.json",),
    "folder": ("answers", "convention", "export"), "threads": ("1", "1,2"), "tables": ("quick",), "budget": ("1",),
    "processes": ("1",), "threshold": ("1.25",), "compare": ("good.json",), "read": ("good.json",), "html": ("b.html",),
    "svg": ("pictures",), "docs": ("page.md",), "library": ("backpack",), "page": ("page.md",), "framework": ("torch",),
}  # fmt: skip


def command_lines(count: int, seed: int) -> Iterator[list[str]]:
    """Lines of a command and its parameters, with a fixed seed; one value in seven is hostile."""
    draw = random.Random(seed)
    commands = typer.main.get_command(app).commands  # type: ignore[attr-defined]
    for _ in range(count):
        name = draw.choice(list(commands))
        line = [name]
        for parameter in commands[name].params:
            if parameter.name == "help":
                continue
            option = parameter.param_type_name == "option"
            if (option and draw.random() < 0.6) or (not option and draw.random() < 0.05):
                continue
            line += [draw.choice(parameter.opts)] if option else []
            if not getattr(parameter, "is_flag", False):
                line.append(_value(draw, parameter.name))
        yield line + [draw.choice(WORDS)] * (draw.random() < 0.05)


def _value(draw: random.Random, name: str) -> str:
    if draw.random() < 0.85:
        return draw.choice(RIGHT[name])
    return draw.choice(WORDS + FILES)
