"""What one replay did, as a value."""

from __future__ import annotations

import functools
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from durable_debug.engine.asked import AskedOperation, Place, asked_operation, place_of
from durable_debug.engine.engine import Options, Outcome, Replay, Script, prepare

if TYPE_CHECKING:
    from collections.abc import Mapping

    from durable_debug.engine.guard import SideEffect
    from durable_debug.engine.handlers import Handler
    from durable_debug.engine.tape import Ask, Halt, LogLine, Matcher, Observer, Ran
    from durable_debug.engine.veiled import Veil
    from durable_debug.history import History

__all__ = ["Recording", "record"]


@dataclass(frozen=True)
class Recording:
    """What a handler did when it was run over a history.

    Attributes
    ----------
    outcome
        How the invocation ended.
    ran
        By operation id, how the bodies ended that the user let run, in this pass or in one before.
    asks
        Every operation asked for, in order; raw notes, see `operations`.
    logs
        What was logged through the context, also where Lambda keeps quiet on replay.
    side_effects
        What was done, or tried, outside steps.
    halt
        Why the replay ended it, or None.
    beyond
        The first call that the replayed invocation did not come to: it was suspended before; or None.
    sent
        Checkpoints that the SDK wanted to send.
    ends
        By position of a context (``""`` for the handler), the line that its body ended at; only where traced.
    returned
        What the handler returned, as a tuple of one; None if it did not.
    exception
        What left the handler, with its traceback; None if nothing did.
    veil
        What was noticed of values that are placeholders; None where the history is not redacted.
    """

    handler: Handler
    history: History
    options: Options
    script: Script
    outcome: Outcome
    asks: tuple[Ask, ...]
    logs: tuple[LogLine, ...]
    side_effects: tuple[SideEffect, ...]
    halt: Halt | None
    beyond: Ask | None
    returned: tuple[Any] | None = field(repr=False, hash=False)
    exception: BaseException | None = field(repr=False)
    sent: tuple[Any, ...] = field(repr=False)
    ends: dict[str, Place] = field(repr=False, hash=False)
    ran: Mapping[str, Ran] = field(repr=False, hash=False, compare=False)
    veil: Veil | None = field(default=None, repr=False, compare=False)

    def freeze(self) -> None:
        """Settle what it holds: from now on nothing of it changes."""
        for ask in self.asks:
            ask.freeze()
        _ = self.operations

    @functools.cached_property
    def operations(self) -> tuple[AskedOperation, ...]:
        """Every operation that the handler asked for, in the order of asking."""
        return tuple(asked_operation(ask) for ask in self.asks)


def record(  # noqa: PLR0913
    handler: object,
    history: History,
    options: Options,
    *,
    observer: Observer | None = None,
    matcher: Matcher | None = None,
    trace: bool = False,
) -> Recording:
    """Run a handler over a history, to the end.

    Raises
    ------
    HandlerError, HistoryError
        One of them can't be used.
    """
    found, script = prepare(handler, history, options)
    replay = Replay(found, script, options, observer=observer, matcher=matcher, trace=trace)
    return recorded(replay, history, replay.run())


def record_again(first: Recording) -> Recording:
    """Run a handler over a history once more, in the same way."""
    replay = Replay(first.handler, first.script, first.options, ran_before=first.ran)
    return recorded(replay, first.history, replay.run())


def recorded(replay: Replay, history: History, outcome: Outcome) -> Recording:
    """Make a value of a replay that has ended."""
    tape = replay.tape
    return Recording(
        handler=replay.handler,
        history=history,
        options=replay.options,
        script=replay.script,
        outcome=outcome,
        asks=tuple(tape.asks),
        logs=tuple(tape.logs),
        side_effects=tuple(tape.side_effects),
        halt=tape.halt,
        beyond=tape.beyond,
        returned=tape.returned,
        exception=tape.error,
        sent=tuple(tape.sent),
        ends={path: place_of(*end) for path, end in tape.ends.items()},
        ran=MappingProxyType(tape.ran),
        veil=tape.veil,
    )
