"""Colours, marks and words shared by every view, so that one thing looks the same wherever it is shown.

Colour tells what time was spent on; status is told by a mark and a word as well. The colours are those of Okabe and
Ito's palette (https://jfly.uni-koeln.de/color/), which people with any common colour blindness can tell apart. What
is not a colour of ours (background, text, lines) follows matplotlib's rcParams, so light and dark styles both work.
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = [
    "ACTIVITIES",
    "MARKS",
    "Activity",
    "Theme",
    "activity_of",
    "duration",
    "fonts",
    "kind_word",
    "mark",
    "one_line",
    "text_width",
]


class Activity(NamedTuple):
    """What an operation's time was spent on: its colour, its texture (a matplotlib hatch), and its word."""

    color: str
    hatch: str
    word: str


ACTIVITIES = {
    "work": Activity("#0072B2", "", "attempt of a step"),
    "backoff": Activity("#E69F00", "////", "retry backoff"),
    "wait": Activity("#8A8F98", "....", "wait (timer, or between polls)"),
    "callback": Activity("#CC79A7", "\\\\\\\\", "waiting for a callback"),
    "invoke": Activity("#009E73", "xxx", "waiting for an invoked function"),
    "context": Activity("#7F7F7F", "", "child context"),
    "unknown": Activity("#7F7F7F", "++", "not known to this version"),
}
"""Activities by name; the order is that of legends."""

_OF_TYPE = {
    "STEP": "work",
    "WAIT": "wait",
    "CALLBACK": "callback",
    "CHAINED_INVOKE": "invoke",
    "CONTEXT": "context",
}

FAILURE = "#D55E00"  # Okabe and Ito's vermillion: kept for what went wrong

MARKS = {
    "SUCCEEDED": "✓",
    "FAILED": "✗",
    "TIMED_OUT": "⊘",
    "CANCELLED": "■",
    "STOPPED": "■",
    "STARTED": "▶",
    "RUNNING": "▶",
    "PENDING": "↻",
    "READY": "↻",
    "PAUSED": "∥",
}
"""Marks of statuses. Each is in DejaVu Sans, the font that matplotlib brings along: see `fonts`."""

_MARK_FONT = "DejaVu Sans"
_WENT_WRONG = frozenset({"FAILED", "TIMED_OUT", "CANCELLED", "STOPPED"})

_KIND_WORDS = {
    "WaitForCondition": "wait for condition",
    "WaitForCallback": "wait for callback",
    "ChainedInvoke": "invoke",
    "RunInChildContext": "child context",
    "MapIteration": "map item",
    "ParallelBranch": "branch",
}


def activity_of(operation_type: str) -> str:
    """Name of the activity whose colour an operation of this type has.

    >>> activity_of("STEP"), activity_of("SOMETHING_NEW")
    ('work', 'unknown')
    """
    return _OF_TYPE.get(operation_type, "unknown")


def kind_word(operation_type: str, sub_type: str | None) -> str:
    """What kind of operation it is, in words.

    >>> kind_word("CONTEXT", "Map"), kind_word("STEP", "WaitForCondition"), kind_word("CHAINED_INVOKE", None)
    ('map', 'wait for condition', 'chained invoke')
    """
    if sub_type:
        return _KIND_WORDS.get(sub_type, one_line(sub_type, 24).lower())
    return one_line(operation_type, 24).replace("_", " ").lower()


def mark(status: str) -> str:
    """Mark of a status; a question mark for one that is not known.

    >>> mark("SUCCEEDED"), mark("SOMETHING_NEW")
    ('✓', '?')
    """
    return MARKS.get(status, "?")


def fonts() -> list[str]:
    """Families for text with marks in it: the user's own, and for what these lack one that has all marks."""
    import matplotlib as mpl

    return [*mpl.rcParams["font.family"], _MARK_FONT]


def went_wrong(status: str) -> bool:
    """Whether a status is one to look at."""
    return status in _WENT_WRONG


def one_line(text: str, longest: int = 32) -> str:
    r"""Somebody's text as one short line: no control characters, no line breaks, no change of direction.

    >>> one_line("a\nb" + "c" * 40, 8)
    'a bcccc…'
    """
    if not text.isascii() or not text.isprintable():
        text = "".join(" " if unicodedata.category(each)[0] in "CZ" else each for each in text[: 8 * longest])
    text = " ".join(text[: 8 * longest].split())
    return text if len(text) <= longest else text[: longest - 1] + "…"


