"""What a comparison finds, as data: both sides of each difference. What is said of it, `reports.words` says."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from durable_debug.wording import shortened

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from durable_debug.engine.ongoing_pass import Call
    from durable_debug.engine.places import Place
    from durable_debug.history import History, Operation

__all__ = [
    "END",
    "KINDS",
    "STRUCTURE",
    "VALUE_KEEPING",
    "VIRTUAL",
    "Argument",
    "Asked",
    "Branch",
    "Branches",
    "Ending",
    "Error",
    "Failed",
    "Finding",
    "Identity",
    "Operations",
    "OtherFunction",
    "Raises",
    "Result",
    "Said",
    "Side",
    "Text",
    "Twice",
    "Where",
    "error_of",
    "payload_texts",
    "text_of",
]

END = float("inf")  # order of what shows when the handler has ended

_OF_STRUCTURE = (
    "missing",
    "unexpected",
    "renamed",
    "retyped",
    "reparented",
    "reordered",
    "nesting_changed",
    "item_count",
    "branch_name",
)
STRUCTURE = frozenset(_OF_STRUCTURE)
"""Kinds of which the operations themselves differ, not only their arguments or results."""
KINDS = (
    *_OF_STRUCTURE,
    "wait_duration",
    "invoke_target",
    "invoke_payload",
    "invoke_tenant",
    "callback_timeout",
    "retry_strategy",
    "wait_strategy",
    "child_result",
    "result",
    "error",
    "outcome",
    "undeserializable",
    "swallowed",
    "side_effect",
    "nondeterministic",
    "would_run",
)
"""All kinds of divergence; `reports.words` has a sentence for each."""
# Every call still has its recorded answer: another result has a cause of its own.
VALUE_KEEPING = frozenset(
    {
        "renamed",
        "reordered",
        "branch_name",
        "nesting_changed",
        "wait_duration",
        "invoke_target",
        "invoke_payload",
        "invoke_tenant",
        "callback_timeout",
        "retry_strategy",
        "wait_strategy",
        "swallowed",
    }
)

# ------------------------------------------------------------------------------------------- one side

Identity = tuple[str, str | None, str | None]  # type, sub-type, name
VIRTUAL: Identity = ("CONTEXT", "virtual", None)


@dataclass(frozen=True, slots=True)
class Text:
    """A payload or message, as much of it as is shown; `digest` is of all of it."""

    shown: str
    digest: bytes


def text_of(value: object) -> Text:
    """Keep of a payload or message what is shown, and what tells it from all others."""
    return Text(shortened(value), _digest(value))


def payload_texts(
    history: History, operation: Operation | None, recorded: Any, asked: Any
) -> tuple[Text, Text]:
    """Keep of two payloads the values that they stand for; where these look alike, the payloads themselves."""
    shown = [history.plain(one, operation) if isinstance(one, str) else one for one in (recorded, asked)]
    if shown[0] == shown[1]:  # a tuple that is a list now
        shown = [recorded, asked]
    return Text(shortened(shown[0]), _digest(recorded)), Text(shortened(shown[1]), _digest(asked))


def _digest(value: object) -> bytes:
    return hashlib.blake2b(str(value).encode(errors="replace"), digest_size=16).digest()


@dataclass(frozen=True, slots=True)
class Error:
    """An error object."""

    type: str | None
    message: Text


def error_of(error: Mapping[str, Any] | None) -> Error | None:
    """Keep of an error object what is shown; None where it is empty."""
    return Error(error.get("ErrorType"), text_of(error.get("ErrorMessage"))) if error else None


@dataclass(frozen=True, slots=True)
class Where:
    """In which context operations stand, or which one is around them.

    Attributes
    ----------
    how
        ``in`` a context, ``inside`` one that is new or gone, ``alone``: not in one of their own, ``without`` it.
    context
        None for the handler.
    position
        Of a context that is asked for.
    """

    how: Literal["in", "inside", "alone", "without"]
    context: Identity | None = None
    position: str = ""


@dataclass(frozen=True, slots=True)
class Operations:
    """Operations, in this order; or only where they stand now.

    Attributes
    ----------
    numbers
        Their positions, where their names don't tell them apart.
    """

    identities: tuple[Identity, ...] = ()
    where: Where | None = None
    numbers: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Branch:
    """A branch of a map or parallel; `name` where the code gives one, `first` what it begins with."""

    index: int
    name: str | None
    first: Identity | None


@dataclass(frozen=True, slots=True)
class Branches:
    """How many branches a map or parallel has, and which came or went."""

    count: int
    gone: tuple[Branch, ...] = ()
    new: tuple[Branch, ...] = ()


@dataclass(frozen=True, slots=True)
class Argument:
    """What an operation is asked with."""

    what: str
    value: Text


@dataclass(frozen=True, slots=True)
class Result:
    """What a body gave."""

    value: Text


@dataclass(frozen=True, slots=True)
class Failed:
    """A body that is recorded as failed."""

    error: Error | None


@dataclass(frozen=True, slots=True)
class Raises:
    """A body that raises."""

    error: Error


@dataclass(frozen=True, slots=True)
class Ending:
    """How an execution ended, or a replay of it: result and error are those of the status."""

    status: str
    result: Text | None = None
    error: Error | None = None
    goes_on: bool = False  # the handler does, after an objection that it catches


@dataclass(frozen=True, slots=True)
class Said:
    """A side that has no parts: its words, and what tells it from all others, where they are cut."""

    text: str
    digest: bytes = b""


@dataclass(frozen=True, slots=True)
class OtherFunction:
    """A history that seems to be of another function than the handler.

    Attributes
    ----------
    function
        Its name, from the execution's ARN; None where that is not known.
    handler
        The handler's name.
    recorded
        How many of the recorded operations have a name: the handler asks for none of them.
    names
        Some of those names.
    ended
        Name of the class that ended the handler, where it asked for nothing at all.
    """

    function: str | None
    handler: str
    recorded: int
    names: tuple[str, ...]
    ended: str | None = None


Side = Operations | Branches | Argument | Result | Failed | Raises | Ending | Said | OtherFunction


@dataclass(frozen=True, slots=True)
class Asked:
    """A call, and the arguments that can be compared; `identity` is None where there is none."""

    identity: Identity | None
    arguments: tuple[Argument, ...] = ()


Twice = tuple[Asked | Ending, Asked | Ending]  # what a handler did in one replay and in another

# -------------------------------------------------------------------------------------- a difference


@dataclass(frozen=True, slots=True, eq=False)
class Finding:
    """One difference.

    Attributes
    ----------
    kind
        One of `KINDS`.
    recorded, asked
        The two sides; None where a side has nothing.
    operation, ask
        The recorded operation and the call that it is about.
    also
        Further recorded operations that this one accounts for.
    place
        The line; None where it is that of a call: of `ask`, or else of `follower`.
    looked
        Whether it is in the body of an ended context, which is run only to look into it.
    path
        The context asked for in which operations are missing.
    leader, follower
        The calls before and behind operations that are missing.
    run
        The first of several insertions in a row; their lines may be one turn of a loop.
    in_body_of
        The operation in whose body was asked for what is missing.
    order
        Where it shows among the calls of the pass.
    """

    kind: str
    recorded: Side | None
    asked: Side | None
    operation: Operation | None = None
    call: Call | None = None
    also: tuple[Operation, ...] = ()
    place: Place | None = None
    looked: bool = False
    path: str = ""
    leader: Call | None = None
    follower: Call | None = None
    run: Call | None = None
    in_body_of: Identity | None = None
    order: float = END

    @property
    def anchor(self) -> Call | None:
        """The call at which it shows."""
        return self.call or self.follower
