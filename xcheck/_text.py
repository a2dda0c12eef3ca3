"""Foreign text made printable: names, paths, reasons and messages that somebody else wrote."""

from __future__ import annotations

#: Characters of a text that are kept; a message that is longer says nothing more.
LIMIT = 4000


def printable(text: object, limit: int = LIMIT) -> str:
    r"""`str(text)` as every terminal, file and JSON can hold it: at most `limit` characters, lines kept.

    Control characters (terminal escapes, carriage returns), characters that turn the direction of writing, and lone
    surrogates are written as Python writes them in a literal. What is printable already comes back as it is.

    >>> printable("red: \x1b[31m, lone: \ud800, \u00e9\nnext line")
    'red: \\x1b[31m, lone: \\ud800, é\nnext line'
    >>> printable("x" * 10**7, limit=40)
    'xxxxxx... (9999994 characters left out)'
    """
    said = _said(text)
    shown = _escaped(said[: limit + 1])
    if len(shown) <= limit:
        return shown
    room, kept = limit - len(_left_out(len(said))), 0
    for c in said[:limit]:
        room -= len(_escaped(c))
        if room < 0:
            break
        kept += 1
    return (_escaped(said[:kept]) + _left_out(len(said) - kept))[:limit]


def one_line(text: object, limit: int = LIMIT) -> str:
    r"""`printable`, with every run of white space as one blank.

    >>> one_line("no\n  newlines\r\n")
    'no newlines'
    """
    return printable(" ".join(_said(text)[: 10 * limit].split()), limit)


def shown(thing: object, limit: int = 80) -> str:
    """The repr of anything, on one line.

    >>> shown([1, "two"])
    "[1, 'two']"
    """
    try:
        return one_line(repr(thing), limit)
    except Exception as error:  # a foreign __repr__ may raise anything
        return f"a {type(thing).__name__} whose repr raised {type(error).__name__}"


def _said(text: object) -> str:
    try:
        return str.__str__(text) if isinstance(text, str) else str(text)
    except Exception as error:  # a foreign __str__ may raise anything
        return f"<{type(text).__name__} whose text raised {type(error).__name__}>"


def _left_out(count: int) -> str:
    return f"... ({count} characters left out)"


def _escaped(text: str) -> str:
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() or c == "\n" else c.encode("unicode_escape").decode() for c in text)
