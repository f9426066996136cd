"""What a look into the bodies of ended contexts did to the rest of a replay, taken back.

Lambda does not run these bodies. The look is to change no answer, but a body may change what the handler around it
holds: a list that it appends to, a context variable. So where a replay does not end as recorded it is made once more
without looking; that one counts, with what was looked at beside it.
"""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

from durable_debug.divergence.objections import ends_as_recorded, failed_in_flight, objections
from durable_debug.divergence.tree import identity_of
from durable_debug.engine.runner import Pass

if TYPE_CHECKING:
    from durable_debug.engine.recording import Recording
    from durable_debug.engine.tape import Ask

__all__ = ["as_on_lambda"]


def as_on_lambda(looked: Recording) -> Recording:
    """Give a recording whose outcome, and whose operations outside of what was looked at, are Lambda's."""
    looked = _to_the_objection(looked)
    as_recorded = not looked.objected and ends_as_recorded(looked)
    if not any(ask.looked for ask in looked.asks) or as_recorded:
        return looked  # what the user allowed to run is not run twice
    if looked.halt is not None and looked.halt.kind == "timeout":
        return looked  # a body that never ends is worth more than an end without it
    plain = looked.runner.without_looking(looked)
    asks, known = plain.asks, {ask.position for ask in plain.asks}
    outside = [a for a in looked.asks if not a.looked and (a.kind != "branch" or a.position in known)]
    if [_what(ask) for ask in outside] == [_what(ask) for ask in asks]:
        of_lambda = dict(zip(map(id, outside), asks, strict=True))
        asks = tuple(_numbered(of_lambda.get(id(ask), ask), ask) for ask in looked.asks)
    return dataclasses.replace(
        plain,
        options=looked.options,
        asks=asks,
        logs=looked.logs,
        side_effects=(*(e for e in looked.side_effects if e.looked), *plain.side_effects),
    )


def _to_the_objection(looked: Recording) -> Recording:
    """Get past a branch that had not come to its end when the SDK objected to another one, if it does now, too."""
    halt = looked.halt
    if halt is None or halt.kind != "would_run" or not failed_in_flight(looked.history):
        return looked
    if looked.options.invocation not in {None, looked.history.invocation_count}:
        return looked
    further = looked.runner.again(looked, Pass(branches_were_cut=True))
    return further if objections(further) else looked


def _what(ask: Ask) -> tuple[object, ...]:
    return ask.position, *identity_of(ask)


def _numbered(ask: Ask, as_: Ask) -> Ask:
    ask.seq, ask.body, ask.entered = as_.seq, as_.body, as_.entered
    return ask
