"""Why an execution ended as it did, on a screen at most."""

from __future__ import annotations

import html
import os
import shlex
import textwrap
from typing import TYPE_CHECKING

from durable_debug.reports.words import whose
from durable_debug.wording import abridged, called, counted, duration, shortened

if TYPE_CHECKING:
    from collections.abc import Iterator

    from durable_debug.debugger.explanation import Explanation
    from durable_debug.debugger.siblings import Sibling
    from durable_debug.history import History, Operation

__all__ = ["card", "next_command", "report"]

_MOST_FRAMES = 4
_MOST_FAILED = 3
_MOST_ATTEMPTS = 4
_WIDEST = 100
_MOST_OF_A_LINE = 3  # of a log's line that has many


def report(told: Explanation) -> str:
    """Tell it as text."""
    parts = (_whose, _headline, _code, _known, _operations, _written, _standing, _replay, _sibling)
    blocks = [block for block in ([*part(told)] for part in parts) if block]
    blocks.append([f"next: {told.next_command}"])
    return "\n\n".join("\n".join(line[: _WIDEST * 2] for line in block) for block in blocks)


def card(told: Explanation) -> str:
    """Tell it as HTML."""
    return f"<pre>{html.escape(report(told))}</pre>"


def _whose(told: Explanation) -> Iterator[str]:
    if told.run is not None and told.run.other_function is not None:
        yield from textwrap.wrap(whose(told.run.other_function), _WIDEST)


def _headline(told: Explanation) -> Iterator[str]:
    history = told.history
    name = abridged(history.name or history.arn or "The execution")
    took = duration(history.duration_seconds)
    if told.status in {"RUNNING", "PAUSED"}:
        yield f"{name} is {told.status.lower()}" + (
            f", for {took} as far as the record tells" if took else ""
        )
    else:
        yield f"{name} {told.status.replace('_', ' ').lower()}" + (f" after {took}" if took else "")
    if told.error:
        yield f"  {shortened(_error(told.error), 400)}"


def _error(error: dict[str, object] | None) -> str:
    error = error or {}
    kind = str(error.get("ErrorType") or "error").rpartition(".")[2]
    message = error.get("ErrorMessage")
    return f"{kind}: {message}" if message else kind


def _code(told: Explanation) -> Iterator[str]:
    place = told.place
    if place is None:
        return
    yield f"  {_short(place.file)}:{place.line} in {place.function or 'the handler'}"
    width = max((len(str(line.number)) for line in told.source), default=1)
    for line in told.source:
        yield f"  {'>' if line.decided else ' '} {line.number:{width}}  {shortened(line.text, _WIDEST)}"
    for frame in told.stack[1:_MOST_FRAMES]:
        yield f"    called by {frame.function} at {_short(frame.file)}:{frame.line}"
    if len(told.stack) > _MOST_FRAMES:
        yield f"    and {counted(len(told.stack) - _MOST_FRAMES, 'more function')} above"


def _known(told: Explanation) -> Iterator[str]:
    width = max((len(value.expression) for value in told.values), default=0)
    for value in told.values:
        yield f"  {value.expression:{min(width, 40)}}  = {shortened(value.preview, _WIDEST)}"
    if told.fed is not None:
        yield f"  the last answer: {_gave(told.history, told.fed)}"


def _gave(history: History, operation: Operation) -> str:
    what = _error(operation.error) if operation.error else history.plain(operation.result, operation)
    gave = f" gave {shortened(what, 160)}" if what is not None else f" {operation.status.lower()}"
    return f"{called(operation)} (position {operation.position}){gave}"


def _operations(told: Explanation) -> Iterator[str]:
    """Tell of the operations that failed, and of their attempts."""
    for operation in told.failed[:_MOST_FAILED]:
        attempts = [attempt for attempt in operation.all_attempts if attempt.error]
        tries = f" after {counted(operation.attempts, 'attempt')}" if operation.attempts > 1 else ""
        status = operation.status.replace("_", " ").lower()
        yield f"  {called(operation)} (position {operation.position}) {status}{tries}: {shortened(_error(operation.error), 200)}"
        if len(attempts) > 1:
            for attempt in attempts[:_MOST_ATTEMPTS]:
                yield f"    attempt {attempt.number}: {shortened(_error(attempt.error), 160)}"
            if len(attempts) > _MOST_ATTEMPTS:
                yield f"    and {counted(len(attempts) - _MOST_ATTEMPTS, 'more attempt')}"
        for line in (operation.error or {}).get("StackTrace") or ():
            yield f"    {shortened(line, _WIDEST)}"
    if len(told.failed) > _MOST_FAILED:
        yield f"  and {counted(len(told.failed) - _MOST_FAILED, 'more failed operation')}"


