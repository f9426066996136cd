"""A run as plain text, for terminals and for exceptions."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from durable_debug.reports.words import located, whose
from durable_debug.wording import abridged, counted

if TYPE_CHECKING:
    from durable_debug.divergence.divergence import Divergence
    from durable_debug.divergence.run import Run

__all__ = ["divergence_lines", "headline", "report"]

_LONGEST = 500


def report(run: Run) -> str:
    """Tell how a replay went: the outcome, each divergence with both sides, what was not checked."""
    history = run.history
    lines = [] if run.other_function is None else [whose(run.other_function), ""]
    lines.append(headline(run))
    if history.redacted is not None:
        lines.append("  redacted: the history's values are placeholders")
    if run.stopped:
        lines.append(f"  ended early: {run.stopped}")
    if run.error:
        message = str(run.error.get("ErrorMessage"))
        lines.append(
            f"  error: {run.error.get('ErrorType')}: {message if len(message) <= _LONGEST else message[:_LONGEST] + '…'}"
        )
    if run.failed_at is not None:
        place = run.failed_at
        lines.append(f"     at {_short_path(place.file)}:{place.line} in {place.function or 'the handler'}")
        lines.append(f"       {place.line} | {place.source}")
    if not run.divergences:
        lines.append(f"  {_as_recorded(run)}" if run.ok else "  no divergence up to there")
    else:
        lines.append(f"  {counted(len(run.divergences), 'divergence')}")
    for number, divergence in enumerate(run.divergences, 1):
        lines += ["", *divergence_lines(number, divergence)]
    if run.history.remarks:
        lines += ["", "  in the record:"]
        lines += [f"    - {sentence}" for sentence in run.history.remarks]
    if run.unchecked:
        lines += ["", "  not checked:"]
        lines += [f"    - {sentence}" for sentence in run.unchecked]
    return "\n".join(lines)


def headline(run: Run) -> str:
    """Tell how a replay went as a whole, on one line."""
    history = run.history
    return (
        f"{run.recording.runner.name} over {abridged(history.name or history.arn or 'a history')}: {run.status}"
        + ("" if run.status == history.status else f" (recorded {history.status})")
        + f", {run.counts}"
    )


def _as_recorded(run: Run) -> str:
    """Say that nothing differs; of an execution that failed it is no good news."""
    if not run.analysis.is_judged_whole:
        how = "fails as recorded" if run.status == "FAILED" else "clean"
        return f"{how} as far as it can be judged: what follows from hidden values can't be"
    if run.status == "FAILED":
        return "fails as recorded: the replay did what the history says"
    return "clean: the replay did what the history says"


def divergence_lines(number: int, divergence: Divergence) -> list[str]:
    """Tell of a divergence: what, where, both sides, what Lambda would do, what to do about it."""
    where = f"{_short_path(divergence.file)}:{divergence.line}" if divergence.file else "no line"
    lines = [f"  {number}. {divergence.kind} ({divergence.severity}) at {where}: {divergence.message}"]
    if divergence.source:
        lines.append(f"       {divergence.line} | {divergence.source}")
    if in_history := located(divergence):
        lines.append(f"     where     {in_history}")
    lines.append(f"     history   {divergence.recorded or '(nothing)'}")
    lines.append(f"     code      {divergence.asked or '(nothing)'}")
    lines.append(f"     Lambda    {divergence.lambda_effect}")
    lines.append(f"     advice    {divergence.advice}")
    return lines


def _short_path(path: str | None) -> str:
    if path is None:
        return ""
    try:
        relative = os.path.relpath(path)
    except ValueError:
        return path
    return relative if not relative.startswith("..") else path