def duration(seconds: float) -> str:
    """Write a duration for people, with about two figures.

    >>> duration(0.0504), duration(48.2), duration(122), duration(2_592_000)
    ('50 ms', '48 s', '2 min 2 s', '30 d')
    """
    if seconds < 0.9995:
        return f"{seconds * 1000:.0f} ms" if seconds >= 0.01 or seconds == 0 else f"{seconds * 1000:.2g} ms"
    if seconds < 59.5:
        return f"{seconds:.2g} s" if seconds < 9.95 else f"{seconds:.0f} s"
    units = ((86_400, "d"), (3_600, "h"), (60, "min"), (1, "s"))
    for (size, word), (smaller, smaller_word) in pairwise(units):
        parts = round(seconds / smaller)
        if parts * smaller >= size:
            whole, rest = divmod(parts, size // smaller)
            return f"{whole:,} {word}" + (f" {rest} {smaller_word}" if rest else "")
    return f"{seconds:.0f} s"


@dataclass(frozen=True, slots=True)
class Theme:
    """Colours that follow the surroundings.

    Attributes
    ----------
    background, text, line
        From the axes and from rcParams.
    """

    background: str
    text: str
    line: str

    @classmethod
    def of(cls, ax: Axes) -> Theme:
        """Take the colours of an axes; where it has no background of its own, of its figure."""
        import matplotlib as mpl
        from matplotlib.colors import to_hex, to_rgba

        for face in (ax.get_facecolor(), ax.figure.get_facecolor()):
            red, green, blue, alpha = to_rgba(face)
            if alpha > 0.5:
                return cls(
                    to_hex((red, green, blue)),
                    to_hex(mpl.rcParams["text.color"]),
                    to_hex(mpl.rcParams["axes.edgecolor"]),
                )
        # Transparent on an unknown page: the text's colour tells whether that page is light or dark.
        text = to_hex(mpl.rcParams["text.color"])
        return cls(
            "#ffffff" if _lightness(text) < 0.5 else "#111111", text, to_hex(mpl.rcParams["axes.edgecolor"])
        )

    @property
    def dark(self) -> bool:
        """Whether text is lighter than what it stands on."""
        return _lightness(self.background) < _lightness(self.text)

    @property
    def muted(self) -> str:
        """Text of the second rank."""
        return self.mix(self.text, 0.72)

    @property
    def failure(self) -> str:
        """What went wrong; lighter where the page is dark."""
        return self.strong(FAILURE)

    def strong(self, color: str) -> str:
        """One of our colours for lines and marks, lightened a little on a dark page."""
        return _mixed(color, "#ffffff", 0.72) if self.dark else color

    def tint(self, color: str) -> str:
        """One of our colours for the inside of boxes: text on it stays easy to read."""
        return self.mix(color, 0.34 if self.dark else 0.16)

    def mix(self, color: str, share: float) -> str:
        """`share` of a colour, the rest background."""
        return _mixed(color, self.background, share)


def _mixed(color: str, other: str, share: float) -> str:
    from matplotlib.colors import to_hex, to_rgb

    pairs = zip(to_rgb(color), to_rgb(other), strict=True)
    red, green, blue = (share * one + (1 - share) * two for one, two in pairs)
    return str(to_hex((red, green, blue)))


def _lightness(color: str) -> float:
    from matplotlib.colors import to_rgb

    red, green, blue = to_rgb(color)
    return float(0.299 * red + 0.587 * green + 0.114 * blue)


def text_width(text: str, size: float, *, bold: bool = False) -> float:
    """Width of a line of text in points, without drawing it; more than it takes, by the tenth that hinting may add.

    Parameters
    ----------
    text
        The line.
    size
        Size of the font in points.
    bold
        Whether it is bold.
    """
    import matplotlib as mpl

    family = tuple(mpl.rcParams["font.family"]), tuple(mpl.rcParams["font.sans-serif"])
    return size * 1.1 * sum(_advance(each, family, bold) for each in text)


@lru_cache(maxsize=4096)
def _advance(character: str, family: Any, bold: bool) -> float:  # noqa: FBT001  # the family is part of the key
    """Advance of one character in ems."""
    font = _font(family, bold)
    if not font.get_char_index(ord(character)):
        return 1.0  # from a fallback font, or a box: not wider than an em
    from matplotlib.ft2font import LoadFlags

    return float(font.load_char(ord(character), flags=LoadFlags.NO_SCALE).horiAdvance / font.units_per_EM)


@lru_cache(maxsize=8)
def _font(family: Any, bold: bool) -> Any:  # noqa: FBT001, ARG001
    from matplotlib.font_manager import FontProperties, findfont, get_font

    return get_font(findfont(FontProperties(weight="bold" if bold else "normal")))
