"""What reports say of a divergence: the sentences made of its facts. Everything that is said of one is said here."""

from __future__ import annotations

from functools import singledispatch
from typing import TYPE_CHECKING

from durable_debug.divergence.facts import (
    Argument,
    Asked,
    Branch,
    Branches,
    Ending,
    Error,
    Failed,
    Operations,
    OtherFunction,
    Raises,
    Result,
    Said,
    Side,
    Where,
)
from durable_debug.reports.paths import relative
from durable_debug.spelling import option
from durable_debug.wording import abridged, counted, described, listed, named, short_ids

if TYPE_CHECKING:
    from durable_debug.divergence.divergence import Divergence
    from durable_debug.divergence.effects import Stop
    from durable_debug.divergence.facts import Identity

__all__ = ["KINDS", "advice", "asked", "effect", "located", "message", "recorded", "whose"]

_KEEP = "Keep the code of running executions: deploy the change as a new version and let old executions end on theirs."
_WHOSE = "Name the function's own handler, or a history of this one."
_OTHER_ARGUMENT = "{name}: {what} was {recorded}, is now {asked}"

# kind -> (sentence, advice)
KINDS: dict[str, tuple[str, str]] = {
    "missing": ("{recorded} {was} recorded, but {is_} not asked for", f"{_KEEP}"),
    "unexpected": ("{asked} is asked for, but the history has no such operation", f"{_KEEP}"),
    "renamed": (
        "{recorded} is now {asked}",
        "Keep operation names: give it its recorded name again, or version the function.",
    ),
    "retyped": (
        "{recorded} is now {asked}",
        "Keep the kind of a recorded operation, or version the function.",
    ),
    "reparented": ("{recorded} is now {asked}", "Keep operations in the context that they were recorded in."),
    "reordered": (
        "recorded in the order {recorded}, now asked for as {asked}",
        "Ask for operations in the recorded order; do not order them by a set, a clock or chance.",
    ),
    "nesting_changed": (
        "recorded {recorded}, now {asked}",
        "Keep contexts and the nesting type of maps and parallels as recorded.",
    ),
    "item_count": (
        "{name} had {recorded}, now it has {asked}",
        "Compute the items in a step, so that a replay has the same ones.",
    ),
    "branch_name": ("branch {recorded} is now {asked}", "Keep the names of items and branches as recorded."),
    "wait_duration": (
        _OTHER_ARGUMENT,
        "Nothing for this execution; new ones wait as the code says.",
    ),
    "invoke_target": (
        _OTHER_ARGUMENT,
        "Make sure that old executions may keep the old function's answer.",
    ),
    "invoke_payload": (
        _OTHER_ARGUMENT,
        "Compute what is sent in a step, or accept that old executions keep the old answer.",
    ),
    "invoke_tenant": (
        _OTHER_ARGUMENT,
        "Make sure that old executions may keep the old tenant's answer.",
    ),
    "callback_timeout": (
        _OTHER_ARGUMENT,
        "Nothing for this execution; new callbacks time out as the code says.",
    ),
    "retry_strategy": (
        _OTHER_ARGUMENT,
        "Nothing for attempts that were made; further ones are made as the code says.",
    ),
    "wait_strategy": (
        _OTHER_ARGUMENT,
        "Nothing for polls that were made; further ones are made as the code says.",
    ),
    "child_result": (
        "{name}: its body {recorded}, now it {asked}",
        "Move what changed into a step, or accept that completed contexts keep their recorded result.",
    ),
    "result": (
        "the execution ended {recorded}, the replay {asked}",
        "Compute the result from operations only: no clock, chance or outside state between them.",
    ),
    "error": (
        "the execution ended {recorded}, the replay {asked}",
        "Compute errors from operations only: no clock, chance or outside state between them.",
    ),
    "outcome": (
        "the execution {recorded}, the replay {asked}",
        "Look at what decided the end: step back from the end stop in the debugger.",
    ),
    "undeserializable": (
        "the recorded {recorded} can't be read any more: {asked}",
        "Let the serdes read what older versions wrote.",
    ),
    "swallowed": (
        "the SDK's {recorded} is caught by the handler: {asked}",
        "Don't catch Exception around operations; catch what you expect, and let ExecutionError pass.",
    ),
    "side_effect": (
        "outside a step: {asked}",
        "Move it into a step: outside, it happens again at every replay.",
    ),
    "nondeterministic": (
        "{again}",
        "Put what it depends on into a step.",
    ),
    "would_run": ("{asked} ({recorded})", "Make the body idempotent, or use at-most-once semantics."),
    "other_function": ("", _WHOSE),
}


