"""What the debugger shows where it stands."""

from __future__ import annotations

import itertools
import reprlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from durable_debug.divergence.wording import abridged
from durable_debug.engine.foreign import repr_of

if TYPE_CHECKING:
    from collections.abc import Iterable
    from types import FrameType

    from durable_debug.divergence import Divergence
    from durable_debug.engine.asked import AskedOperation, Place
    from durable_debug.history import Operation

__all__ = ["StackFrame", "Stop", "Variable", "preview"]

_LONGEST = 200
_PLAIN = {list, tuple, set, frozenset, dict}


@dataclass(frozen=True, slots=True)
class StackFrame:
    """One function of the user's code on the call stack."""

    function: str
    file: str
    line: int

    def __str__(self) -> str:
        return f"{self.function} at {self.file}:{self.line}"


@dataclass(frozen=True, slots=True)
class Variable:
    """One variable, item or attribute.

    Attributes
    ----------
    preview
        Its `repr`, cut at 200 characters.
    children
        Whether there is something inside it to look at.
    """

    name: str
    type: str
    preview: str
    children: bool


@dataclass(frozen=True, slots=True, repr=False)
class Stop:
    """A place in the user's code where an operation is about to be answered.

    Attributes
    ----------
    index
        Number of the stop, from 0. The stops of a replay are its operations in the order of asking, then an
        exception that leaves the handler, then the end.
    kind
        ``"operation"``, ``"exception"`` or ``"end"``.
    reason
        Why it stopped here: a verb, ``"breakpoint 2: name=charge-*"``, ``"divergence"`` …
    operation
        The recorded operation that answers, with its data; None if the history has none.
    asked
        What the handler asked for.
    source
        The line of the user's code.
    divergences
        What the replay does otherwise here.
    error
        What leaves the handler: at an exception, or at an end that was one.
    state_event_id
        The history stood at this event then (see ``history.state_at``).
    status
        At the end, the replay's status.
    changed_by
        An expression that changed what the handler holds, so that what follows need not be as recorded. To go
        back, or to the same stop, takes the replay anew, without it.
    """

    index: int
    kind: str
    reason: str
    operation: Operation | None
    asked: AskedOperation | None
    source: Place | None
    divergences: tuple[Divergence, ...]
    error: str | None
    state_event_id: int
    status: str | None = None
    changed_by: str | None = None

    def __repr__(self) -> str:
        where = f" at {self.source}" if self.source else ""
        changed = ", changed by an expression" if self.changed_by else ""
        if self.kind == "end":
            error = f", {self.error}" if self.error else ""
            return f"<Stop {self.index}: the end, {self.status}{error}{changed}>"
        if self.kind == "exception" or self.asked is None:
            return f"<Stop {self.index}: {self.error}{where}{changed}>"
        name = f" {abridged(self.asked.name)!r}" if self.asked.name else ""
        what = f"{self.asked.position} {self.asked.sub_type}{name}, {self.asked.answer}"
        return f"<Stop {self.index}: {what}{where} ({self.reason}{changed})>"


class _Bounded(reprlib.Repr):
    """`repr` of plain containers that stops early, whatever their size."""

    def __init__(self) -> None:
        super().__init__()
        self.maxlevel = 4
        self.maxlist = self.maxtuple = self.maxset = self.maxfrozenset = self.maxdict = self.maxdeque = 30
        self.maxstring = self.maxother = self.maxlong = _LONGEST

    def repr_dict(self, value: dict[Any, Any], level: int) -> str:
        if level <= 0 and value:
            return "{...}"
        items = itertools.islice(value.items(), self.maxdict)  # in their own order, where reprlib sorts them
        parts = [f"{self.repr1(key, level - 1)}: {self.repr1(item, level - 1)}" for key, item in items]
        return "{" + ", ".join([*parts, *["..."][: len(value) > self.maxdict]]) + "}"

    def repr_instance(self, value: object, level: int) -> str:  # noqa: ARG002
        return repr_of(value, _LONGEST)


_bounded = _Bounded()


class _Short:
    """A plain container whose repr stops early."""

    def __init__(self, value: object) -> None:
        self._value = value

    def __repr__(self) -> str:
        return _bounded.repr(self._value)


def preview(value: object) -> str:
    """Give a bounded `repr` of anything, whatever its own one does."""
    if isinstance(value, str | bytes) and len(value) > _LONGEST:
        return f"{value[:_LONGEST]!r}… ({len(value)} long)"
    if isinstance(value, list | tuple | set | frozenset | dict) and len(value) > 60:
        return f"{type(value).__name__} of {len(value)}"
    if type(value) not in _PLAIN:
        return repr_of(value, _LONGEST)
    return repr_of(_Short(value), _LONGEST)


def variables_of(frame: FrameType) -> dict[str, Any]:
    """Give a function's variables in the order of its code, however often they have been looked at before."""
    code = frame.f_code
    names = {name: i for i, name in enumerate((*code.co_varnames, *code.co_cellvars, *code.co_freevars))}
    return dict(sorted(frame.f_locals.items(), key=lambda item: names.get(item[0], len(names))))


def variables(items: Iterable[tuple[str, Any]]) -> list[Variable]:
    """Describe named values."""
    return [
        Variable(name, type(value).__name__, preview(value), bool(inside(value, limit=1)))
        for name, value in items
    ]


def inside(value: Any, *, limit: int = 200) -> list[tuple[str, Any]]:
    """Give what a value holds, by name: items of a container, attributes of an object."""
    if isinstance(value, dict):
        return [(preview(key), item) for key, item in list(value.items())[:limit]]
    if isinstance(value, list | tuple):
        return [(str(index), item) for index, item in enumerate(value[:limit])]
    if isinstance(value, set | frozenset):
        return [(str(index), item) for index, item in enumerate(list(value)[:limit])]
    if isinstance(value, str | bytes | int | float | complex | bool | type(None) | type) or callable(value):
        return []
    try:
        own = vars(value)
    except TypeError:
        slots = [
            name
            for kind in type(value).__mro__
            for name in getattr(kind, "__slots__", ())
            if isinstance(name, str)
        ]
        own = {name: getattr(value, name) for name in slots if hasattr(value, name)}
    return [(name, item) for name, item in list(own.items())[:limit] if not name.startswith("__")]
