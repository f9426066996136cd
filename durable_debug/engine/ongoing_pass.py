"""One pass under way: what it may answer from, how it is to go, what each thread is at, and what was seen of it.

These are four things with different writers. The `Script` and the `Rules` are settled before the pass begins and written by
nobody afterwards. `InThread` is each thread's own. `Seen` is what those who watch write down; each says what.
"""

from __future__ import annotations

import contextlib
import fnmatch
import itertools
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from durable_debug.engine.call import BatchItem, Body, Call, Objection, Strategy

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from contextlib import AbstractContextManager
    from types import FrameType

    from durable_debug.engine.guard import Scope, SideEffect
    from durable_debug.engine.line_recorder import LineRecorder
    from durable_debug.engine.places import Place
    from durable_debug.engine.script import Script
    from durable_debug.engine.skipping import Jump
    from durable_debug.engine.veiled import Veil

__all__ = [
    "BatchItem",
    "Body",
    "Call",
    "Halt",
    "InThread",
    "LeaveBody",
    "LogLine",
    "Matcher",
    "Objection",
    "Observer",
    "OngoingPass",
    "Ran",
    "ReplayStop",
    "Rules",
    "Seen",
    "Strategy",
]

Ran = tuple[str, Any]  # how a body ended: ("returned", value) or ("raised", error)


class ReplayStop(BaseException):
    """Ends a run from inside the handler; a BaseException, so that `except Exception` lets it pass."""


class LeaveBody(BaseException):
    """Ends a body that was entered only to be looked at, where its recorded part ends."""


@dataclass(frozen=True, slots=True)
class Halt:
    """Why a run ended before the handler did."""

    kind: str  # "would_run", "side_effect", "timeout", "aborted", "invocation_end"
    message: str
    call: Call | None = None
    at: Place | None = None  # the line of the user's code that did not end


@dataclass(frozen=True, slots=True)
class LogLine:
    """A line that the handler logged through its context, also where Lambda would keep quiet on replay."""

    level: str
    message: str
    seq: int
    replayed: bool


class Observer(Protocol):
    """Looks over a run's shoulder, in the handler's own thread; may block, may raise `ReplayStop`."""

    def asked(self, call: Call, frame: FrameType) -> None:
        """An operation was asked for and is about to be answered."""

    def raised(self, error: BaseException) -> None:
        """An exception leaves the handler."""


class Matcher(Protocol):
    """Aligns what is asked for with what the history holds."""

    def __call__(self, call: Call) -> str | None:
        """Give the id of the recorded operation that answers a call, None for an operation that was inserted."""


@dataclass(frozen=True, slots=True)
class Rules:
    """How a pass is to go.

    Attributes
    ----------
    enter
        Whether the bodies of completed child contexts, maps and parallels are looked into.
    run
        Glob patterns of the names of operations whose bodies may really run.
    ran_before
        By operation id, bodies that ran in an earlier pass; None in the first.
    letting
        Is around a body that may run: what it does to the user's modules stays.
    matcher
        Finds the recorded operation that answers a call, and lets the replay go on behind inserted ones; by default the one
        with the same id answers, and the SDK objects to it where Lambda would.
    observer
        Called for each call, before it is answered.
    trace
        Whether to note the lines at which the handler and the bodies of contexts end.
    jumps
        Statements not to run.
    supposes
        Whether to go on behind what would run, with a value that nobody knows.
    lines
        Sees every line of the user's code that runs; None: nothing is traced.
    """

    enter: bool = True
    run: tuple[str, ...] = ()
    ran_before: Mapping[str, Ran] | None = None
    letting: Callable[[], AbstractContextManager[None]] = contextlib.nullcontext
    matcher: Matcher | None = None
    observer: Observer | None = None
    trace: bool = False
    jumps: frozenset[Jump] = frozenset()
    supposes: bool = False
    lines: LineRecorder | None = None

    def may_run(self, call: Call) -> bool:
        """Whether the user allowed the body of this operation to run; what ran in an earlier pass only answers."""
        if not self.run or (self.ran_before is not None and call.operation_id not in self.ran_before):
            return False
        return any(fnmatch.fnmatchcase(call.name or "", pattern) for pattern in self.run)


class InThread(threading.local):
    """What a pass is at in each of its threads.

    Attributes
    ----------
    inside_ended
        How many bodies of ended contexts deep it is: Lambda would not run them.
    batch
        The map or parallel that is being asked for.
    silence
        Id of the operation whose body was looked at already.
    evaluating
        Whether an expression of the debugger's is evaluated.
    """

    inside_ended = 0
    batch: Any = None
    silence: str | None = None
    evaluating = False


class Seen:
    """What was seen of a pass; a recording is made of it.

    Attributes
    ----------
    asks, beyond
        The calls, in order; and the first that the invocation under study did not come to. By the contexts.
    ran, ends
        How bodies ended that were let run, by operation id; the lines that bodies ended at, by context. By the contexts.
    sent
        Checkpoints that the SDK wanted to send. By the service.
    logs
        What was printed and logged. By `capture`.
    side_effects
        By the guard.
    error, returned
        What left the handler. By the invocation.
    internal
        What went wrong in this package itself. By the contexts.
    changed_by
        An expression that changed what the handler holds. By the debugger's frames.
    threads
        Idents of the threads in which the user's code runs. By themselves.
    """

    def __init__(self, ran_before: Mapping[str, Ran] | None = None) -> None:
        self.calls: list[Call] = []
        self.beyond: Call | None = None
        self.ran: dict[str, Ran] = dict(ran_before or {})
        self.ends: dict[str, Place] = {}
        self.sent: list[Any] = []
        self.logs: list[LogLine] = []
        self.side_effects: list[SideEffect] = []
        self.error: BaseException | None = None
        self.returned: tuple[Any] | None = None
        self.internal: Exception | None = None
        self.changed_by: str | None = None
        self.threads: set[int] = set()
        self._sequence = itertools.count()

    def note(self, call: Call) -> None:
        """Keep a call, in the order of asking."""
        call.seq = next(self._sequence)
        self.calls.append(call)

    def note_thread(self) -> None:
        """Take this thread for one that runs the user's code."""
        self.threads.add(threading.get_ident())


class OngoingPass:
    """One pass under way.

    Parameters
    ----------
    script
        The record's part: what it may answer from.
    rules
        How it is to go.
    scope
        Watches the handler outside steps, and refuses its side effects.

    Attributes
    ----------
    here
        What this thread is at.
    seen
        What was seen so far.
    veil
        Over the values of a redacted history; None where they are the execution's own.
    halt
        Why it is to end now: the first reason that anybody gave.
    """

    def __init__(self, script: Script, rules: Rules, scope: Scope) -> None:
        self.script = script
        self.rules = rules
        self.scope = scope
        self.veil: Veil | None = None
        self.here = InThread()
        self.seen = Seen(rules.ran_before)
        self.halt: Halt | None = None

    def stop(
        self,
        kind: str,
        message: str,
        call: Call | None = None,
        at: Place | None = None,
    ) -> ReplayStop:
        """End the run: the exception to raise. The first reason stays."""
        if self.halt is None:
            self.halt = Halt(kind, message, call, at)
        return ReplayStop(self.halt.message)
