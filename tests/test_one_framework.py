"""With one framework alone everything of that one works; the other is unsupported, and the extra is named."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from importlib.util import find_spec

import pytest

BAR = "import sys\nsys.modules[{absent!r}] = None\n"


@pytest.mark.parametrize(("there", "absent"), [("torch", "jax"), ("jax", "torch")])
def test_a_framework_that_is_absent_is_unsupported(tmp_path, there, absent):
    if find_spec(there) is None:
        pytest.skip(f"{there} is not installed")
    (tmp_path / "sitecustomize.py").write_text(BAR.format(absent=absent))
    path = os.pathsep.join(filter(None, [str(tmp_path), *sys.path]))
    arguments = ["--case", "linear_gaussian_3_2", "--quantity", "gradient,hvp", "--dtype", "float64", "-j", "1"]
    done = subprocess.run(
        [sys.executable, "-m", "xcheck", "verify", *arguments, "--json", str(tmp_path / "found.json")],
        env={**os.environ, "PYTHONPATH": path}, cwd=tmp_path, capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    found = json.loads((tmp_path / "found.json").read_text())["results"]
    assert {one["outcome"] for one in found if one["framework"] == there} == {"agrees"}
    others = [one for one in found if one["framework"] == absent]
    assert {one["outcome"] for one in others} == {"unsupported"}
    assert {one["reason"] for one in others} == {f"{absent} is not installed: pip install 'xcheck[{absent}]'"}


@pytest.mark.parametrize("absent", ["torch", "jax"])
def test_each_lazy_part_of_it_names_the_extra(absent):
    code = BAR.format(absent=absent) + (
        "from xcheck import problem\n"
        "from xcheck._errors import MissingFramework\n"
        "try: problem('linear_gaussian_3_2', 'gradient', sys.argv[1])\n"
        "except MissingFramework as error: print(error)\n"
        "from xcheck._problem import adapter\n"
        "for one in ('xp', 'transforms'):\n"
        "    try: getattr(adapter(sys.argv[1]), one).sin\n"
        "    except MissingFramework as error: print(error)\n"
    )
    path = os.pathsep.join(filter(None, sys.path))
    done = subprocess.run(
        [sys.executable, "-c", code, absent], env={**os.environ, "PYTHONPATH": path}, capture_output=True, text=True,
        timeout=120, check=True,
    )  # fmt: skip
    said = done.stdout.splitlines()
    assert len(said) == 3
    assert all(f"pip install 'xcheck[{absent}]'" in line for line in said)
