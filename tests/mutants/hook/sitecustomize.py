"""On the path of every process of a trial: one file of xcheck is read as its changed copy, or its lines are counted.

XCHECK_MUTANT is "file:changed copy"; XCHECK_REACHED is a settings file of coverage. Processes that a test starts
inherit both.
"""

import os
from importlib.machinery import SourceFileLoader


def change(path: str, source: str) -> None:
    """From now on an import of the file at `path` runs `source`, while all who read the file see what it was."""
    unchanged = SourceFileLoader.get_code

    def get_code(loader, fullname):
        if loader.path == path:
            return compile(source, path, "exec", dont_inherit=True)
        return unchanged(loader, fullname)

    SourceFileLoader.get_code = get_code


def count(settings: str) -> None:
    """Counts lines for the test that started this process, until it ends."""
    import atexit

    from coverage import Coverage

    found = Coverage(config_file=settings, context=test_of(os.environ.get("PYTEST_CURRENT_TEST", "")), data_suffix=True)
    found.start()

    def save() -> None:
        found.stop()
        found.save()

    atexit.register(save)


def test_of(current: str) -> str:
    """What pytest says runs, "id (phase)", as a context: "phase id"."""
    name, _, phase = current.rpartition(" (")
    return f"{phase.rstrip(')')} {name}" if name else ""


if "XCHECK_MUTANT" in os.environ:
    _path, _, _copy = os.environ["XCHECK_MUTANT"].partition(":")
    with open(_copy, encoding="utf-8") as _file:
        change(_path, _file.read())
if "XCHECK_REACHED" in os.environ:
    count(os.environ["XCHECK_REACHED"])
