"""Whether a handler does the same twice: the first thing to know where it does otherwise than the history.

The history is one run of the handler, a replay is another. Where they differ, the replay is made a second time; where it
differs from itself, no change of the code is to blame, but the code: it depends on something that is not recorded.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import zip_longest
from typing import TYPE_CHECKING

from durable_debug.divergence.facts import Argument, Asked, Ending, Twice, error_of, text_of
from durable_debug.divergence.tree import identity_of
from durable_debug.history.payloads import plain_payload

if TYPE_CHECKING:
    from collections.abc import Sequence

    from durable_debug.divergence.divergence import Divergence
    from durable_debug.engine.ongoing_pass import Call
    from durable_debug.engine.recording import Recording

__all__ = ["Parting", "as_parting", "parting"]


@dataclass(frozen=True, slots=True)
class Parting:
    """Where two replays of the same handler over the same history part.

    Attributes
    ----------
    index
        Number of the call, in the order of asking; None where all calls are the same and only the end is another.
    twice
        What was done in the first replay and in the second.
    identities
        Whether the operations themselves are others, and not only what is asked of them.
    ask
        The call in the first replay, if there is one.
    """

    index: int | None
    twice: Twice
    identities: bool
    call: Call | None


def parting(once: Recording, again: Recording) -> Parting | None:
    """Compare two replays; None where they are the same."""
    for index, (one, other) in enumerate(zip_longest(once.calls, again.calls)):
        if one is not None and other is not None and _asked(one) == _asked(other):
            continue
        identities = one is None or other is None or _identity(one) != _identity(other)
        twice = _done(one, not identities), _done(other, not identities)
        return Parting(index, twice, identities, one)
    ends = _end(once), _end(again)
    return Parting(None, ends, identities=False, call=None) if ends[0] != ends[1] else None


def as_parting(found: Sequence[Divergence], where: Parting) -> tuple[Divergence, ...]:
    """Tell what differs from the history, knowing that the handler differs from itself.

    What comes before the replays part stays; what comes after follows from it, or can't be told from what follows.
    """
    if where.index is None:
        mine = [one for one in found if one.index is None]
    elif where.identities:
        mine = [one for one in found if one.index is None or one.index >= where.index]
    else:
        mine = [one for one in found if one.index is None or one.index == where.index]
    if not mine:
        return tuple(found)
    cause = min(mine, key=lambda one: float("inf") if one.index is None else one.index)
    call = where.call
    place = call.place if call is not None and call.place is not None else cause.place
    told = replace(
        cause,
        position=call.position if call is not None else cause.position,
        place=place,
        index=where.index if where.index is not None else cause.index,
        twice=where.twice,
    )
    if where.identities:
        told = replace(told, kind="nondeterministic")
    kept = [one for one in found if one not in mine]
    return tuple(sorted([*kept, told], key=lambda one: float("inf") if one.index is None else one.index))


def _identity(call: Call) -> tuple[object, ...]:
    return (call.position, *identity_of(call))


def _asked(call: Call) -> tuple[object, ...]:
    return (*_identity(call), *_arguments(call).values())


def _arguments(call: Call) -> dict[str, object]:
    """What is asked of an operation, as far as it has a value that can be compared."""
    told = call.arguments
    if call.kind == "wait":
        return {"seconds": told.get("seconds")}
    if call.kind == "invoke":
        return {"function": told.get("function_name"), "payload": call.payload}
    if call.kind in {"map", "parallel"}:
        return {"branches": call.branches}
    if call.kind in {"create_callback", "wait_for_callback"}:
        return {"timeout": told.get("timeout_seconds"), "heartbeat": told.get("heartbeat_timeout_seconds")}
    return {}


def _done(call: Call | None, with_arguments: bool) -> Asked:  # noqa: FBT001
    if call is None:
        return Asked(None)
    arguments = _arguments(call).items() if with_arguments else ()
    return Asked(
        identity_of(call),
        tuple(
            [
                Argument(name, text_of(plain_payload(value) if isinstance(value, str) else value))
                for name, value in arguments
            ]
        ),
    )


def _end(recording: Recording) -> Ending:
    outcome = recording.outcome
    return Ending(outcome.status, None if outcome.error else text_of(outcome.result), error_of(outcome.error))
