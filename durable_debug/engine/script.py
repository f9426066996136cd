"""What a history gives a replay."""

from __future__ import annotations

import functools
import weakref
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from durable_debug.engine.arn import ArnParts, for_replay
from durable_debug.engine.invocation import invocation_end
from durable_debug.engine.others import other, with_others
from durable_debug.errors import HistoryError
from durable_debug.redaction_secret import own_secret
from durable_debug.stand_ins import StandIns
from durable_debug.value_paths import matcher_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from collections.abc import Set as AbstractSet

    from aws_durable_execution_sdk_python.lambda_service import Operation as SdkOperation

    from durable_debug.history import History

__all__ = ["Script", "script_for"]

Wire = dict[str, Any]  # an operation in the service's wire shape


@dataclass(frozen=True)
class Script:
    """The state that a replay begins with and the answers it may use: plain data, for a replay wherever it runs.

    Attributes
    ----------
    start
        What the service sends when the invocation starts, EXECUTION first.
    end
        Each operation as it stood when the replayed invocation ended, EXECUTION first.
    inject
        Whether answers are given only when asked for (see `OngoingPass`).
    later
        Ids of operations that began after the replayed invocation, which had ended in order.
    redacted
        By what values were redacted; None where none were.
    error
        What the execution failed with; None where it did not.
    kept
        By what values were kept, of those.
    secret
        The secret by which they were redacted, where it is at hand.
    others
        Which other placeholders than the history's it has; 0 for the history's.
    branches_were_cut
        Whether the branches of maps and parallels under way did not come to their ends: another one ended the execution.
    """

    arn: ArnParts
    start: list[Wire]
    end: list[Wire]
    inject: bool
    later: frozenset[str]
    request_id: str | None
    redacted: tuple[str, ...] | None = None
    error: Mapping[str, Any] | None = None
    kept: tuple[str, ...] = ()
    secret: bytes | None = field(default=None, repr=False)
    others: int = 0
    branches_were_cut: bool = False

    @functools.cached_property
    def operations(self) -> list[SdkOperation]:
        """What the SDK is given at the start, as it models it."""
        return list(self._both[0])

    @functools.cached_property
    def answers(self) -> dict[str, SdkOperation]:
        """By operation id, what an operation is answered with, as the SDK models it."""
        return {operation.operation_id: operation for operation in self._both[1][1:]}

    @functools.cached_property
    def _both(self) -> tuple[list[SdkOperation], list[SdkOperation]]:
        from durable_debug.engine.sdk.payloads import sdk_operation  # where no handler runs, none is needed

        end = [sdk_operation(wire) for wire in self.end]
        return (end if self.start is self.end else [sdk_operation(wire) for wire in self.start]), end

    @functools.cached_property
    def stands_for(self) -> Callable[[Any], Any] | None:
        """What gives the placeholder that stands here for a value; None where the secret is not at hand."""
        if self.secret is None:
            return None
        stand_ins = StandIns(self.secret)
        return lambda value: other(stand_ins.of(value), self.others)

    def with_other_values(self, number: int) -> Script:
        """Give the same with other placeholders, of which a number stands for some; itself for 0, and where there are none."""
        if not number or self.redacted is None:
            return self
        gone = matcher_of(self.redacted, self.kept)
        end = [with_others(wire, gone, number) for wire in self.end]
        same = self.start is self.end
        start = end if same else [with_others(wire, gone, number) for wire in self.start]
        return replace(self, start=start, end=end, others=number)

    def replaying(self, contexts: AbstractSet[str]) -> Script:
        """Give the same with these contexts replayed: no result of theirs is on record."""

        def replayed(wires: list[Wire]) -> list[Wire]:
            return [
                {**wire, "ContextDetails": {**wire["ContextDetails"], "ReplayChildren": True}}
                if wire["Id"] in contexts
                else wire
                for wire in wires
            ]

        end = replayed(self.end)
        return replace(self, start=end if self.start is self.end else replayed(self.start), end=end)

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in vars(self).items() if name in self.__dataclass_fields__}


_scripts: dict[int, tuple[weakref.ref[History], dict[int | None, Script]]] = {}  # by the history's identity


def script_for(history: History, invocation: int | None = None) -> Script:
    """Prepare a history for replay; kept as long as the history is.

    Raises
    ------
    HistoryError
        The history can't drive a replay, or has no such invocation.
    """
    key = id(history)
    if key not in _scripts:
        _scripts[key] = (weakref.ref(history, lambda _: _scripts.pop(key, None)), {})
    known = _scripts[key][1]
    if invocation not in known:
        known[invocation] = _script(history, invocation)
    return known[invocation]


def _script(history: History, invocation: int | None) -> Script:
    history.require_replayable()
    request_id, later = None, frozenset[str]()
    if invocation is None:
        end = start = history.final_state()
    else:
        one = history.invocation(invocation)
        end = start = history.invocation_state(invocation)
        if one.first_event_id is not None and one.last_event_id is not None:  # it left something
            end = invocation_end(history, invocation, (one.first_event_id, one.last_event_id), start)
        if one.status == "PENDING":
            ids = {wire["Id"] for wire in end}
            later = frozenset(operation.id for operation in history.tree() if operation.id not in ids)
        request_id = one.request_id
    if not start:
        raise HistoryError(
            "The history is empty.", cure="Fetch it again; an execution has at least one event."
        )
    return Script(
        arn=for_replay(history.arn, start[0]["Id"]),
        start=start,
        end=end,
        inject=start is not end,
        later=later,
        request_id=request_id,
        redacted=None if history.redacted is None else tuple(history.redacted),
        error=history.error,
        kept=tuple(history.kept),
        secret=own_secret(history.secret_name) if history.secret_name is not None else None,
    )
