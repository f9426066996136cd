"""`History`: the record of one durable execution."""

from __future__ import annotations

import os
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from durable_debug.errors import HistoryError
from durable_debug.history import checks, keeping, saving
from durable_debug.history.children import Children, family_frame
from durable_debug.history.columns import Columns
from durable_debug.history.documents import execution_record
from durable_debug.history.invocations import Invocation, Invocations, find_invocations
from durable_debug.history.operations import Operation, build_operations, positions
from durable_debug.history.state import Change, fold, operations_at, operations_at_start
from durable_debug.history.under_way import Awaited, lost_bodies, open_operations, standing
from durable_debug.history.views import Views
from durable_debug.history.vocabulary import Origin
from durable_debug.views import view

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from types import ModuleType

    import pandas as pd

    from durable_debug.history.state import State

__all__ = ["History"]

_LONGEST_NAME = 120  # in a line


class History(Views):
    """The recorded history of one durable execution. Immutable.

    Parameters
    ----------
    events
        Events as botocore's ``Event`` has them, in any order; timestamps as any source writes them. They are kept as
        given and never changed.
    arn
        The durable execution's ARN, where it is known: a history does not hold it.
    warnings
        Sentences about what was noticed on the way here; more are added for what is noticed in the events.
    more_pages
        The events are not all: there is a marker for another page.
    execution
        The execution's own record, as GetDurableExecution answers.
    source
        Loads an execution by its ARN from where this one came from.
    not_replayable
        Why this can be shown only: "… cannot be replayed, because" this.
    redacted
        By pattern, how many values placeholders were put for; None where all values are as recorded.

    Attributes
    ----------
    arn
        The ARN or None.
    execution
        The execution's own record: ``Version``, ``DurableConfig``, ``TraceHeader`` …; empty where it is not known.
    source, redacted
        As given.
    warnings
        What is wrong or missing in the record, each a sentence.

    Raises
    ------
    HistoryError
        What was given are not events, or they are of more than one execution.
    """

    arn: str | None
    execution: Mapping[str, Any]
    source: Callable[[str], History] | None
    redacted: Mapping[str, int] | None
    warnings: tuple[str, ...]

    def __init__(  # noqa: PLR0913
        self,
        events: Iterable[dict[str, Any]],
        *,
        arn: str | None = None,
        warnings: Iterable[str] = (),
        more_pages: bool = False,
        execution: Mapping[str, Any] | None = None,
        source: Callable[[str], History] | None = None,
        not_replayable: str = "",
        redacted: Mapping[str, int] | None = None,
    ) -> None:
        columns = Columns(events)
        self._columns = columns
        self._more_pages = more_pages
        self._noticed = tuple(warnings)
        self._not_replayable = not_replayable
        self.arn = arn
        self.execution, odd = execution_record(execution)
        self.source = source
        self.redacted = redacted
        self.warnings = (
            *self._noticed,
            *columns.warnings,
            *odd,
            *checks.data_warnings(columns, more_pages=more_pages),
        )

    # What the execution is

    @property
    def raw(self) -> Sequence[dict[str, Any]]:
        """The events as given, in EventId order."""
        return tuple(self._columns.events)

    @property
    def name(self) -> str | None:
        """Name of the execution."""
        if self._columns.types[:1] == ["ExecutionStarted"] and self._columns.names[0]:
            return str(self._columns.names[0])
        return self._of_arn("name")

    @property
    def function_name(self) -> str | None:
        """Name of the durable function, from the ARN; None where that is not known."""
        return self._of_arn("function")

    @cached_property
    def status(self) -> str:
        """``RUNNING``, ``PAUSED``, ``SUCCEEDED``, ``FAILED``, ``TIMED_OUT`` or ``STOPPED``."""
        for event_type, meaning in zip(
            reversed(self._columns.types), reversed(self._columns.meanings), strict=True
        ):
            if meaning.type == "EXECUTION" and meaning.status not in {None, "STARTED"}:
                return str(meaning.status)
            if event_type in {"ExecutionPaused", "ExecutionResumed"}:
                return "PAUSED" if event_type == "ExecutionPaused" else "RUNNING"
        return str(self.execution.get("Status") or "RUNNING")

    @property
    def version(self) -> str | None:
        """Version of the function that runs it, from its record or the ARN: ``"7"``, ``"$LATEST"``."""
        told: str | None = self.execution.get("Version")
        return told or self._of_arn("version")

    @property
    def trace_header(self) -> str | None:
        """X-Ray's trace header, from the execution's record."""
        header: Mapping[str, str] = self.execution.get("TraceHeader") or {}
        return header.get("XAmznTraceId")

    @property
    def input(self) -> str | None:
        """The execution's input: JSON text; None where it is not known."""
        payload, _ = self._outcome(started=True)
        return payload if payload is not None else self.execution.get("InputPayload")

    @property
    def result(self) -> str | None:
        """The execution's result: JSON text; None where there is none."""
        payload, _ = self._outcome(started=False)
        return payload if payload is not None else self.execution.get("Result")

    @property
    def error(self) -> dict[str, Any] | None:
        """The execution's error (``ErrorType``, ``ErrorMessage``, ``ErrorData``, ``StackTrace``) or None."""
        _, error = self._outcome(started=False)
        return error or self.execution.get("Error") or None

    @property
    def duration_seconds(self) -> float | None:
        """Seconds from the first event to the last; None without events."""
        times = self._columns.times
        return (max(times) - min(times)) / 1e6 if times else None

    @property
    def invocation_count(self) -> int:
        """How many invocations the history tells of."""
        return len(self._invocations.all)

    # Frames

    @cached_property
    def events(self) -> pd.DataFrame:
        """One row per event, in order.

        ==============  =====================  ==============================================================
        column          dtype                  meaning
        ==============  =====================  ==============================================================
        event_id        int64                  counts from 1
        timestamp       datetime64[us, UTC]    when the service recorded it
        event_type      str                    ``StepStarted`` …
        id, parent_id   str                    of the operation; missing for InvocationCompleted
        name            str                    of the operation, or of the execution
        sub_type        str                    ``Step``, ``MapIteration`` …
        position        str                    logical position of the operation: ``3-1``
        invocation      Int64                  in which it fell, or that was the first to see it
        payload         str                    input or result, as text
        error_type      str
        error_message   str
        details         object                 the raw details (dict)
        ==============  =====================  ==============================================================

        Examples
        --------
        What ran in invocation 2, and every payload under position 3:

        >>> history.events.query("invocation == 2")[["event_type", "name"]]  # doctest: +SKIP
        >>> history.events.loc[history.events.position.str.match(r"3(-|$)"), ["name", "payload"]].dropna()  # doctest: +SKIP
        """
        return _frames().events_frame(self._columns, self._places, self._invocations.of_event)

    @cached_property
    def operations(self) -> pd.DataFrame:
        """One row per operation, in start order; columns as the attributes of `Operation`.

        ========================================  =====================  ====================================
        column                                    dtype                  meaning
        ========================================  =====================  ====================================
        position                                  str                    logical position: ``3-1``
        name, type, sub_type, status              str                    as the service has them
        depth, attempts                           int64
        began                                     Int64                  how often the body of a step began
        start, end                                datetime64[us, UTC]
        elapsed_seconds                           float64                end - start, waiting included
        start_invocation, end_invocation          Int64                  count from 1
        start_event_id, end_event_id              Int64
        result, payload                           str                    what came back; what an invoke sent
        error                                     object                 botocore's ErrorObject (dict)
        function_name, callback_id                str                    of an invoke; of a callback
        timeout_seconds,                          Int64                  of a callback
        heartbeat_timeout_seconds
        duration_seconds                          Int64                  of a wait, as it was asked for
        replay_children                           boolean                missing where it cannot be told
        truncated                                 bool                   a payload of it is missing
        id, parent_id                             str
        event_ids                                 object                 tuple of int
        error_type, error_message                 str
        ========================================  =====================  ====================================

        Examples
        --------
        Which step retried most, the slowest operation by name, and time waiting:

        >>> history.operations.nlargest(1, "attempts")[["name", "attempts"]]  # doctest: +SKIP
        >>> history.operations.groupby("name").elapsed_seconds.max().nlargest(1)  # doctest: +SKIP
        >>> history.operations.query("type in ('WAIT', 'CALLBACK')").elapsed_seconds.sum()  # doctest: +SKIP
        """
        return _frames().operations_frame(self.tree())

    @cached_property
    def attempts(self) -> pd.DataFrame:
        """One row per attempt of a step and per poll of a wait_for_condition.

        =========================  =====================  ===================================================
        column                     dtype                  meaning
        =========================  =====================  ===================================================
        position, name, sub_type   str                    of the operation
        attempt                    int64                  counts from 1
        status                     str                    ``SUCCEEDED``, ``FAILED``, ``STARTED`` (no end)
        start, end                 datetime64[us, UTC]
        duration_seconds           float64                end - start
        delay_seconds              float64                until the next attempt; NaN for the last
        error_type, error_message  str
        result                     str                    as text
        invocation                 Int64                  in which it ended
        began                      Int64                  how often its body began: more than once where an
                                                          invocation died in it (see `Attempt`)
        start_invocation           Int64                  in which its body first began
        =========================  =====================  ===================================================
        """
        return _frames().attempts_frame(self.tree())

    @cached_property
    def invocations(self) -> pd.DataFrame:
        """One row per invocation of the handler; see `Invocation` for how they are found.

        =========================  =====================  ===================================================
        column                     dtype                  meaning
        =========================  =====================  ===================================================
        invocation                 int64                  counts from 1
        start, end                 datetime64[us, UTC]
        duration_seconds           float64                end - start: the time that the handler ran
        status                     str                    ``PENDING`` (suspended), ``SUCCEEDED``, ``FAILED``,
                                                          ``RUNNING``
        request_id                 str                    Lambda's
        first/last_event_id        Int64
        operations_started         int64                  that started in it
        operations_completed       int64                  that ended in it, or whose end it was the first to see
        error_type, error_message  str
        boundaries                 str                    ``recorded`` or ``inferred``
        =========================  =====================  ===================================================

        Examples
        --------
        Time working against the time the whole execution took:

        >>> history.invocations.duration_seconds.sum(), history.duration_seconds  # doctest: +SKIP
        """
        return _frames().invocations_frame(self._invocations.all, self.tree())

    # Operations

    def tree(self) -> tuple[Operation, ...]:
        """All operations but the EXECUTION, in start order: an operation comes before those inside it."""
        return self._operations

    def operation(self, key: str) -> Operation:
        """Return one operation, by id or by logical position (``"3-1"``).

        Raises
        ------
        HistoryError
            There is none.
        """
        found = self._by_key.get(key)
        if found is None:
            raise HistoryError(
                f"This history has no operation {key!r:.80}.",
                cure="Ids and positions are in history.operations[['position', 'id', 'name']].",
            )
        return found

    def invocation(self, number: int) -> Invocation:
        """Return one invocation of the handler; they count from 1.

        Raises
        ------
        HistoryError
            There is none.
        """
        if not 1 <= number <= self.invocation_count:
            raise HistoryError(
                f"This history has no invocation {number!r:.40}.",
                cure=f"It tells of {self.invocation_count}, counted from 1: see history.invocations.",
            )
        return self._invocations.all[number - 1]

    # Where it stands

    @cached_property
    def waits_for(self) -> tuple[Awaited, ...]:
        """What is open: callbacks, invokes, timers, retries and polls to come, and bodies that have begun.

        In start order. Of an execution that was stopped or timed out, what it waited for then; of one that its handler
        ended, nothing, whatever it left behind.
        """
        if self.status in {"SUCCEEDED", "FAILED"}:
            return ()
        return open_operations(self._operations)

    @cached_property
    def remarks(self) -> tuple[str, ...]:
        """Where the execution stands, in sentences: what it waits for and since when, and bodies that never ended.

        Empty for an execution that its handler ended, and of which no invocation died in the body of a step.
        """
        lost = tuple(lost_bodies(self._operations, self._invocations.all))
        if self._more_pages and self.status not in keeping.ENDED:
            return ("What it waits for is not known: the history has more pages.", *lost)
        return (*standing(self.status, self.waits_for, self._invocations.all), *lost)

    # Other executions, and this one later

    @cached_property
    def children(self) -> Children:
        """The durable executions that this one invoked, by the invoke's logical position; loaded when asked for.

        >>> history.children["3"].status  # doctest: +SKIP
        """
        arns = {}
        for operation in self._operations:
            if operation.type == "CHAINED_INVOKE" and operation.start_event_id is not None:
                at = self._columns.event_ids.index(operation.start_event_id)
                child = (self._columns.details[at] or {}).get("DurableExecutionArn")
                if isinstance(child, str):
                    arns[operation.position] = child
        return Children(arns, self.source)

    @cached_property
    def family(self) -> pd.DataFrame:
        """`operations` of this execution and of all that it invoked, each child's after its invoke, as one tree.

        Columns as in `operations`, and first of all ``path`` (str; ``"3/1-2"`` is operation 1-2 of what operation 3
        invoked) and ``execution`` (str; its name). ``depth`` counts through.
        """
        return family_frame(self)

    @property
    def callbacks(self) -> pd.DataFrame:
        """The open callbacks, which something outside is to answer: see `send_success`, `send_failure`, `heartbeat`.

        Columns: ``name``, ``position``, ``callback_id`` (str), ``start`` (datetime64, UTC), ``timeout_seconds``,
        ``heartbeat_timeout_seconds`` (Int64, missing where there is none).
        """
        columns = ["name", "position", "callback_id", "start", "timeout_seconds", "heartbeat_timeout_seconds"]
        frame = self.operations
        is_open = (
            (frame["type"] == "CALLBACK")
            & (frame["status"] == "STARTED")
            & (self.status not in keeping.ENDED)
        )
        return frame.loc[is_open, columns].reset_index(drop=True)

    def refresh(self) -> History:
        """Return the execution as it is now, from where this history came from. This one stays as it is.

        Raises
        ------
        HistoryError
            It came from a document, which will not change; or it cannot be had any more.
        """
        if self.source is None or self.arn is None:
            raise HistoryError(
                "This history was not loaded from an account, a server or a store.",
                cure="Load the execution by its ARN: dd.load('arn:aws:lambda:…').",
            )
        return self.source(self.arn)

    def rewritten(
        self,
        events: Iterable[dict[str, Any]],
        *,
        execution: Mapping[str, Any],
        source: Callable[[str], History] | None,
        redacted: Mapping[str, int] | None = None,
    ) -> History:
        """Return the same execution with other events, record and source: redacted ones, say; and more so than before."""
        before = self.redacted
        if redacted is not None and before is not None:
            redacted = {key: before.get(key, 0) + redacted.get(key, 0) for key in {**before, **redacted}}
        return History(
            events,
            arn=self.arn,
            warnings=self._noticed,
            more_pages=self._more_pages,
            execution=execution,
            source=source,
            not_replayable=self._not_replayable,
            redacted=redacted if redacted is not None else before,
        )

    # State

    def state_at(self, event_id: int) -> list[State]:
        """Return the operations as the service had them after an event.

        Returns
        -------
        list of dict
            The EXECUTION first, then in start order; each is what the SDK's ``Operation.to_dict()`` gives, in the
            shape of botocore's ``Operation``: ``Id``, ``Type``, ``Status``, ``ParentId``, ``Name``, ``SubType``,
            ``StartTimestamp`` and ``EndTimestamp`` (aware datetimes, UTC) and details. Yours to change.

        Raises
        ------
        HistoryError
            There is no such event.
        """
        try:
            at = self._columns.event_ids.index(event_id)
        except ValueError:
            raise HistoryError(
                f"This history has no event {event_id!r:.40}.",
                cure=f"It has {len(self)}: see history.events.event_id.",
            ) from None
        return operations_at(self._changes_before(at + 1), self._columns.times[at])

    def invocation_state(self, invocation: int) -> list[State]:
        """Return the operations as the handler received them when an invocation (counted from 1) started.

        Exactly, but for what a history does not tell: ``ReplayChildren`` of a child context that has a summary
        generator of its own; the state that a wait_for_condition poll returned, where the source drops it (the local
        emulator does); what arrived or fell due in the very moment between the service's look and the recorded start.
        Lambda may leave out operations inside completed contexts; they are here. Where a crashed invocation left
        nothing in the history, those after it have a lower number than the handler would count.

        Returns
        -------
        list of dict
            As for `state_at`.

        Raises
        ------
        HistoryError
            There is no such invocation.
        """
        span = self._invocations.spans[self.invocation(invocation).number - 1]
        within = [change for change in self._changes if span.cut <= change.at < span.stop]
        return operations_at_start(self._changes_before(span.cut), span.clock, span.surely, within)

    def final_state(self) -> list[State]:
        """Return the operations as the service had them after the last event; as for `state_at`."""
        return operations_at(self._changes, max(self._columns.times, default=None))

    # As a record

    def require_replayable(self) -> None:
        """Raise unless the history holds all that a replay needs.

        Raises
        ------
        IncompleteHistoryError
            Events or pages are missing.
        MissingDataError
            Payloads are missing, that a replay would silently take for None.
        HistoryError
            It has no events, or is a record of another kind.
        """
        if self._not_replayable:
            raise HistoryError(
                f"This cannot be replayed, because {self._not_replayable}.",
                cure="Load the execution itself: dd.load('arn:aws:lambda:…').",
            )
        checks.require_replayable(self._columns, self.tree(), more_pages=self._more_pages)

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write the history as ``GetDurableExecutionHistory`` JSON, whole or not at all.

        The ARN is kept under ``DurableExecutionArn`` and the execution's own record under ``Execution``, datetimes become
        ISO 8601 with microseconds; loading the file gives an equal history.

        Parameters
        ----------
        path
            A file; or a folder (one that exists, or a path that ends with ``/``), where it gets a name of its own and a
            line in the folder's index, as `dd.fetch` keeps them.

        Returns
        -------
        pathlib.Path
            The file.
        """
        also: dict[str, Any] = {"Execution": dict(self.execution)} if self.execution else {}
        if self._not_replayable:
            also["NotReplayable"] = self._not_replayable
        if self.redacted is not None:
            also["Redacted"] = {"by": "durable_debug", "patterns": dict(self.redacted)}
        to = Path(path).expanduser()
        into_folder = to.is_dir() or str(path).endswith(("/", os.sep))
        write = keeping.keep if into_folder else saving.write
        return write(self.raw, to, arn=self.arn, more_pages=self._more_pages, also=also)

    def __len__(self) -> int:
        return len(self._columns)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, History):
            return NotImplemented
        return self.arn == other.arn and saving.same_events(self.raw, other.raw)

    def __hash__(self) -> int:
        return hash((self.arn, len(self), tuple(self._columns.times[:8])))

    def __reduce__(self) -> tuple[Any, ...]:
        # Without its source, which may hold a connection.
        also = {
            "execution": self.execution,
            "not_replayable": self._not_replayable,
            "redacted": self.redacted,
        }
        return _restored, (self.raw, self.arn, self.warnings, self._more_pages, also)

    def __repr__(self) -> str:
        name = self.name or self.function_name or "execution"
        parts = [
            repr(name if len(name) <= _LONGEST_NAME else f"{name[: _LONGEST_NAME - 1]}…"),
            self.status[:_LONGEST_NAME],
            f"{len(self.tree())} operations",
            f"{len(self)} events",
            f"{self.invocation_count} invocations",
        ]
        if self.status not in {"SUCCEEDED", "FAILED"} and self.waits_for:
            first, *more = self.waits_for
            was = "waited" if self.status in keeping.ENDED else "waits"
            parts.append(f"{was} for {first.sentence}{f' and {len(more)} more' if more else ''}")
        if self.warnings:
            parts.append(f"{len(self.warnings)} warnings")
        if self.redacted is not None:
            parts.append("redacted")
        return f"<History {', '.join(parts)}>"

    def _repr_html_(self) -> str:
        return str(view("history.card")(self))

    # Read once, on demand

    @cached_property
    def _invocations(self) -> Invocations:
        return find_invocations(self._columns)

    @cached_property
    def _places(self) -> dict[str, str]:
        return positions(self._columns)

    @cached_property
    def _changes(self) -> list[Change]:
        return fold(self._columns)

    @cached_property
    def _operations(self) -> tuple[Operation, ...]:
        return build_operations(self._columns, self.final_state(), self._invocations, self._places)

    @cached_property
    def _by_key(self) -> dict[str, Operation]:
        by_position = {operation.position: operation for operation in self._operations}
        return by_position | {operation.id: operation for operation in self._operations}

    def _changes_before(self, cut: int) -> list[Change]:
        return [change for change in self._changes if change.at < cut]

    def _of_arn(self, part: str) -> str | None:
        found = keeping.ARN.match(self.arn) if self.arn else None
        return found[part] if found else None

    def _outcome(self, *, started: bool) -> tuple[str | None, dict[str, Any] | None]:
        """Payload and error of the event that started, or that ended, the execution."""
        for at, meaning in enumerate(self._columns.meanings):
            if meaning.origin is Origin.EXECUTION and (meaning.status == "STARTED") is started:
                return self._columns.payloads[at], self._columns.errors[at]
        return None, None


def _frames() -> ModuleType:
    from durable_debug.history import frames

    return frames


def _restored(
    events: Any,
    arn: str | None,
    warnings: tuple[str, ...],
    more_pages: bool,  # noqa: FBT001
    also: dict[str, Any],
) -> History:
    history = History(events, arn=arn, more_pages=more_pages, **also)
    history.warnings = warnings
    return history