_REPLAYS = (
    " The handler asks the context whether it is replaying: what it does the first time only is not asked for again, "
    "so each replay differs. Ask for operations either way."
)
_DEPENDS = (
    "Put what it depends on into a step (a clock, a random number, a UUID, the environment, a set's order, state that a "
    "module keeps): a step's result is recorded, and a replay gets the same one."
)
_IN_A_BODY = (
    "Ask for it outside of the body of {}: that does not run again, so that what is asked for behind it "
    "has another number then."
)


# ------------------------------------------------------------------------------------------- both sides


def recorded(one: Divergence) -> str | None:
    """Tell what is recorded."""
    side = one.sides[0]
    return None if side is None or isinstance(side, OtherFunction) else _said(side)


def asked(one: Divergence) -> str | None:
    """Tell what is asked for."""
    if one.kind == "nondeterministic" and one.twice is not None:
        once, again = map(_done, one.twice)
        return f"{once}, then {again}"
    side = one.sides[1]
    return None if side is None else _said(side)


@singledispatch
def _said(side: Side) -> str:
    """Tell one side."""
    raise TypeError(type(side).__name__)


@_said.register
def _(side: Said) -> str:
    return side.text


@_said.register
def _(side: Operations) -> str:
    names = [named(identity) for identity in side.identities]
    if side.numbers:
        names = [f"{name} (number {at})" for name, at in zip(names, side.numbers, strict=True)]
    return " ".join(filter(None, (listed(names), _where(side.where) if side.where is not None else "")))


def _where(where: Where) -> str:
    if where.how == "alone":
        return "without a context of their own"
    if where.how == "without":
        return "without it"
    if where.context is None:
        return f"{where.how} the handler"
    type_, sub_type, name = where.context
    if not where.position:
        return f"{where.how} {named((type_, sub_type, name))}"
    return f"{where.how} {sub_type} {abridged(name)!r}" if name else f"{where.how} context {where.position}"


@_said.register
def _(side: Branches) -> str:
    changes = [
        f"{word}: {listed([_branch(branch) for branch in branches])}"
        for word, branches in (("gone", side.gone), ("new", side.new))
        if branches
    ]
    which = f" ({'; '.join(changes)})" if changes else ""
    return f"{counted(side.count, 'branch', 'branches')}{which}"


def _branch(branch: Branch) -> str:
    name = f" {branch.name!r}" if branch.name else ""
    return f"branch {branch.index}{name}" + (f" with {named(branch.first)}" if branch.first else "")


@_said.register
def _(side: Argument) -> str:
    return f"{side.what}: {side.value.shown}"


@_said.register
def _(side: Result) -> str:
    return f"result {side.value.shown}"


@_said.register
def _(side: Failed) -> str:
    return f"failed with {_error(side.error)}"


@_said.register
def _(side: Raises) -> str:
    return f"raises {_error(side.error)}"


def whose(one: OtherFunction) -> str:
    """Tell that a history seems to be of another function, and what to do."""
    return f"{_other_function(one)} {_WHOSE}"


