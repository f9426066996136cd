"""Text for a terminal: somebody's data made harmless, times, symbols, colour."""

from __future__ import annotations

import itertools
import os
import re
import shutil
import sys
import textwrap
from typing import TYPE_CHECKING, Any, TextIO

if TYPE_CHECKING:
    from collections.abc import Iterable

# Told apart by symbol and word; the colour only helps.
SYMBOLS = {
    "SUCCEEDED": ("✓", "32"),
    "FAILED": ("✗", "31"),
    "TIMED_OUT": ("◷", "31"),
    "CANCELLED": ("⊘", "33"),
    "STOPPED": ("■", "33"),
    "STARTED": ("▸", "36"),
    "RUNNING": ("▸", "36"),
    "PENDING": ("◌", "36"),
    "READY": ("○", "36"),
}


def plain(data: object, limit: int | None = None) -> str:
    """`data` as text on one line that can't steer a terminal, cut with an ellipsis at `limit` characters."""
    text = str(data)
    cut = limit is not None and len(text) > limit
    text = text[: limit - 1] if cut and limit else text
    text = "".join(one if one.isprintable() else one.encode("unicode_escape").decode() for one in text)
    return f"{text}…" if cut else text


def symbol(status: str) -> str:
    """One character for a status; ``?`` for one that is not known."""
    return SYMBOLS.get(status, ("?", ""))[0]


def word(status: str) -> str:
    """A status in words: ``timed out``."""
    return plain(status).replace("_", " ").lower()


_COMMAND = re.compile(r"^(next: )?\s*durable-debug ")
_LABEL = re.compile(r"\s*(\d+ \| |\S+(?: \S+)?\s{2,})?")

COLOURS = ("auto", "always", "never")
_colour = "auto"


def use_colour(when: str) -> None:
    """Say when output is coloured: one of `COLOURS`."""
    global _colour  # noqa: PLW0603 - of the process, as its output is
    _colour = when


def coloured(stream: TextIO | None = None) -> bool:
    """Whether a stream, standard output by default, is coloured.

    ``--color`` decides; else ``NO_COLOR`` (https://no-color.org), then ``FORCE_COLOR`` (https://force-color.org), then whether it is
    a terminal that can be.
    """
    if _colour != "auto":
        return _colour == "always"
    if os.environ.get("NO_COLOR"):
        return False
    if os.environ.get("FORCE_COLOR", "0") not in {"", "0", "false"}:
        return True
    return (stream or sys.stdout).isatty() and os.environ.get("TERM") != "dumb"


def paint(text: str, code: str, stream: TextIO | None = None) -> str:
    """`text` in an SGR colour, where output is coloured."""
    return f"\x1b[{code}m{text}\x1b[0m" if code and coloured(stream) else text


def warn(text: object, limit: int | None = None) -> None:
    """Tell what should be known, beside the output."""
    first, *more = fitted(f"warning: {plain(text, limit)}", "  ", sys.stderr)
    print(f"{paint('warning', '33', sys.stderr)}{first[7:]}", *more, sep="\n", file=sys.stderr)


def complain(text: object) -> None:
    """Tell what went wrong, beside the output."""
    print(*fitted(f"durable-debug: {plain(text)}", "  ", sys.stderr), sep="\n", file=sys.stderr)


def show_report(text: str) -> None:
    """Print a report that other rooms made: harmless, and on a terminal in lines that fit; a patch at its end stays one."""
    is_patch = False
    for line in text.split("\n"):
        is_patch = is_patch or line.startswith("--- a/")
        for piece in [plain(line)] if is_patch else fitted(plain(line)):
            print(piece)


def room(stream: TextIO | None = None) -> int | None:
    """Columns of the terminal that a stream, standard output by default, goes to; None where something else reads it."""
    return shutil.get_terminal_size().columns if (stream or sys.stdout).isatty() else None


def fitted(line: str, inner: str | None = None, stream: TextIO | None = None) -> list[str]:
    """Wrap a line for a terminal, below what it says behind its label; commands stay as they are, to be copied.

    Parameters
    ----------
    line
        Without colours.
    inner
        What further lines begin with; by default blanks.
    stream
        Where it goes; standard output by default.
    """
    width = room(stream)
    if width is None or len(line) <= width or _COMMAND.search(line):
        return [line]
    label = _LABEL.match(line)
    assert label is not None
    if " " not in line[label.end() :]:  # an ARN, a path: to be copied, too
        return [line]
    if inner is None:
        fits = label[1] and label.end() <= width // 3
        inner = " " * (label.end() if fits else len(line) - len(line.lstrip()) + 2)
    return textwrap.wrap(line, width, subsequent_indent=inner, break_long_words=False, break_on_hyphens=False)


def paint_status(text: str, status: str) -> str:
    """`text` in a status's colour."""
    return paint(text, SYMBOLS.get(status, ("?", ""))[1])


def ranges(numbers: Iterable[int]) -> str:
    """Event ids as ``2–3, 7``; the middle of many left out."""
    parts = []
    for _, group in itertools.groupby(enumerate(sorted(numbers)), lambda pair: pair[1] - pair[0]):
        run = [number for _, number in group]
        parts.append(f"{run[0]}–{run[-1]}" if len(run) > 1 else f"{run[0]}")
    if len(parts) > 6:
        parts = [*parts[:4], "…", parts[-1]]
    return ", ".join(parts)


def error_line(error: dict[str, Any] | None) -> str:
    """An error object's type and message."""
    if not error:
        return ""
    return (
        ": ".join(filter(None, (str(error.get("ErrorType") or ""), str(error.get("ErrorMessage") or ""))))
        or "error"
    )
