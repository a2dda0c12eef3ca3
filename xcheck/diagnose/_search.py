"""The search made safe: whatever it raises and however long it would take, the verdict stands."""

from __future__ import annotations

from dataclasses import replace
from time import thread_time

import numpy as np

from xcheck.diagnose._explain import explain
from xcheck.diagnose._hypothesis import Evidence, Overdue
from xcheck.diagnose._unexplained import unexplained
from xcheck.result import Explanation

#: Processor time of a search; most end within a tenth of a second, those that compute the result again in some seconds.
SECONDS = 30.0
#: So much of an error's own words is shown.
LONGEST = 200


def explained(evidence: Evidence) -> tuple[Explanation, ...]:
    """`explain`, but an Explanation of its own where the search fails or does not end in time."""
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        try:
            return in_time(evidence)
        except Exception as error:
            return failed(error)


def in_time(evidence: Evidence) -> tuple[Explanation, ...]:
    try:
        return explain(replace(evidence, deadline=thread_time() + SECONDS))
    except Overdue:
        return (unexplained(evidence, f"none found in {SECONDS:g} s, after which the search was ended"),)


def failed(error: Exception) -> tuple[Explanation, ...]:
    """What is said of a hypothesis that raised: a mistake of xcheck, and none of the result."""
    words = f"{type(error).__name__}: {error}".encode("ascii", "backslashreplace").decode().partition("\n")[0]
    text = f"no explanation: the search itself failed ({words[:LONGEST]})"
    return (Explanation("search_failed", type(error).__name__, text),)
