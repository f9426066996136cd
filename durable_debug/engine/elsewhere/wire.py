"""What goes between the processes: plain values, whatever they were made of there."""

from __future__ import annotations

from dataclasses import dataclass
from operator import attrgetter
from typing import TYPE_CHECKING, Any

from durable_debug.engine.call import BatchItem, Body, Call

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from durable_debug.engine.call import Strategy
    from durable_debug.engine.effects import SideEffect
    from durable_debug.engine.engine import Outcome
    from durable_debug.engine.ongoing_pass import LogLine
    from durable_debug.engine.places import Place, Stack
    from durable_debug.engine.recording import Looks, Raised

__all__ = ["FarBody", "FarCall", "Tuple", "WireRecording", "call_of", "stacks_of", "to_wire"]

# What every call has, in the order in which `Call` is given it; in front its number.
_ALWAYS = attrgetter(
    *(
        "seq",
        "kind",
        "operation_id",
        "parent_id",
        "parent_path",
        "number",
        "type",
        "sub_type",
        "name",
        "virtual",
        "depth",
    )
)
# What seldom is other than in the class, and goes only where it is: what calls of a type may have, and what is set.
_ANSWER = ("answered", "status", "match_id", "match_status", "match_parent_id")
_OF_TYPE = {
    "STEP": (*_ANSWER, "has_strategy"),
    "CONTEXT": (*_ANSWER, "replays_children", "ends_early", "summarises"),
    "CHAINED_INVOKE": (*_ANSWER, "sends_unknown"),
}
_SET = {"ended_it", "handed", "payload", "looked", "entered", "ran", "supposed", "branches", "by_chance"}

Tuple = tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class WireRecording:
    """A recording, without what is known on the other side: the runner, the history, the options.

    Attributes
    ----------
    runner
        Number of what runs it again.
    number
        Of the pass, to ask for more of it.
    places
        Each place once; elsewhere it is its index.
    halt
        Kind, message, number of the call and place of `Halt`.
    """

    runner: int
    number: int
    outcome: Outcome
    places: tuple[Place, ...]
    calls: tuple[Tuple, ...]
    logs: tuple[LogLine, ...]
    side_effects: tuple[SideEffect, ...]
    halt: tuple[str, str, int | None, Place | None] | None
    beyond: int | None
    raised: Raised | None
    ends: Mapping[str, Place]
    ran: frozenset[str]
    stacks: Mapping[int, tuple[int, ...]]
    looks: Looks | None


class FarBody(Body):
    """How a body ended in another process: what is seldom asked for is fetched when it is."""

    def __init__(self, call: FarCall, how: str, known: Mapping[str, Any]) -> None:
        self.how = how
        self._call = call
        for name, value in known.items():
            setattr(self, name, value)

    def __getattr__(self, name: str) -> Any:
        if name not in {"plain", "writable"}:
            raise AttributeError(name)
        value = self._call.more("body", name)
        self.__dict__[name] = value
        return value

    def reads_as(self, payload: str | None) -> tuple[bool | None, str]:
        """Whether its codec reads the recorded payload as it reads what it writes."""
        found: tuple[bool | None, str] = self._call.more("reads_as", payload)
        return found


class FarStrategy:
    """How something is tried again, as the SDK of another process decides."""

    def __init__(self, most: int, of_any_error: bool, call: FarCall) -> None:  # noqa: FBT001
        self.most = most
        self.of_any_error = of_any_error
        self._call = call

    def delays(self, attempt: int) -> tuple[int, int]:
        """Between which numbers of seconds the pause behind an attempt may be."""
        found: tuple[int, int] = self._call.more("delays", attempt)
        return found


class FarCall(Call):
    """A call in another process."""

    answers: Callable[..., Any]  # the other process, asked about calls by their number
    _items: Mapping[int, BatchItem] | None = None

    def more(self, *question: Any) -> Any:
        """Ask for more of it."""
        return self.answers(self.seq, *question)

    @property
    def items(self) -> Mapping[int, BatchItem]:  # type: ignore[override]
        """What each branch gave."""
        if self.kind not in {"map", "parallel"} or not self.answered:
            return {}
        if self._items is None:
            self.__dict__["_items"] = self.more("items")
        return self._items or {}

    @property
    def strategy(self) -> Strategy | None:  # type: ignore[override]
        """How it is tried again."""
        if self.type != "STEP":
            return None
        known = self.more("strategy")
        return FarStrategy(known[0], known[1], self) if known is not None else None

    def would_send(self, recorded: str | None) -> bool:
        """Whether what an invoke sends is what was sent, by its own codec."""
        return bool(self.more("would_send", recorded))


def to_wire(call: Call, place: int | None) -> Tuple:
    """Make of a call what `call_of` reads."""
    seldom = {name: value for name, value in vars(call).items() if name in _SET}
    for name in _OF_TYPE.get(call.type, _ANSWER):
        value = getattr(call, name)
        if value:
            seldom[name] = value
    within = call.within.seq if call.within is not None else None
    return _ALWAYS(call), seldom, dict(call.arguments), within, place, call.objection, _body(call)


def _body(call: Call) -> tuple[str, dict[str, Any]] | None:
    body = call.body
    if body is None:
        return None
    if body.how == "returned":
        known = {
            "text": _shown(body),
            "written": body.written,
            "has_codec": body.has_codec,
            "is_unknown": body.is_unknown,
        }
    elif body.how == "raised":
        known = {"error_type": body.error_type, "error": dict(body.error), "text": _shown(body)}
    else:
        known = {}
    return body.how, known


def _shown(body: Body) -> str:
    try:
        return body.text
    except Exception as error:  # noqa: BLE001 - a user's own class may do anything
        return f"<its text raises {type(error).__name__}>"


def call_of(
    wire: Tuple, calls: Mapping[int, Call], places: tuple[Place, ...], more: Callable[..., Any]
) -> FarCall:
    """Give the call that `to_wire` wrote.

    Parameters
    ----------
    asks
        Those before it, by number.
    more
        Calls the other process for more of it, by its number.
    """
    always, seldom, arguments, within, place, objection, body = wire
    seq, kind, id_, parent, path, number, type_, sub_type, name, virtual, depth = always
    outer = calls.get(within) if within is not None else None
    call = FarCall(kind, id_, parent, path, number, type_, sub_type, name, virtual, depth, outer)
    vars(call).update(
        seldom,
        seq=seq,
        arguments=arguments,
        place=places[place] if isinstance(place, int) else place,
        objection=objection,
        answers=more,
    )
    if body is not None:
        call.body = FarBody(call, *body)
    return call


def stacks_of(stacks: Mapping[int, tuple[int, ...]], places: tuple[Place, ...]) -> Mapping[int, Stack]:
    """Give the stacks with their places."""
    return {seq: tuple([places[at] for at in stack]) for seq, stack in stacks.items()}
