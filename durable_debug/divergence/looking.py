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
    from durable_debug.engine.ongoing_pass import Call
    from durable_debug.engine.recording import Recording

__all__ = ["as_on_lambda"]


def as_on_lambda(looked: Recording) -> Recording:
    """Give a recording whose outcome, and whose operations outside of what was looked at, are Lambda's."""
    looked = _to_the_objection(looked)
    as_recorded = not looked.objected and ends_as_recorded(looked)
    if not any(call.looked for call in looked.calls) or as_recorded:
        return looked  # what the user allowed to run is not run twice
    if looked.halt is not None and looked.halt.kind == "timeout":
        return looked  # a body that never ends is worth more than an end without it
    plain = looked.runner.without_looking(looked)
    calls, known = plain.calls, {call.position for call in plain.calls}
    outside = [a for a in looked.calls if not a.looked and (a.kind != "branch" or a.position in known)]
    if [_what(call) for call in outside] == [_what(call) for call in calls]:
        of_lambda = dict(zip(map(id, outside), calls, strict=True))
        calls = tuple(_numbered(of_lambda.get(id(call), call), call) for call in looked.calls)
    return dataclasses.replace(
        plain,
        options=looked.options,
        calls=calls,
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


def _what(call: Call) -> tuple[object, ...]:
    return call.position, *identity_of(call)


def _numbered(call: Call, as_: Call) -> Call:
    call.seq, call.body, call.entered = as_.seq, as_.body, as_.entered
    return call
