"""The sessions: `python -m nox -s verify | tests | one_framework | zoo | lint | types`. Each does all of its set-up."""

from __future__ import annotations

from pathlib import Path

import nox

nox.needs_version = ">=2025.2.9"
nox.options.default_venv_backend = "venv"
nox.options.reuse_existing_virtualenvs = True
nox.options.sessions = ["lint", "types", "tests", "verify"]

PROJECT = nox.project.load_toml("pyproject.toml")
# One thread: two frameworks that share two cores would otherwise wait for each other (an HVP took 176 ms for 1.5).
THREADS = dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1")


def install(session: nox.Session, *groups: str, extras: str = "all") -> None:
    """The named dependency groups, and the project, editable, with these extras; without any, not the project."""
    wanted = [name for group in groups for name in nox.project.dependency_groups(PROJECT, group)]
    session.install("-c", "constraints.txt", *wanted, *(["-e", f".[{extras}]"] if extras else []))


def install_libraries(session: nox.Session) -> None:
    """The other libraries; one that cannot be installed stands in every report as not run."""
    for wanted in PROJECT["project"]["optional-dependencies"]["libraries"]:
        session.run(
            "python", "-m", "pip", "install", "-c", "constraints.txt", wanted, success_codes=[0, 1], silent=True
        )
    # Some of them bring torchvision, which has no build for this torch and breaks imports of the others.
    session.run("python", "-m", "pip", "uninstall", "--yes", "torchvision", silent=True)


@nox.session
def verify(session: nox.Session) -> None:
    """Runs all cells of the standard tier and prints the table; options behind `--` go to `xcheck verify`."""
    install(session)
    session.run("python", "-m", "xcheck", "verify", *session.posargs, env=THREADS)


@nox.session
def tests(session: nox.Session) -> None:
    """Runs the tests; options behind `--` go to pytest."""
    install(session, "test", extras="all,bench,report")
    # Two processes of one thread each: the tests start processes of their own, and CI has two cores.
    session.run("python", "-m", "pytest", "-n", "2", "--dist", "worksteal", *session.posargs, env=THREADS)


@nox.session
@nox.parametrize("framework", ["torch", "jax"])
def one_framework(session: nox.Session, framework: str) -> None:
    """Installs the wheel with one framework alone, judges the smoke tier with it, and runs the tests of that."""
    folder = Path(session.create_tmp()).resolve()
    session.run("python", "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", str(folder), ".")
    (wheel,) = folder.glob("xcheck-*.whl")
    pytest = [one for one in nox.project.dependency_groups(PROJECT, "test") if one.startswith("pytest>")]
    session.install("-c", "constraints.txt", f"xcheck[{framework}] @ {wheel.as_uri()}", *pytest)
    test = Path("tests/test_one_framework.py").resolve()
    session.chdir(folder)  # away from the sources, so that the wheel is what is imported
    session.run("python", "-m", "xcheck", "verify", "--tier", "smoke", "--quiet", env=THREADS)
    session.run("python", "-m", "pytest", "--rootdir", str(folder), "-p", "no:cacheprovider", str(test), env=THREADS)


@nox.session
def border(session: nox.Session) -> None:
    """Hands 3,000 random command lines and 3,000 random calls to the border; each ends in a clear line, soon."""
    install(session, "test", extras="all,bench,report")
    session.run("python", "-m", "pytest", "tests/border", *session.posargs, env={**THREADS, "XCHECK_BORDER": "3000"})


@nox.session
def zoo(session: nox.Session) -> None:
    """Plants every defect of tests/zoo wherever it applies and writes the figures to reports/zoo.json; then `right`."""
    install(session, "test")
    session.run("python", "-m", "zoo", *session.posargs, env={**THREADS, "PYTHONPATH": "tests"})
    session.notify("right", [])


@nox.session
def right(session: nox.Session) -> None:
    """Adds to it how many of 10,000 right results are rejected; half an hour, and a run that was stopped goes on."""
    install(session, "test")
    session.run("python", "-m", "right", *session.posargs, env={**THREADS, "PYTHONPATH": "tests"})


@nox.session
def hostile(session: nox.Session) -> None:
    """Certifies 2,000 hostile cases, or refuses them, and holds what is certified against NumPy at 3,000 bits."""
    install(session, "test")
    session.run("python", "-m", "hostile", *session.posargs, env={**THREADS, "PYTHONPATH": "tests"})


@nox.session
def mutants(session: nox.Session) -> None:
    """Changes our own code in 300 places, one at a time, and counts what the tests notice; exit 1 below 90 %."""
    install(session, "test", "mutants", extras="all,bench,report")
    session.run("python", "-m", "mutants", *session.posargs, env={**THREADS, "PYTHONPATH": "tests"})


@nox.session
def lint(session: nox.Session) -> None:
    """Checks format and style; `nox -s lint -- --fix` mends what can be mended."""
    install(session, "lint", extras="")
    fix = "--fix" in session.posargs
    session.run("ruff", "format", *([] if fix else ["--check", "--diff"]), ".")
    session.run("ruff", "check", *(["--fix"] if fix else []), ".")


@nox.session
def types(session: nox.Session) -> None:
    """Checks types."""
    install(session, "types", "test", extras="all,bench,report")
    session.run("pyright", *session.posargs)


@nox.session
def libraries(session: nox.Session) -> None:
    """Judges the other libraries and writes reports/libraries.json and docs/libraries.md; then kfac-jax in its own."""
    install(session, "test")
    install_libraries(session)
    session.run("python", "-m", "pytest", "tests/libraries", env=THREADS)
    options = ("--tier", "full", "--page", "docs/libraries.md")
    session.run("python", "-m", "xcheck", "libraries", *options, *session.posargs, env=THREADS)
    session.notify("libraries_jax09", session.posargs)


@nox.session
def libraries_jax09(session: nox.Session) -> None:
    """Judges kfac-jax, which needs JAX 0.9 or older, and adds it to the scoreboard."""
    session.run(
        "python", "-m", "pip", "install", "-e", ".", "jax==0.9.0", "kfac-jax==0.0.8", success_codes=[0, 1], silent=True
    )
    options = ("--add", "--tier", "full", "--page", "docs/libraries.md")
    session.run("python", "-m", "xcheck", "libraries", "kfac_jax", *options, *session.posargs, env=THREADS)


@nox.session
def bench(session: nox.Session) -> None:
    """Measures and writes reports/bench.json and .html; options behind `--` go to `xcheck bench`.

    The quick profile and the self-check do without the other libraries. `-- --benchmark-...` and
    `-- tests/benchmarks/...` run the same through pytest-benchmark instead.
    """
    install(session, "test", extras="all,bench,report")
    if not {"--quick", "--selfcheck"} & set(session.posargs):
        install_libraries(session)
    if any(option.startswith(("--benchmark", "tests/")) for option in session.posargs):
        options = [] if "--benchmark-only" in session.posargs else ["--benchmark-only"]
        places = [] if any(option.startswith("tests/") for option in session.posargs) else ["tests/benchmarks"]
        session.run("python", "-m", "pytest", *options, *places, *session.posargs, env=THREADS)
    else:
        session.run("python", "-m", "xcheck", "bench", *session.posargs)
