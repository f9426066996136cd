"""The switches of a redaction, for the commands that redact, and what is said of it afterwards."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from durable_debug.cli.text import plain

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterable, Iterator, Mapping

    from durable_debug.history import History
    from durable_debug.sources import Redaction

__all__ = ["Counts", "add_redaction", "redaction"]

_RULES = re.compile(r"(?:\[[^\]]*\]|[^,\[]|\[)+")  # a path may have a comma between brackets


def add_redaction(parser: argparse.ArgumentParser) -> None:
    """Add what a redaction may be given."""
    parser.add_argument(
        "--keep",
        metavar="WHAT",
        action="append",
        default=[],
        help="values that stay: numbers, booleans, enums (texts like IN_TRANSIT), keys ('status'), JSON paths ('$.order.state'); "
        "several with commas",
    )
    parser.add_argument(
        "--secret",
        metavar="FILE",
        help="16 bytes or more drawn by chance, so that equal values stay equal from one call to the next",
    )


def redaction(arguments: argparse.Namespace, what: bool | list[str] = True) -> Redaction:  # noqa: FBT001, FBT002
    """Make the redaction that is asked for."""
    from durable_debug.sources import Redaction

    keep = [rule.strip() for given in arguments.keep for rule in _RULES.findall(given) if rule.strip()]
    return Redaction(what, keep=keep, secret=arguments.secret)


class Counts:
    """How many values a redaction replaced and kept, over all histories."""

    def __init__(self, redaction: Redaction) -> None:
        self._replaced = dict.fromkeys(redaction.what, 0)
        self._kept = dict.fromkeys(redaction.keep, 0)

    def add(self, history: History) -> None:
        """Count those of one more."""
        for counts, more in ((self._replaced, history.redacted or {}), (self._kept, history.kept)):
            for rule in counts:
                counts[rule] += more.get(rule, 0)

    @property
    def idle(self) -> list[str]:
        """Patterns that replaced nothing."""
        return [rule for rule, count in self._replaced.items() if not count]

    def lines(self) -> Iterator[str]:
        """Say how many: never a value."""
        yield from _lines(self._replaced, "replaced")
        yield from _lines(self._kept, "kept")


def _lines(counts: Mapping[str, int], done: str) -> Iterable[str]:
    for rule, count in counts.items():
        yield f"  {plain(rule)}: {count:,} value{'' if count == 1 else 's'} {done}"
