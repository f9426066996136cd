"""Histories made to measure: what the samples have not, and programs drawn at random."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import strategies as st

from durable_debug.history import History, operation_id

START = datetime(2026, 11, 1, tzinfo=UTC)
EXECUTION = "11111111-2222-3333-4444-555555555555"
ARN = f"arn:aws:lambda:eu-west-1:123456789012:function:orders:1/durable-execution/made/{EXECUTION}"


@dataclass
class Record:
    """Events with times in seconds, put in order at the end."""

    events: list[tuple[float, int, dict[str, Any]]] = field(default_factory=list)

    def add(self, seconds: float, event_type: str, **fields: Any) -> None:
        self.events.append((round(seconds, 6), len(self.events), {"EventType": event_type, **fields}))

    def history(self, *, upto: int | None = None) -> History:
        ordered = sorted(self.events, key=lambda event: event[:2])[:upto]
        return History(
            [
                {
                    "EventId": at,
                    "EventTimestamp": (START + timedelta(seconds=seconds)).isoformat(timespec="microseconds"),
                    **event,
                }
                for at, (seconds, _, event) in enumerate(ordered, 1)
            ],
            arn=ARN,
        )

    def started(self, name: str = "made", at: float = 0.0) -> None:
        self.add(
            at,
            "ExecutionStarted",
            Id=EXECUTION,
            Name=name,
            ExecutionStartedDetails={"Input": {"Payload": "{}"}},
        )

    def ended(self, at: float, status: str = "Succeeded") -> None:
        details = (
            {"Result": {"Payload": '"done"'}}
            if status == "Succeeded"
            else {"Error": {"Payload": {"ErrorType": "E"}}}
        )
        self.add(at, f"Execution{status}", Id=EXECUTION, **{f"Execution{status}Details": details})

    def invocation(self, start: float, end: float) -> None:
        began = (START + timedelta(seconds=start)).isoformat(timespec="microseconds")
        self.add(
            end,
            "InvocationCompleted",
            InvocationCompletedDetails={"StartTimestamp": began, "EndTimestamp": began},
        )

    def step(
        self,
        where: dict[str, Any],
        start: float,
        attempts: list[float],
        *,
        delays: float = 1.0,
        failed: bool = False,
        sub_type: str = "Step",
    ) -> float:
        """Attempts that take so long, `delays` apart; returns its end."""
        fields = {"SubType": sub_type, **where}
        at = start
        for number, lasts in enumerate(attempts, 1):
            last = number == len(attempts)
            self.add(at, "StepStarted", **fields)
            at += lasts
            retry = {"CurrentAttempt": number} | (
                {} if last else {"NextAttemptDelaySeconds": max(1, round(delays))}
            )
            if (last and not failed) or sub_type == "WaitForCondition":
                self.add(
                    at,
                    "StepSucceeded",
                    **fields,
                    StepSucceededDetails={"Result": {"Payload": "1"}, "RetryDetails": retry},
                )
            else:
                error = {"Payload": {"ErrorType": "Boom", "ErrorMessage": "no"}}
                self.add(
                    at, "StepFailed", **fields, StepFailedDetails={"Error": error, "RetryDetails": retry}
                )
            at += 0 if last else delays
        return at

    def timed(
        self,
        where: dict[str, Any],
        kind: str,
        start: float,
        lasts: float,
        end: str = "Succeeded",
        **details: Any,
    ) -> float:
        """A wait, callback, invoke or context."""
        sub_type = {"Context": "RunInChildContext"}.get(kind, kind)
        fields = {"SubType": sub_type, **where}
        self.add(start, f"{kind}Started", **fields, **{f"{kind}StartedDetails": details})
        self.add(start + lasts, f"{kind}{end}", **fields)
        return start + lasts


def where(n: int, name: str | None = None, parent: str | None = None, **fields: Any) -> dict[str, Any]:
    return {
        "Id": operation_id(parent, n),
        **({"Name": name} if name else {}),
        **({"ParentId": parent} if parent else {}),
        **fields,
    }


def a_month() -> History:
    """A wait of 30 days between two steps of 50 ms."""
    record = Record()
    record.started()
    record.step(where(1, "before"), 0.01, [0.05])
    record.timed(where(2, "a-month"), "Wait", 0.07, 2_592_000, Duration=2_592_000)
    record.invocation(0, 0.08)
    after = 2_592_000.08
    record.step(where(3, "after"), after + 0.02, [0.05])
    record.invocation(after, after + 0.09)
    record.ended(after + 0.09)
    return record.history()


def many_polls(count: int) -> History:
    """One wait_for_condition, an invocation a minute."""
    record = Record()
    record.started()
    record.step(where(1, "ready"), 0.02, [0.05] * count, delays=59.95, sub_type="WaitForCondition")
    for number in range(count):
        record.invocation(60 * number, 60 * number + 0.1)
    record.ended(60 * (count - 1) + 0.1)
    return record.history()


def steps(*names: str, lasts: float = 0.1, failed: tuple[int, ...] = ()) -> History:
    """Steps one after the other; those of the numbers given failed."""
    record = Record()
    record.started()
    at = 0.0
    for number, name in enumerate(names, 1):
        at = record.step(where(number, name), at, [lasts], failed=number in failed)
    record.invocation(0, at)
    record.ended(at)
    return record.history()


def a_map(items: int, *, flat: bool = False, failed: tuple[int, ...] = (), name: str = "item-{}") -> History:
    """A map whose items have two steps; the second fails in those of the numbers given."""
    record = Record()
    record.started()
    outer = operation_id(None, 1)
    record.add(0.0, "ContextStarted", **where(1, "all", SubType="Map"))
    for item in range(items):
        branch = operation_id(outer, item)
        inside = {"parent": outer if flat else branch}
        for n, step in ((1, "read"), (2, "write")):
            wrong = n == 2 and item in failed
            record.step(
                {**where(n, step), "Id": operation_id(branch, n), "ParentId": inside["parent"]},
                0.01 * item + n,
                [0.5],
                failed=wrong,
            )
        if not flat:
            record.add(
                0.01 * item, "ContextStarted", **where(item, name.format(item), outer, SubType="MapIteration")
            )
            end = "ContextFailed" if item in failed else "ContextSucceeded"
            record.add(
                0.01 * item + 2.6, end, **where(item, name.format(item), outer, SubType="MapIteration")
            )
    record.add(5.0, "ContextSucceeded", **where(1, "all", SubType="Map"))
    record.step(where(2, "report"), 5.0, [0.1])
    record.invocation(0, 5.2)
    record.ended(5.2)
    return record.history()


DURATIONS = st.sampled_from([0.0, 0.001, 0.05, 0.3, 2.0, 100.0, 86_400.0])


@st.composite
def histories(draw: Any) -> History:
    """Histories of programs drawn at random: nested, beside each other, retried, cut off anywhere."""
    record = Record()
    record.started()

    def run(parent: str | None, start: float, depth: int) -> float:
        at = start
        for n in range(1, draw(st.integers(0, 4)) + 1):
            kind = draw(st.sampled_from(["step", "poll", "wait", "callback", "invoke", "child", "parallel"]))
            place = where(n, draw(st.sampled_from(["a", "b-1", "b-2", None])), parent)
            if kind in {"step", "poll"}:
                attempts = draw(st.lists(DURATIONS, min_size=1, max_size=3))
                sub_type = "Step" if kind == "step" else "WaitForCondition"
                at = record.step(
                    place, at, attempts, delays=draw(DURATIONS), failed=draw(st.booleans()), sub_type=sub_type
                )
            elif kind in {"wait", "callback", "invoke"}:
                name = {"wait": "Wait", "callback": "Callback", "invoke": "ChainedInvoke"}[kind]
                lasts = draw(DURATIONS)
                end = record.timed(place, name, at, lasts)
                # Of a callback the code may go on before it is answered.
                at = at if kind == "callback" and draw(st.booleans()) else end
            elif depth < 3:
                beside = kind == "parallel"
                fields = {**place, "SubType": "Parallel" if beside else "RunInChildContext"}
                record.add(at, "ContextStarted", **fields)
                if beside:
                    ends = [at]
                    for branch in range(draw(st.integers(0, 3))):
                        inner = where(branch, f"branch-{branch}", place["Id"], SubType="ParallelBranch")
                        begin = at + draw(DURATIONS)
                        record.add(begin, "ContextStarted", **inner)
                        ends.append(run(inner["Id"], begin, depth + 1))
                        record.add(ends[-1], "ContextSucceeded", **inner)
                    at = max(ends)
                else:
                    at = run(place["Id"], at, depth + 1)
                record.add(at, "ContextSucceeded", **fields)
            at += draw(st.sampled_from([0.0, 0.01]))
        return at

    end = run(None, 0.02, 0)
    at = 0.0
    while at < end:
        lasts = draw(st.sampled_from([0.1, 10.0, 90_000.0]))
        record.invocation(at, at + lasts)
        at += lasts + draw(DURATIONS)
    record.ended(max(at, end) + 0.01)
    whole = len(record.events)
    return record.history(upto=draw(st.one_of(st.none(), st.integers(0, whole))))
