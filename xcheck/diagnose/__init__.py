"""The judge with its diagnosis: compares a result with the certified reference, and says in words what is wrong."""

from xcheck.diagnose._front import check, judge

__all__ = ["check", "judge"]
