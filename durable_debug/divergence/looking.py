"""What a look into the bodies of ended contexts did to the rest of a replay, taken back.

Lambda does not run these bodies. The look is to change no answer, but a body may change what the handler around it
holds: a list that it appends to, a context variable. So where a replay does not end as recorded it is made once more
without looking; that one counts, with what was looked at beside it.
"""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

from durable_debug.divergence.objections import ends_as_recorded, failed_in_flight, objections
from durable_debug.divergence.slots import identity_of
from durable_debug.engine.engine import Replay
from durable_debug.engine.recording import recorded

if TYPE_CHECKING:
    from durable_debug.engine.recording import Recording
    from durable_debug.engine.tape import Ask

__all__ = ["as_on_lambda"]


def as_on_lambda(looked: Recording) -> Recording:
    """Give a recording whose outcome, and whose operations outside of what was looked at, are Lambda's."""
    looked = _to_the_objection(looked)
    as_recorded = all(ask.failure is None for ask in looked.asks) and ends_as_recorded(looked)
    if not any(ask.looked for ask in looked.asks) or as_recorded:
        return looked  # what the user allowed to run is not run twice
    if looked.halt is not None and looked.halt.kind == "timeout":
        return looked  # a body that never ends is worth more than an end without it
    plain = _without_looking(looked)
    asks, known = plain.asks, {ask.position for ask in plain.asks}
    outside = [a for a in looked.asks if not a.looked and (a.args[0] != "branch" or a.position in known)]
    if [_what(ask) for ask in outside] == [_what(ask) for ask in asks]:
        of_lambda = dict(zip(map(id, outside), asks, strict=True))
        asks = tuple(_numbered(of_lambda.get(id(ask), ask), ask) for ask in looked.asks)
    return dataclasses.replace(
        plain,
        options=looked.options,
        script=looked.script,
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
    script = dataclasses.replace(looked.script, branches_were_cut=True)
    replay = Replay(looked.handler, script, looked.options, ran_before=looked.ran)
    further = recorded(replay, looked.history, replay.run())
    return further if objections(further) else looked


def _without_looking(looked: Recording) -> Recording:
    """Run the handler again; what the look told of the record holds, whether a result is a summary."""
    script = looked.script
    settled = {
        ask.operation_id: ask.recorded
        for ask in looked.asks
        if ask.recorded is not None and ask.recorded is not script.answers.get(ask.operation_id)
    }
    script = dataclasses.replace(
        script,
        answers={**script.answers, **settled},
        operations=[settled.get(one.operation_id, one) for one in script.operations],
    )
    replay = Replay(
        looked.handler, script, dataclasses.replace(looked.options, enter=False), ran_before=looked.ran
    )
    return recorded(replay, looked.history, replay.run())


def _what(ask: Ask) -> tuple[object, ...]:
    return ask.position, *identity_of(ask)


def _numbered(ask: Ask, as_: Ask) -> Ask:
    ask.seq, ask.inner, ask.entered = as_.seq, as_.inner, as_.entered
    return ask