@_said.register(OtherFunction)
def _other_function(one: OtherFunction) -> str:
    whose = (
        f"This is a history of {abridged(one.function)!r}"
        if one.function
        else "This may be a history of another function"
    )
    names = [abridged(name) for name in one.names]
    if one.recorded > len(names):
        names.append("…")
    ended = f", which ends with {one.ended}" if one.ended else ""
    asked = f"0 of its {one.recorded:,} operations are asked for"
    return f"{whose}; {asked} by {relative(one.handler)} ({', '.join(names)}){ended}."


def _error(error: Error | None) -> str:
    return "an error" if error is None else f"{error.type or 'an error'}: {error.message.shown}"


@_said.register
def _(side: Ending) -> str:
    how = _ending(side)
    return f"the handler goes on: {how}" if side.goes_on else how


def _ending(end: Ending) -> str:
    if end.status == "FAILED" and end.error:
        return f"FAILED with {_error(end.error)}"
    if end.status == "SUCCEEDED" and end.result:
        return f"SUCCEEDED with {end.result.shown}"
    if end.status == "CRASHED" and end.error:
        return f"ends without an output: {_error(end.error)}"
    return "is suspended" if end.status in {"PENDING", "RUNNING"} else f"is {end.status}"


def _done(one: Asked | Ending) -> str:
    """Tell what a handler did in one of two replays."""
    if isinstance(one, Ending):
        what = _error(one.error) if one.error else one.result.shown if one.result else "nothing"
        return f"it ends {one.status} with {what}"
    if one.identity is None:
        return "it asks for nothing more"
    if not one.arguments:
        return f"it asks for {named(one.identity)}"
    arguments = ", ".join(f"{argument.what} {argument.value.shown}" for argument in one.arguments)
    return f"{named(one.identity)} with {arguments}"


# ----------------------------------------------------------------------------------- message and advice


def message(one: Divergence) -> str:
    """One sentence with both sides, and the operation's name where the sides are of something of it."""
    if one.told is not None:
        return one.told[0]
    if isinstance(one.sides[0], OtherFunction):
        return _other_function(one.sides[0])
    text = short_ids(KINDS[one.kind][0].format(**_parts(one)))
    if one.alike:
        text += f" (and {one.alike} more like it)"
    text = text[:1].upper() + text[1:].rstrip(".") + "."
    return f"{text} {_twice(one)}" if one.twice is not None and one.kind != "nondeterministic" else text


def _parts(one: Divergence) -> dict[str, str]:
    """What the sentences are made of."""
    was, now = one.sides
    several = isinstance(was, Operations) and len(was.identities) > 1
    parts = {
        "name": described(*one.subject) if one.subject is not None else "",
        "recorded": recorded(one) or "",
        "asked": asked(one) or "",
        "was": "were" if several else "was",
        "is_": "are" if several else "is",
        "again": _twice(one),
    }
    if isinstance(was, Argument) and isinstance(now, Argument):
        parts |= {"what": was.what, "recorded": was.value.shown, "asked": now.value.shown}
    elif one.kind == "child_result":
        if isinstance(was, Result):
            parts["recorded"] = f"returned {was.value.shown}"
        if isinstance(now, Result):
            parts["asked"] = f"returns {now.value.shown}"
    elif one.kind == "nesting_changed" and isinstance(was, Said) and isinstance(now, Said):
        parts |= {"recorded": f"{parts['name']} with {was.text}", "asked": f"with {now.text}"}
    return parts


def _twice(one: Divergence) -> str:
    if one.twice is None:
        return ""
    once, again = map(_done, one.twice)
    return f"This handler does not do the same twice: replayed once, {once}; replayed again, {again}."


def advice(one: Divergence) -> str:
    """What to do about it."""
    if one.told is not None:
        return one.told[1]
    if one.twice is not None:
        return _DEPENDS
    body: Identity | None = one.in_body_of
    text = KINDS[one.kind][1] if body is None else _IN_A_BODY.format(described(*body))
    if one.kind == "side_effect":
        text += f" To let it happen while you look, name it in {option('allow')}."
    return text + _REPLAYS if one.asks_whether_it_replays else text


# ------------------------------------------------------------------------------------ what Lambda does

