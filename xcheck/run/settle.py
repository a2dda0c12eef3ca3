"""settle: an outcome in the light of the declared limitations, which are strict."""

from __future__ import annotations

import shlex
from collections.abc import Iterable

from xcheck.result import Limitation, Outcome, Result
from xcheck.run.settings import Settings

#: Nothing was compared, so a limitation can neither be confirmed nor be stale.
_UNDECIDED = {Outcome.UNSUPPORTED, Outcome.NO_REFERENCE}


def settle(result: Result, limitations: Iterable[Limitation]) -> Result:
    """`known_limitation` where the outcome is the declared one, `stale_limitation` where it is another.

    >>> one = Result(id="a/b/c/float64/cpu", case="a", quantity="b", implementation="c", framework="torch",
    ...              dtype="float64", device="cpu", outcome=Outcome.AGREES)
    >>> print(settle(one, [Limitation("no rule", "https://example.org", outcome="raised")]).outcome)
    stale_limitation
    """
    covering = [
        limitation
        for limitation in limitations
        if limitation.covers(result.case, result.quantity, result.dtype, result.device)
    ]
    if not covering or (result.outcome in _UNDECIDED and all(result.outcome != one.outcome for one in covering)):
        return result
    came = f"{result.outcome}{f': {result.reason}' if result.reason else ''}"
    for limitation in covering:
        if limitation.outcome == result.outcome:
            result.outcome = Outcome.KNOWN_LIMITATION
            result.limitation = limitation
            result.reason = f"{limitation.reason} ({limitation.link}); {came}"
            return result
    result.outcome = Outcome.STALE_LIMITATION
    result.reason = (
        f"declared to be {covering[0].outcome} ({covering[0].reason}), but came {came}; mend the declaration"
    )
    return result


def explain_arguments(id_: str, settings: Settings) -> str:
    """What `xcheck explain` needs to run this cell alone, as a shell takes it.

    >>> explain_arguments("a/b/c/float64/cpu", Settings(adapter="mylib.adapter"))
    'a/b/c/float64/cpu --adapter mylib.adapter'
    """
    options = {"--adapter": settings.adapter, "--cases": settings.folder}
    return shlex.join([id_, *(word for option, value in options.items() if value for word in (option, value))])
