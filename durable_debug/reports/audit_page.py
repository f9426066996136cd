"""What the page of an audit says, be it text or HTML: so much that a person reads it in a minute, however large it was."""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass
from typing import TYPE_CHECKING

from durable_debug.audits.check import OBSTACLES

if TYPE_CHECKING:
    from datetime import datetime

    from durable_debug.audits.causes import Cause
    from durable_debug.audits.report import Report
    from durable_debug.audits.tally import Deployed

__all__ = ["Page", "Version", "begun", "deployed", "page_of", "see", "uncompared"]

_MOST_IN_FULL = 5  # causes
_MOST_LISTED = 12  # further causes, versions, reasons
_SDK = re.compile(r" \(SDK (\S+)\)$")


@dataclass(frozen=True, slots=True)
class Version:
    """A line of the table by function and version."""

    name: str
    histories: int
    diverging: int
    uncompared: int
    begun: str


@dataclass(frozen=True, slots=True)
class Page:
    """The parts of it.

    Attributes
    ----------
    in_full, listed, left
        Causes that are told in full; those that have a line each; how many more there are.
    lost, lost_left
        Reasons why histories could not be compared, as far as they are not among these causes; how many more.
    versions, versions_left
        By function and version, the most diverging first; none where there is only one. How many more.
    begun
        When the executions began; empty where that is not known.
    rate
        Histories a second; empty where there are few.
    """

    in_full: tuple[Cause, ...]
    listed: tuple[Cause, ...]
    left: int
    lost: tuple[Cause, ...]
    lost_left: int
    versions: tuple[Version, ...]
    versions_left: int
    begun: str
    rate: str


def page_of(report: Report) -> Page:
    """Choose what is told of a report."""
    causes = tuple(one for one in report.causes if one.level != "off")
    lost: tuple[Cause, ...] = ()
    if len(causes) > _MOST_IN_FULL:
        lost = tuple(one for one in causes if one.divergence.kind in OBSTACLES)
        causes = tuple(one for one in causes if one.divergence.kind not in OBSTACLES)
    further = causes[_MOST_IN_FULL:]
    shares = sorted(
        report.tally.shares.items(), key=lambda one: (-one[1].diverging, -one[1].histories, str(one[0]))
    )
    versions = [
        Version(
            deployed(of),
            share.histories,
            share.diverging,
            share.uncompared,
            begun(share.times.first, share.times.last),
        )
        for of, share in shares[:_MOST_LISTED]
    ]
    many = len(report.rows) > 99 and report.seconds
    return Page(
        in_full=causes[:_MOST_IN_FULL],
        listed=further[:_MOST_LISTED],
        left=len(further[_MOST_LISTED:]),
        lost=lost[:_MOST_LISTED],
        lost_left=len(lost[_MOST_LISTED:]),
        versions=tuple(versions) if len(shares) > 1 else (),
        versions_left=len(shares[_MOST_LISTED:]),
        begun=begun(report.tally.times.first, report.tally.times.last),
        rate=f"{len(report.rows) / report.seconds:,.0f} a second" if many else "",
    )


def uncompared(cause: Cause) -> bool:
    """Whether this is no divergence, but what kept histories from being compared."""
    return cause.divergence.kind in OBSTACLES


def begun(first: datetime | None, last: datetime | None) -> str:
    """Tell when executions began: the days."""
    if first is None or last is None:
        return ""
    one, other = f"{first:%Y-%m-%d}", f"{last:%Y-%m-%d}"
    return one if one == other else f"{one} to {other}"


def deployed(of: Deployed) -> str:
    """Name a version of a function."""
    function, version = of
    return " ".join(one for one in (function or "(no function name)", version) if one)


def see(report: Report, cause: Cause) -> str:
    """Give the command that shows the example of a cause; empty where no command could name it."""
    example, handler = cause.example, report.handler
    sdk = _SDK.search(example)
    history = example[: sdk.start()] if sdk else example
    by_name = not re.search(r"[\s<>]", handler) and (":" in handler or "." in handler)
    if not by_name or not ("/" in history or "." in history or "#" in history):
        return ""
    told = f"durable-debug replay {shlex.quote(handler)} {shlex.quote(history)}"
    return f"{told} --sdk {sdk[1]}" if sdk else told
