"""`History`: the record of one durable execution."""

from __future__ import annotations

import os
from functools import cached_property
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from durable_debug.errors import HistoryError
from durable_debug.history import checks, keeping, saving
from durable_debug.history.children import Children, family_frame
from durable_debug.history.columns import Columns
from durable_debug.history.derived import Derived
from durable_debug.history.documents import execution_record
from durable_debug.history.frames import Frames
from durable_debug.history.payloads import Payloads
from durable_debug.history.summary import Summary
from durable_debug.history.under_way import Awaited, lost_bodies, open_operations, standing
from durable_debug.history.views import Views
from durable_debug.spelling import read_by
from durable_debug.views import view

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from datetime import datetime

    import pandas as pd

    from durable_debug.history.invocations import Invocation
    from durable_debug.history.logs import Logs
    from durable_debug.history.operations import Operation
    from durable_debug.history.payloads import Decode
    from durable_debug.history.segments import Trace
    from durable_debug.history.state import State

__all__ = ["History"]

_LONGEST_NAME = 120  # in a line


class History(Frames, Views):
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
    kept
        Of a redacted history: by rule, how many values were kept.
    secret_name
        Of a redacted history: the name of the secret by which it was; None where that is gone, or nobody knows.
    logs, trace
        What CloudWatch and X-Ray have of it; None where they were not asked.
    decode
        Gives the plain text of payloads that are encrypted, compressed or kept elsewhere: see `decoded`.

    Attributes
    ----------
    arn
        The ARN or None.
    execution
        The execution's own record: ``Version``, ``DurableConfig``, ``TraceHeader`` …; empty where it is not known.
    source, redacted, kept, secret_name
        As given.
    raw_logs, raw_trace
        Logs and trace as given.
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
    kept: Mapping[str, int]
    secret_name: str | None
    raw_logs: Logs | None
    raw_trace: Trace | None
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
        kept: Mapping[str, int] = MappingProxyType({}),
        secret_name: str | None = None,
        logs: Logs | None = None,
        trace: Trace | None = None,
        decode: Decode | None = None,
    ) -> None:
        columns = Columns(events)
        self._payloads = Payloads(decode)
        self._derived = Derived(columns)
        self._more_pages = more_pages
        self._noticed = tuple(warnings)
        self._not_replayable = not_replayable
        self.arn = arn
        self.execution, odd = execution_record(execution)
        self._summary = Summary(columns, arn, self.execution)
        self.source = source
        self.redacted = redacted
        self.kept = dict(kept)
        self.secret_name = secret_name
        self.raw_logs, self.raw_trace = logs, trace
        self.warnings = (
            *self._noticed,
            *(logs.remarks if logs is not None else ()),
            *(trace.remarks if trace is not None else ()),
            *columns.warnings,
            *odd,
            *checks.data_warnings(columns, more_pages=more_pages),
        )

    # What the execution is

    @property
    def raw(self) -> Sequence[dict[str, Any]]:
        """The events as given, in EventId order."""
        return tuple(self._derived.columns.events)

    @property
    def name(self) -> str | None:
        """Name of the execution."""
        return self._summary.name

    @property
    def function_name(self) -> str | None:
        """Name of the durable function, from the ARN; None where that is not known."""
        return self._summary.function_name

    @property
    def status(self) -> str:
        """``RUNNING``, ``PAUSED``, ``SUCCEEDED``, ``FAILED``, ``TIMED_OUT`` or ``STOPPED``."""
        return self._summary.status

    @property
    def version(self) -> str | None:
        """Version of the function that runs it, from its record or the ARN: ``"7"``, ``"$LATEST"``."""
        return self._summary.version

    @property
    def trace_header(self) -> str | None:
        """X-Ray's trace header, from the execution's record."""
        return self._summary.trace_header

    @property
    def input(self) -> str | None:
        """The execution's input: JSON text; None where it is not known."""
        return self._summary.input

    @property
    def result(self) -> str | None:
        """The execution's result: JSON text; None where there is none."""
        return self._summary.result

    @property
    def error(self) -> dict[str, Any] | None:
        """The execution's error (``ErrorType``, ``ErrorMessage``, ``ErrorData``, ``StackTrace``) or None."""
        return self._summary.error

    @property
    def started(self) -> datetime | None:
        """When the first event was recorded, in UTC; None where there is none."""
        return self._summary.started

    @property
    def duration_seconds(self) -> float | None:
        """Seconds from the first event to the last; None without events."""
        return self._summary.duration_seconds

    @property
    def invocation_count(self) -> int:
        """How many invocations the history tells of."""
        return len(self._derived.invocations.all)

    # Operations

    def tree(self) -> tuple[Operation, ...]:
        """All operations but the EXECUTION, in start order: an operation comes before those inside it."""
        return self._derived.operations

    def operation(self, key: str) -> Operation:
        """Return one operation, by id or by logical position (``"3-1"``).

        Raises
        ------
        HistoryError
            There is none.
        """
        found = self._derived.by_key.get(key)
        if found is None:
            raise HistoryError(
                f"This history has no operation {key!r:.80}.",
                cure=read_by(
                    python="Ids and positions are in history.operations[['position', 'id', 'name']].",
                    terminal="`durable-debug show` lists the positions.",
                ),
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
                cure=f"It tells of {self.invocation_count}, counted from 1{read_by(python=': see history.invocations', terminal='')}.",
            )
        return self._derived.invocations.all[number - 1]

    # Where it stands

    @cached_property
    def waits_for(self) -> tuple[Awaited, ...]:
        """What is open: callbacks, invokes, timers, retries and polls to come, and bodies that have begun.

        In start order. Of an execution that was stopped or timed out, what it waited for then; of one that its handler
        ended, nothing, whatever it left behind.
        """
        if self.status in {"SUCCEEDED", "FAILED"}:
            return ()
        return open_operations(self._derived.operations)

    @cached_property
    def remarks(self) -> tuple[str, ...]:
        """Where the execution stands, in sentences: what it waits for and since when, and bodies that never ended.

        Empty for an execution that its handler ended, and of which no invocation died in the body of a step.
        """
        lost = tuple(lost_bodies(self._derived.operations, self._derived.invocations.all))
        if self._more_pages and self.status not in keeping.ENDED:
            return ("What it waits for is not known: the history has more pages.", *lost)
        return (*standing(self.status, self.waits_for, self._derived.invocations.all), *lost)

    # Other executions, and this one later

    @cached_property
    def children(self) -> Children:
        """The durable executions that this one invoked, by the invoke's logical position; loaded when asked for.

        >>> history.children["3"].status  # doctest: +SKIP
        """
        arns = {}
        for operation in self._derived.operations:
            if operation.type == "CHAINED_INVOKE" and operation.start_event_id is not None:
                at = self._derived.columns.event_ids.index(operation.start_event_id)
                child = (self._derived.columns.details[at] or {}).get("DurableExecutionArn")
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

        ============================  =====================  ==============================
        column                        dtype                  meaning
        ============================  =====================  ==============================
        name, position, callback_id   str
        start                         datetime64[us, UTC]    when it was opened
        timeout_seconds,              Int64                  missing where there is none
        heartbeat_timeout_seconds
        ============================  =====================  ==============================
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

    def decoded(self, decode: Decode | None) -> History:
        """Return the same execution, its payloads shown as a function gives them.

        Only what is shown changes: frames, reports, the panel, the sides of divergences. The record, and what a replay gives to
        the handler, stay as they are: there its own serdes reads them. What the SDK writes needs no function.

        Parameters
        ----------
        decode
            ``decode(text)`` or ``decode(text, operation)`` gives a payload's plain text. `operation` is None for the execution's
            own input and result. It is called when a payload is first shown, once each; what it raises is said of that payload.

        Examples
        --------
        >>> history.decoded(lambda text: gzip.decompress(base64.b64decode(text)))  # doctest: +SKIP
        """
        if decode is None:
            return self
        source = self.source
        of_others = None if source is None else lambda arn: source(arn).decoded(decode)
        return self.rewritten(self.raw, execution=self.execution, source=of_others, decode=decode)

    def plain(self, payload: str | None, operation: Operation | None = None) -> str | None:
        """Give a payload as it is shown: the value that it stands for, as text; of one that can't be decoded, why, and itself."""
        if payload is None:
            return None
        return str(
            self._payloads.shown(payload, operation, is_input=operation is None and payload == self.input)
        )

    @property
    def decode(self) -> Decode | None:
        """The function that gives the plain text of payloads; None where there is none."""
        return self._payloads.decode

    def rewritten(  # noqa: PLR0913
        self,
        events: Iterable[dict[str, Any]],
        *,
        execution: Mapping[str, Any],
        source: Callable[[str], History] | None,
        redacted: Mapping[str, int] | None = None,
        kept: Mapping[str, int] = MappingProxyType({}),
        secret_name: str | None = None,
        logs: Logs | None = None,
        trace: Trace | None = None,
        decode: Decode | None = None,
    ) -> History:
        """Return the same execution with other events, record, source, logs and trace: redacted ones, say; and more so than before."""
        before = self.redacted
        if redacted is not None and before is not None:
            redacted = {key: before.get(key, 0) + redacted.get(key, 0) for key in {**before, **redacted}}
            kept = {key: self.kept[key] for key in self.kept if key in kept}  # what both have left
            secret_name = None  # of two, one after the other
        return History(
            events,
            arn=self.arn,
            warnings=self._noticed,
            more_pages=self._more_pages,
            execution=execution,
            source=source,
            not_replayable=self._not_replayable,
            redacted=redacted if redacted is not None else before,
            kept=kept if redacted is not None else self.kept,
            secret_name=secret_name if redacted is not None else self.secret_name,
            logs=logs if logs is not None else self.raw_logs,
            trace=trace if trace is not None else self.raw_trace,
            decode=decode if decode is not None else self.decode,
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
            at = self._derived.columns.event_ids.index(event_id)
        except ValueError:
            raise HistoryError(
                f"This history has no event {event_id!r:.40}.",
                cure=f"It has {len(self)}: {read_by(python='see history.events.event_id', terminal='counted from 1')}.",
            ) from None
        return self._derived.state_after(at)

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
        return self._derived.state_at_start(self.invocation(invocation).number)

    def final_state(self) -> list[State]:
        """Return the operations as the service had them after the last event; as for `state_at`."""
        return self._derived.final_state()

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
                cure=read_by(
                    python="Load the execution itself: dd.load('arn:aws:lambda:…').",
                    terminal="Give the ARN of the execution itself: arn:aws:lambda:….",
                ),
            )
        checks.require_replayable(self._derived.columns, self.tree(), more_pages=self._more_pages)

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
            more = {"kept": dict(self.kept), "secret": self.secret_name}
            noted = {key: value for key, value in more.items() if value}
            also["Redacted"] = {"by": "durable_debug", "patterns": dict(self.redacted), **noted}
        if self.raw_logs is not None:
            also["Logs"] = self.raw_logs.document()
        if self.raw_trace is not None:
            also["Trace"] = self.raw_trace.document()
        to = Path(path).expanduser()
        into_folder = to.is_dir() or str(path).endswith(("/", os.sep))
        write = keeping.keep if into_folder else saving.write
        return write(self.raw, to, arn=self.arn, more_pages=self._more_pages, also=also)

    def __len__(self) -> int:
        return len(self._derived.columns)

    def __eq__(self, other: object) -> bool:
        if self is other:  # what is looked up by its history, mostly
            return True
        if not isinstance(other, History):
            return NotImplemented
        return self.arn == other.arn and saving.same_events(self.raw, other.raw)

    def __hash__(self) -> int:
        return hash((self.arn, len(self), tuple(self._derived.columns.times[:8])))

    def __reduce__(self) -> tuple[Any, ...]:
        # Without its source, which may hold a connection, and without a function that may not travel.
        also = {
            "execution": self.execution,
            "not_replayable": self._not_replayable,
            "redacted": self.redacted,
            "kept": self.kept,
            "secret_name": self.secret_name,
            "logs": self.raw_logs,
            "trace": self.raw_trace,
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
        if self.raw_logs is not None:
            parts.append(f"{len(self.raw_logs.lines)} log events")
        if self.redacted is not None:
            parts.append("redacted")
        return f"<History {', '.join(parts)}>"

    def _repr_html_(self) -> str:
        return str(view("history.card")(self))


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