def _written(told: Explanation) -> Iterator[str]:
    """Tell what was written to the log last; of what is long, a traceback as a rule, its beginning and its end."""
    found = told.written
    if told.no_log is not None:
        yield f"  Its log can't be had: {shortened(told.no_log, 400)}"
    if found is None:
        return
    attempt = f", attempt {found.attempt}" if found.attempt is not None else ""
    whose = f"{called(found.operation)}{attempt}" if found.operation else f"invocation {found.invocation}"
    more = f"; {counted(found.earlier, 'earlier line')} in history.logs" if found.earlier else ""
    yield f"  the log of {whose}{more}:"
    for event in found.events:
        first, *rest = [line for line in event.message.split("\n") if line.strip()] or [""]
        shown = rest if len(rest) <= _MOST_OF_A_LINE else ["…", *rest[-_MOST_OF_A_LINE:]]
        yield f"    {event.timestamp:%H:%M:%S}.{event.timestamp.microsecond // 1000:03}  {event.level or '':7}  {shortened(first, _WIDEST)}".rstrip()
        for line in shown:
            yield f"      {shortened(line, _WIDEST)}"


def _standing(told: Explanation) -> Iterator[str]:
    for sentence in told.history.remarks:
        yield f"  {shortened(sentence, 300)}"


def _replay(told: Explanation) -> Iterator[str]:
    run = told.run
    if run is None:
        return
    one = told.divergence
    if one is not None:
        more = f" ({counted(len(run.divergences), 'difference')} in all)" if len(run.divergences) > 1 else ""
        yield f"  The code does otherwise than the history{more}: {one.message}"
        if one.place is not None:
            yield f"    at {_short(one.place.file)}:{one.place.line}  {one.source}"
        yield f"    Lambda: {one.lambda_effect}"
    elif run.ok:
        how = {"FAILED": "fails", "SUCCEEDED": "succeeds"}.get(told.status, "stands")
        yield f"  Replayed, it {how} as recorded."
    else:
        yield f"  The replay ended early: {run.stopped}"
    for remark in run.recording.runner.remarks:
        yield f"  Not checked: {shortened(remark, 300)}"


def _sibling(told: Explanation) -> Iterator[str]:
    one = told.sibling
    if one is None:
        return
    name = abridged(one.history.name or one.label)
    sentence, *sides = _parting(told.history, one)
    yield f"  {name} ({_short(one.label)}) went well. {sentence}"
    for word, side in zip(("here", "there"), sides, strict=False):
        yield f"    {word:5}  {side}"


def _parting(history: History, one: Sibling) -> tuple[str, ...]:
    mine, its = one.mine, one.its
    if mine is None and its is None:
        return ("Both asked for the same operations, with the same answers.",)
    if mine is None and its is not None:
        return (f"It did all that this one did, and then {called(its)} (position {its.position}).",)
    if its is None and mine is not None:
        return (f"It did not come to {called(mine)} (position {mine.position}).",)
    assert mine is not None
    assert its is not None
    if called(mine) == called(its):
        sides = _answer(history, mine), _answer(one.history, its)
        return f"They part at {called(mine)} (position {mine.position}):", *sides
    return f"They part at position {mine.position}:", called(mine), called(its)


def _answer(history: History, operation: Operation) -> str:
    if operation.error:
        return shortened(_error(operation.error), 160)
    shown = history.plain(operation.result, operation)
    return shortened(shown, 160) if shown else operation.status.lower()


def next_command(told: Explanation) -> str:
    """Give what to type next."""
    source = shlex.quote(_short(told.source_of_history)) if told.source_of_history else "HISTORY"
    for name, value in told.looked_up:
        source += f" --{name.replace('_', '-')} {shlex.quote(value)}"
    function, of_execution, _ = (told.history.arn or "").partition("/durable-execution/")
    if told.run is None and of_execution and source.startswith("arn:"):
        return (
            f"durable-debug why {source} {shlex.quote(function)}   (with the code that ran; or name its file)"
        )
    if told.run is None:
        return f"durable-debug why {source} HANDLER   (path/to/app.py:handler, for the line of code)"
    handler = shlex.quote(told.handler or "HANDLER")
    at = told.fed.position if told.fed is not None else None
    return f"durable-debug replay {handler} {source}" + (f" --break position={at}" if at else "")


def _short(path: str) -> str:
    try:
        relative = os.path.relpath(path)
    except ValueError:  # on another drive
        return path
    return path if relative.startswith("..") or path.startswith("<") else relative
