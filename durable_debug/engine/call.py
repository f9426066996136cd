"""A call of the handler as plain data, whatever language it was made in: what divergences are found in.

Everything here is read by all rooms above the seam; it is written by what runs the handler, before the pass has ended.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping
    from types import FrameType

    from durable_debug.engine.origins import Origin
    from durable_debug.engine.places import Place

__all__ = ["BatchItem", "Body", "Call", "Objection", "Strategy"]


@dataclass(frozen=True, slots=True)
class Objection:
    """What the SDK objects to an operation: another identity, or a payload that it can't read.

    Attributes
    ----------
    type
        Name of its exception's class: ``NonDeterministicExecutionError``, ``SerDesError``.
    text
        Its message.
    error
        The error object that the SDK would send.
    operation_id
        The operation that it is about, where it says so: of a map or parallel it may be one of its branches.
    is_unreadable
        Whether it is that a payload can't be read.
    """

    type: str
    text: str
    error: Mapping[str, Any] = field(hash=False)
    operation_id: str | None = None
    is_unreadable: bool = False

    @property
    def is_identity(self) -> bool:
        """Whether it is that another operation was recorded, which ends an execution."""
        return self.type == "NonDeterministicExecutionError"


@dataclass(frozen=True, slots=True)
class BatchItem:
    """What one branch of a finished map or parallel gave, as the recorded result of that has it.

    Attributes
    ----------
    status
        ``SUCCEEDED``, ``FAILED`` or ``STARTED``.
    plain
        See `Body.plain`.
    text
        Its result, to be shown.
    error
        Its error object.
    """

    status: str
    plain: tuple[bool, str | None]
    text: str
    error: Mapping[str, Any] | None


class Strategy(Protocol):
    """How a step is tried again, or a condition polled, as far as the SDK itself decides."""

    @property
    def most(self) -> int:
        """How many attempts it makes at most."""

    @property
    def of_any_error(self) -> bool:
        """Whether it goes on after whatever error."""

    def delays(self, attempt: int) -> tuple[int, int]:
        """Between which numbers of seconds the pause behind an attempt (from 1) may be."""


class Body:
    """How a body ended that was looked into.

    Attributes
    ----------
    how
        ``returned``, ``raised``, or ``left`` where its recorded part ends.
    error_type, error
        Name of the class of what it raised, and the error object that the SDK would send.
    text
        What it returned or raised, to be shown.
    plain
        What the SDK writes of what it returned where no codec is asked for, after whether it can write it.
    written
        What its context would write of it; or None and why it can't be written here.
    writable
        Whether the SDK could write it, or a summary of it.
    has_codec, is_unknown
        Whether a codec of the user's writes it; whether it holds what nobody knows.
    """

    how: str
    error_type: str
    error: Mapping[str, Any]
    text: str
    plain: tuple[bool, str | None]
    written: tuple[str | None, str]
    writable: bool
    has_codec: bool
    is_unknown: bool

    def reads_as(self, payload: str | None) -> tuple[bool | None, str]:
        """Whether its codec reads the recorded payload as it reads what it writes; or None, and why nobody can tell."""
        raise NotImplementedError


class Call:
    """One operation that the handler asked for: plain data, whatever language it was asked in.

    What is seldom set has its default in the class.

    Attributes
    ----------
    kind
        What was called: ``step``, ``wait``, ``create_callback``, ``wait_for_callback``, ``invoke``, ``wait_for_condition``,
        ``run_in_child_context``, ``map``, ``parallel``; or ``branch``, which a map or parallel asks for itself.
    position
        Its logical position, such as ``"3-1"``.
    place
        The call in the user's code.
    arguments
        What was asked of it, by name.
    answered
        Whether the record answers it.
    status
        Status of that answer.
    match_id, match_status, match_parent_id
        Of the recorded operation that belongs to it, whether or not the SDK is given it.
    replays_children
        Whether no result of the context is on record, but that its operations are to be replayed.
    objection
        What the SDK objects to it.
    ended_it
        Whether that objection is what left the handler.
    handed
        Whether it failed in a thread that the handler had handed it to.
    body
        How its body ended, where it was looked into.
    items
        Of a finished map or parallel: what each branch gave, by index, as far as its result tells.
    ends_early
        Of a map or parallel: whether it need not await all branches.
    summarises
        Of a child context: whether it has a summary generator of its own.
    has_strategy, strategy
        Of a step or wait_for_condition: whether the call says how it is tried again; the strategy, the SDK's default
        included, or None where it is a function of the user's.
    payload, sends_unknown
        What an invoke would send, as text; whether that holds what nobody knows.
    looked, entered, ran
        Asked for in a body that Lambda would not enter; its own body was looked into; its body really ran.
    supposed
        It would run or begin on Lambda; here the handler went on with a value that nobody knows.
    """

    seq = -1
    place: Place | None = None
    arguments: Mapping[str, Any] = MappingProxyType({})
    answered = False
    status: str | None = None
    match_id: str | None = None
    match_status: str | None = None
    match_parent_id: str | None = None
    has_strategy = False
    strategy: Strategy | None = None
    replays_children = False
    objection: Objection | None = None
    ended_it = False
    handed = False
    body: Body | None = None
    items: Mapping[int, BatchItem] = MappingProxyType({})
    ends_early = False
    summarises = False
    payload: str | None = None
    sends_unknown = False
    looked = False
    entered = False
    ran = False
    supposed = False
    branches: int | None = None
    is_frozen = False
    by_chance = False  # a pause whose length the SDK draws by chance
    frame: FrameType | None = None  # of a batch's call, while a debugger looks on
    origin: Origin = ()  # where the thread that asks was handed this to, while somebody looks on

    def __init__(  # noqa: PLR0913, PLR0917
        self,
        kind: str,
        operation_id: str,
        parent_id: str | None,
        parent_path: str,
        number: int,
        type_: str,
        sub_type: str,
        name: str | None,
        virtual: bool,  # noqa: FBT001
        depth: int,
        within: Call | None,
    ) -> None:
        self.kind = kind
        self.operation_id = operation_id
        self.parent_id = parent_id
        self.parent_path = parent_path
        self.number = number
        self.position = f"{parent_path}-{number}" if parent_path else str(number)
        self.type = type_
        self.sub_type = sub_type
        self.name = name
        self.virtual = virtual
        self.depth = depth
        self.within = within

    @property
    def deed(self) -> str:
        """What would happen if it went ahead without a recorded answer."""
        what = f" {self.name!r}" if self.name else ""
        match self.type, self.sub_type:
            case ("STEP", "WaitForCondition"):
                return f"the check of wait_for_condition{what} would run"
            case ("STEP", _):
                return f"the body of step{what} would run"
            case ("CHAINED_INVOKE", _):
                return f"invoke{what} would call {self.arguments.get('function_name')!r}"
            case ("WAIT", _):
                return f"wait{what} would start"
            case _:
                return f"callback{what} would be created"

    def would_send(self, recorded: str | None) -> bool:  # noqa: ARG002
        """Whether what an invoke sends is what was sent, by a codec that need not write the same text twice."""
        return False

    def freeze(self) -> None:
        """Let nothing of it be changed any more."""
        _ = self.arguments  # of what it was given, which the user may change
        self.__class__ = _frozen(type(self))


_frozen_kinds: dict[type[Call], type[Call]] = {}


def _frozen(kind: type[Call]) -> type[Call]:
    if kind not in _frozen_kinds:
        refused = {"__setattr__": _refuse_change, "__delattr__": _refuse_change, "is_frozen": True}
        frozen = type(kind.__name__, (kind,), refused)
        _frozen_kinds[kind] = frozen
    return _frozen_kinds[kind]


def _refuse_change(_: Call, name: str, *__: object) -> None:
    raise AttributeError(f"A replay that has ended does not change: {name} can't be set.")