_CAUGHT = "a NonDeterministicExecutionError, which the handler catches, and"
# (what, why) of an effect -> what is said; `stop` is how the execution ends, or what it goes on to do.
EFFECTS = {
    (
        "nothing",
        "unseen",
    ): "Nothing: the context around it has ended and answers from its checkpoint, so its body does not "
    "run again. An execution that is still in it is hit.",
    (
        "nothing",
        "side_effect",
    ): "Nothing any more: the context around it has ended, so its body does not run again. "
    "Until it ends, each replay does it again.",
    (
        "nothing",
        "met",
    ): "Nothing any more: this is what the SDK objected to in the context around it, whose body went on "
    "from that as it does now. It has ended and answers from its checkpoint.",
    ("nothing", "answers"): "Nothing: the context has ended and answers with what was recorded.",
    ("nothing", "on_record"): "Nothing visible: the operation is on record and answers from its checkpoint.",
    ("unnoticed", "ends"): "Lambda notices nothing: the execution {stop}.",
    ("unnoticed", "goes_on"): "Lambda notices nothing and {stop}.",
    ("unnoticed", "objects_no_more"): "Lambda no longer objects to anything and {stop}.",
    ("unnoticed", "here"): "Lambda notices nothing here and goes on; then the execution {stop}.",
    ("stops", "ends"): "The execution {stop}.",
    ("stops", "on_record"): "This is on record: the execution {stop}.",
    ("stops", "recorded_end"): "This is what ended the execution: it {stop}.",
    (
        "stops",
        "likely_recorded_end",
    ): "This is what ended the execution, as far as the record tells: it {stop}.",
    ("not_reached", ""): "Not reached: the execution {stop}.",
    ("repeats", ""): "It happens again at each replay: after a wait, a callback, a retry or a crash.",
    ("runs_again", ""): "The body runs again: Lambda has no result for it.",
    ("swallowed", "fails"): "The execution {stop}.",
    ("swallowed", "ends"): "The execution does not fail: it {stop}.",
    ("hangs", ""): "The invocation runs until its time limit, and Lambda tries it again.",
}


def effect(one: Divergence) -> str:
    """What Lambda would do."""
    effect = one.effect
    if effect is None:
        return ""
    stop = _stop(effect.stop) if effect.stop is not None else ""
    if effect.what == "raises":
        return f"The operation raises {effect.why} in the handler: the execution {stop}."
    return EFFECTS[effect.what, effect.why].format(stop=stop)


def _stop(stop: Stop) -> str:
    """Tell how the execution stops, behind its name."""
    return f"meets {_CAUGHT} {_end(stop)}" if stop.caught else _end(stop)


def _end(stop: Stop) -> str:
    match stop.how:
        case "fails":
            return f"fails with NonDeterministicExecutionError: {stop.detail}"
        case "ends" if stop.status == "FAILED":
            return f"ends FAILED with {stop.detail}"
        case "ends":
            which = {True: " with the recorded result", False: " with another result", None: ""}[stop.same]
            return f"ends {stop.status}{which}"
        case "retried":
            return "ends its invocation without an output, and Lambda tries it again"
        case "suspended":
            return "stays suspended" if stop.same else "is suspended, and does not end"
        case "goes_on":
            return f"goes on: {stop.detail}"
        case _:
            return f"could not be followed to its end ({stop.detail})"


# ------------------------------------------------------------------------------------ where it is


def located(divergence: Divergence) -> str:
    """Tell where in the history a divergence is: position asked for, the recorded one where it is another, events."""
    asked, recorded, events = divergence.position, divergence.recorded_position, divergence.event_ids
    parts = [f"position {asked}"] if asked else []
    if recorded and recorded != asked:
        parts.append(f"recorded at {recorded if asked else f'position {recorded}'}")
    if events:
        parts.append(f"event{'s' if len(events) > 1 else ''} {listed([str(event) for event in events])}")
    return ", ".join(parts)
