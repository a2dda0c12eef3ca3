"""The judge with its diagnosis: compares a result with the certified reference, and says in words what is wrong."""

from xcheck.diagnose._front import agreed, check, judge

__all__ = ["agreed", "check", "judge"]
