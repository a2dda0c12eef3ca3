"""The exceptions of xcheck.

::

    XCheckError                 everything below; the command line prints it as one line
    ├── UsageError              the caller asked for what cannot be (exit code 2)
    │   ├── UnknownName         no such case, quantity, implementation ...; suggests the nearest
    │   ├── DuplicateName       the same name was declared twice
    │   ├── CaseError           a case or a case file is broken
    │   ├── MissingFramework    torch or jax is needed and not installed; names the extra
    │   ├── DeviceError         a device that this machine does not have
    │   └── StoreError          a damaged or unwritable store, journal or cache
    ├── Unsupported             an implementation does not apply here: an outcome, not a failure
    ├── Undecidable             a ball straddles a kink, a tie or a branch cut: nothing can be proven there
    ├── UnknownPrimitive        the exact arithmetic lacks an operation that a program uses
    ├── GuardFailed             a reference contradicts its own rule-free enclosure: a bug in xcheck
    └── NoReference             there is no certified reference to judge by; the reason is the message
    Mismatch                    an AssertionError: a result that does not agree with its reference
    Interrupted                 a KeyboardInterrupt: SIGINT or SIGTERM came while a command ran
"""

from __future__ import annotations


class XCheckError(Exception):
    """Base of all errors that xcheck raises on purpose."""


class UsageError(XCheckError):
    """The request itself is wrong."""


class UnknownName(UsageError, KeyError):
    """No such name; the message suggests the nearest."""

    def __str__(self) -> str:  # KeyError would print the repr of the message
        return str(self.args[0])


class DuplicateName(UsageError):
    """The same name was declared twice."""


class CaseError(UsageError):
    """A case, or the file that declares it, is broken."""


class MissingFramework(UsageError, ImportError):
    """A framework is needed and not installed."""


class DeviceError(UsageError):
    """A device that this machine does not have."""


class StoreError(UsageError):
    """A store, journal or cache is damaged or cannot be written."""


class Unsupported(XCheckError):
    """An implementation does not apply to this problem."""


class Undecidable(XCheckError):
    """A ball straddles a kink, a tie or a branch cut."""


class UnknownPrimitive(XCheckError, AttributeError):
    """The exact arithmetic lacks an operation that a program uses."""


class GuardFailed(XCheckError):
    """A reference contradicts its own rule-free enclosure."""


class NoReference(XCheckError):
    """There is no certified reference to judge by."""


class Mismatch(AssertionError):
    """A result does not agree with its reference; the message is the judge's."""


class Interrupted(KeyboardInterrupt):
    """SIGINT or SIGTERM came while a command ran; no foreign code can raise it by accident."""
