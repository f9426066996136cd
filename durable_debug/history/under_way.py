"""What a record leaves open, in sentences: what the execution waits for, and bodies that began and did not end.

Where an execution stands is what people ask of one that runs, and what a list of operations hides: what is open may lie
deep in a branch, and what is open in a context that has ended is waited for by nobody.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Literal, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime

    from durable_debug.history.invocations import Invocation
    from durable_debug.history.operations import Attempt, Operation

__all__ = ["Awaited", "lost_bodies", "open_operations", "standing"]

_MOST = 5
_LONGEST = 80


class Awaited(NamedTuple):
    """One thing that an execution waits for, or waited for when it was ended.

    Attributes
    ----------
    kind
        ``callback``, ``invoke``, ``timer``, ``retry``, ``poll`` (of a wait_for_condition) or ``body`` (of a step or poll
        that has begun, and not ended).
    position, name
        Of the operation; of a wait_for_callback those of its context.
    since
        When it began: the callback, invoke, timer or body; of a retry or poll the end of the attempt before. Aware UTC.
    until
        When it falls due at the latest: the timer's end, the next attempt, a callback's timeout. None where nothing
        sets an end.
    sentence
        The same in words, as what follows "waits for".
    """

    kind: Literal["callback", "invoke", "timer", "retry", "poll", "body"]
    position: str
    name: str | None
    since: datetime | None
    until: datetime | None
    sentence: str


def open_operations(operations: Sequence[Operation]) -> tuple[Awaited, ...]:
    """Give what is open, in start order; what lies in a context that has ended is not: nobody waits for it."""
    by_id = {operation.id: operation for operation in operations}
    over: dict[str, bool] = {}
    found = []
    for operation in operations:  # a context comes before what lies in it
        parent = by_id.get(operation.parent_id or "")
        inside = parent is not None and over.get(parent.id, False)
        over[operation.id] = inside or (operation.type == "CONTEXT" and operation.end is not None)
        if inside or operation.end is not None or operation.type not in _READ:
            continue
        shown = operation
        if operation.type == "CALLBACK" and parent is not None and parent.sub_type == "WaitForCallback":
            shown = parent
        found.append(_READ[operation.type](operation, shown))
    return tuple(found)


def standing(status: str, awaited: Sequence[Awaited], invocations: Sequence[Invocation]) -> Iterator[str]:
    """Say where an execution stands that has not ended, or what it waited for when it was ended from outside.

    Parameters
    ----------
    status
        Of the execution.
    awaited
        What `open_operations` found.
    invocations
        All of them.
    """
    if status in {"TIMED_OUT", "STOPPED"}:
        if awaited:
            yield f"When it was ended, it waited for {_listed(awaited)}."
        return
    if status not in {"RUNNING", "PAUSED"} or not invocations:
        return
    asleep = [each for each in awaited if each.kind != "body"]
    bodies = [each for each in awaited if each.kind == "body"]
    last = invocations[-1]
    if status == "PAUSED":
        yield "It is paused: no invocation is started until somebody resumes it."
    yield from _of_invocation(last, bodies)
    if asleep:
        yield f"It waits for {_listed(asleep)}."
    elif last.status == "PENDING" and not bodies:
        yield (
            "Nothing is waited for: the last invocation suspended, all that it slept on has come, "
            "and no invocation has gone on from there yet."
        )


def _of_invocation(last: Invocation, bodies: Sequence[Awaited]) -> Iterator[str]:
    """Say how the last invocation stands, where it did not just suspend."""
    if last.status == "RUNNING":
        begun = f" since {_time(last.start)}" if last.start else ""
        yield f"Invocation {last.number} is under way{begun}, or was lost: no end of it is recorded."
        if bodies:
            yield f"It is in {_listed(bodies)}."
    elif last.status == "FAILED":
        why = (last.error or {}).get("ErrorType")
        yield (
            f"Invocation {last.number} failed{f' with {_short(str(why))}' if why else ''}: "
            "Lambda starts another, as long as it has not given up."
        )
    elif bodies:
        yield f"The last invocation suspended with something open: {_listed(bodies)}."


def lost_bodies(operations: Sequence[Operation], invocations: Sequence[Invocation]) -> Iterator[str]:
    """Say which bodies began more often than they ended, because invocations died in them."""
    running = invocations[-1].number if invocations and invocations[-1].status == "RUNNING" else None
    died = {each.number for each in invocations if each.status == "FAILED"}
    told = 0
    for operation in operations:
        for attempt in operation.all_attempts:
            open_ = attempt.status == "STARTED"
            if attempt.began == 1 and (attempt.ended or (open_ and attempt.last_invocation not in died)):
                continue
            told += 1
            if told <= _MOST:
                yield _lost(operation, attempt, goes_on=open_ and attempt.last_invocation == running)
    if told > _MOST:
        yield f"{told - _MOST:,} more attempts were lost with their invocations: see .attempts, column began."


def _lost(operation: Operation, attempt: Attempt, *, goes_on: bool) -> str:
    number = f" in attempt {attempt.number}" if len(operation.all_attempts) > 1 else ""
    first, last = attempt.start_invocation, attempt.last_invocation
    where = f", in invocations {first} to {last}," if first != last else f", in invocation {first},"
    often = "once" if attempt.began == 1 else f"{attempt.began:,} times"
    if goes_on:
        end = "and has not ended yet"
    elif attempt.status == "STARTED":
        end = "and never ended"
    elif attempt.ended:
        end = "and ended in the last of them only: the others died in it"
    else:
        end = "and never ended: it was interrupted, and runs at most once an attempt"
    return f"The body of {_called(operation)} began {often}{number}{where} as far as the record tells, {end}."


# --- what is open, by type ---------------------------------------------------------------------


def _callback(operation: Operation, shown: Operation) -> Awaited:
    until = _later(operation.start, operation.timeout_seconds)
    ends = f", which times out at {_time(until)}" if until else ""
    beat = operation.heartbeat_timeout_seconds
    beats = f"{' and' if ends else ', which'} wants a heartbeat every {beat:,} s" if beat else ""
    return _awaited("callback", operation, shown, until, f"{_since(operation.start)}{ends}{beats}")


def _invoke(operation: Operation, shown: Operation) -> Awaited:
    of = f" of {_short(operation.function_name)!r}" if operation.function_name else ""
    return _awaited("invoke", operation, shown, None, f"{of}{_since(operation.start)}")


def _timer(operation: Operation, shown: Operation) -> Awaited:
    until = _later(operation.start, operation.duration_seconds)
    return _awaited(
        "timer", operation, shown, until, f" until {_time(until)}" if until else _since(operation.start)
    )


def _step(operation: Operation, shown: Operation) -> Awaited:
    last = operation.all_attempts[-1] if operation.all_attempts else None
    polls = operation.sub_type == "WaitForCondition"
    if operation.status == "STARTED" or last is None:
        since = last.start if last is not None else operation.start
        return _awaited("body", operation, shown, None, _since(since), since=since)
    until = _later(last.end, last.delay_seconds)
    due = f", due at {_time(until)}" if until else ""
    words = f"{'poll' if polls else 'attempt'} {last.number + 1} of "
    return _awaited("poll" if polls else "retry", operation, shown, until, due, since=last.end, words=words)


_READ = {"CALLBACK": _callback, "CHAINED_INVOKE": _invoke, "WAIT": _timer, "STEP": _step}
_WORDS = {"callback": "callback ", "invoke": "invoke ", "timer": "timer ", "body": "the body of "}


def _awaited(  # noqa: PLR0913
    kind: Literal["callback", "invoke", "timer", "retry", "poll", "body"],
    operation: Operation,
    shown: Operation,
    until: datetime | None,
    rest: str,
    *,
    since: datetime | None = None,
    words: str | None = None,
) -> Awaited:
    sentence = f"{_WORDS[kind] if words is None else words}{_called(shown)}{rest}"
    return Awaited(kind, shown.position, shown.name, since or operation.start, until, sentence)


def _called(operation: Operation) -> str:
    name = repr(_short(operation.name)) if operation.name else "without a name"
    return f"{name} ({_short(operation.position)})"


def _listed(awaited: Sequence[Awaited]) -> str:
    shown = "; ".join(each.sentence for each in awaited[:_MOST])
    more = len(awaited) - _MOST
    return f"{shown}; and {more:,} more" if more > 0 else shown


def _later(start: datetime | None, seconds: float | None) -> datetime | None:
    if start is None or not seconds or seconds < 0:
        return None
    try:
        return start + timedelta(seconds=seconds)
    except OverflowError:
        return None


def _since(start: datetime | None) -> str:
    return f" since {_time(start)}" if start else ""


def _time(when: datetime | None) -> str:
    return f"{when:%Y-%m-%d %H:%M:%S} UTC" if when else "a time that is not known"


def _short(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"
