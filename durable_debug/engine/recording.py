"""What one pass of a handler over a history did, as a value."""

from __future__ import annotations

import functools
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from durable_debug.engine.asked import AskedOperation, asked_operation

if TYPE_CHECKING:
    from collections.abc import Mapping

    from durable_debug.engine.call import Call
    from durable_debug.engine.effects import SideEffect
    from durable_debug.engine.engine import Outcome
    from durable_debug.engine.ongoing_pass import Halt, LogLine
    from durable_debug.engine.places import Place, Stack
    from durable_debug.engine.runner import Runner
    from durable_debug.history import History
    from durable_debug.options import Options

__all__ = ["Looks", "Raised", "Recording"]


@dataclass(frozen=True, slots=True)
class Raised:
    """What left the handler.

    Attributes
    ----------
    type, text
        Name of its class, and its message.
    place
        The innermost line of the user's code that it came through; None where it came through none.
    is_unreadable
        Whether it is the SDK's, for a payload that it can't read.
    may_be_of_a_value
        Whether a value may be why, that was hidden: it is a ValueError or ArithmeticError which no ``raise`` of the user's
        code raised, but what that called.
    """

    type: str
    text: str
    place: Place | None
    is_unreadable: bool = False
    may_be_of_a_value: bool = False


@dataclass(frozen=True, slots=True)
class Looks:
    """What a handler did with values that are placeholders in a redacted history.

    Attributes
    ----------
    looked_at
        How many operations had been asked for when one was first looked at; None if none was.
    place
        File and line of that look.
    texts
        Texts that placeholders are, or were written as.
    """

    looked_at: int | None
    place: tuple[str, int] | None
    texts: frozenset[str]


@dataclass(frozen=True)
class Recording:
    """What a handler did when it was run over a history: plain data, whatever ran it.

    Attributes
    ----------
    runner
        What ran it, and runs it again.
    outcome
        How the invocation ended.
    asks
        Every operation asked for, in order; `operations` is for people.
    logs
        What was logged through the context, also where Lambda keeps quiet on replay.
    side_effects
        What was done, or tried, outside steps.
    halt
        Why the replay ended it, or None.
    beyond
        The first call that the replayed invocation did not come to: it was suspended before; or None.
    raised
        What left the handler; None if nothing did.
    ends
        By position of a context (``""`` for the handler), the line that its body ended at; only where traced.
    ran
        Ids of operations whose bodies ran, in this pass or in one before, because the user let them.
    stacks
        By `Call.seq`, the user's lines that a call was made from; only where they were asked for.
    looks
        What was noticed of values that are placeholders; None where the history is not redacted.
    """

    runner: Runner = field(repr=False, compare=False)
    history: History
    options: Options
    outcome: Outcome
    calls: tuple[Call, ...]
    logs: tuple[LogLine, ...]
    side_effects: tuple[SideEffect, ...]
    halt: Halt | None
    beyond: Call | None
    raised: Raised | None
    ends: Mapping[str, Place] = field(repr=False, hash=False)
    ran: frozenset[str] = field(repr=False, compare=False)
    stacks: Mapping[int, Stack] = field(repr=False, compare=False)
    looks: Looks | None = field(default=None, repr=False, compare=False)

    def freeze(self) -> None:
        """Settle what it holds: from now on nothing of it changes."""
        for call in self.calls:
            if not call.is_frozen:  # recordings of one replay share calls
                call.freeze()

    @functools.cached_property
    def objected(self) -> tuple[Call, ...]:
        """The calls that the SDK objected to, in the order of asking."""
        return tuple(call for call in self.calls if call.objection is not None)

    @functools.cached_property
    def operations(self) -> tuple[AskedOperation, ...]:
        """Every operation that the handler asked for, in the order of asking."""
        return tuple(asked_operation(call) for call in self.calls)
