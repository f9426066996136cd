"""Histories broken in their structure: every view, replay and debugger shows them, or raises an error of ours.

Where `tests.fuzz.files` breaks bytes, this takes a recorded history apart and puts it together otherwise: events of other types,
operations that change hands, numbers and texts that no service writes. ``python -m tests.fuzz.histories SEED NUMBER`` makes a case again.
"""

from __future__ import annotations

import copy
import io
import json
import random
import sys
import warnings
from contextlib import redirect_stderr, redirect_stdout
from functools import cache
from pathlib import Path
from typing import Any, Callable

from tests.fuzz.running import ROOT, child

SAMPLES = {
    "suspended": "suspended",
    "espresso_timed_out": "espresso",
    "espresso_cancelled": "espresso",
    "poll_job": "poll_job",
    "payment_failed": "payment",
    "nested": "nested",
}
LONGEST_SHOWN = 400_000


@cache
def samples() -> list[tuple[dict[str, Any], str]]:
    """Documents, each with the handler that it was recorded of."""
    return [
        (json.loads((ROOT / f"sample_histories/{name}.json").read_bytes()), handler_of(name))
        for name in SAMPLES
    ]


def handler_of(name: str) -> str:
    return f"{ROOT}/sample_histories/apps/{SAMPLES[name]}.py:handler"


def nested(depth: int, *, lists: bool = False) -> Any:
    made: Any = 0
    for _ in range(depth):
        made = [made] if lists else {"a": made}
    return made


ODD: list[Callable[[], Any]] = [
    lambda: None,
    lambda: True,
    lambda: 0,
    lambda: -1,
    lambda: 2**31,
    lambda: 2**63,
    lambda: 2**64,
    lambda: 10**400,
    lambda: 1e300,
    lambda: -0.5,
    lambda: float("nan"),
    lambda: float("inf"),
    lambda: "",
    lambda: "x",
    lambda: "\ud800",
    lambda: "a\udfffb",
    lambda: "\0",
    lambda: "\u202e<script>alert(1)</script>\x1b[31m\r\n",
    lambda: "n" * 300_000,
    lambda: "[" * 20_000,
    lambda: '{"a":' * 900 + "1" + "}" * 900,
    lambda: '"\\ud800"',
    lambda: "NaN",
    lambda: "9999-12-31T23:59:59.999999Z",
    lambda: "0001-01-01T00:00:00Z",
    lambda: 253402300799.999,
    lambda: [],
    lambda: {},
    lambda: [1],
    lambda: {"Payload": 5},
    lambda: {"Payload": {"a": 1}},
    lambda: {"Payload": {"ErrorType": 5, "ErrorMessage": ["x"], "StackTrace": "y", "ErrorData": {}}},
    lambda: {"Truncated": True},
    lambda: nested(200),
    lambda: nested(900),
    lambda: nested(900, lists=True),
]
TYPES = [
    "ExecutionStarted",
    "ExecutionSucceeded",
    "ExecutionStopped",
    "ExecutionFailed",
    "ExecutionTimedOut",
    "ExecutionPaused",
    "ExecutionResumed",
    "InvocationCompleted",
    "StepStarted",
    "StepSucceeded",
    "StepFailed",
    "WaitStarted",
    "WaitSucceeded",
    "WaitCancelled",
    "CallbackStarted",
    "CallbackSucceeded",
    "CallbackTimedOut",
    "ContextStarted",
    "ContextSucceeded",
    "ContextFailed",
    "ChainedInvokeStarted",
    "ChainedInvokeSucceeded",
    "ChainedInvokeStopped",
    "SomethingNew",
]
RECORD = ["Version", "DurableConfig", "TraceHeader", "Error", "Status", "Result", "InputPayload", "Extra"]


# ---- what is broken


def places(value: Any) -> list[tuple[Any, Any]]:
    """Every place of a document: its container and its key there."""
    found, left = [], [value]
    while left:
        inside = left.pop()
        keys = list(inside) if isinstance(inside, dict) else range(len(inside))
        for key in keys:
            found.append((inside, key))
            if isinstance(inside[key], dict | list) and len(found) < 5_000:
                left.append(inside[key])
    return found


def with_an_odd_value(rng: random.Random, document: dict[str, Any]) -> None:
    inside, key = rng.choice(places(document))
    inside[key] = rng.choice(ODD)()


def without_a_value(rng: random.Random, document: dict[str, Any]) -> None:
    inside, key = rng.choice(places(document))
    del inside[key]


def with_two_swapped(rng: random.Random, document: dict[str, Any]) -> None:
    (one, key), (other, its) = rng.choice(places(document)), rng.choice(places(document))
    one[key], other[its] = copy.deepcopy(other[its]), copy.deepcopy(one[key])


def with_another_type(rng: random.Random, document: dict[str, Any]) -> None:
    """An event of another type, with its own details or with the other's."""
    event = rng.choice(document["Events"])
    was, event["EventType"] = event["EventType"], rng.choice(TYPES)
    if rng.random() < 0.5 and f"{was}Details" in event:
        event[f"{event['EventType']}Details"] = event.pop(f"{was}Details")


def with_another_id(rng: random.Random, document: dict[str, Any]) -> None:
    event, other = rng.choice(document["Events"]), rng.choice(document["Events"])
    field, its = rng.choice(["Id", "ParentId"]), rng.choice(["Id", "ParentId"])
    event[field] = other.get(its)


def with_an_event_twice(rng: random.Random, document: dict[str, Any]) -> None:
    """An event again, at another place."""
    events = document["Events"]
    events.insert(rng.randrange(len(events) + 1), copy.deepcopy(rng.choice(events)))
    if rng.random() < 0.7:
        numbered(document)


def without_events(rng: random.Random, document: dict[str, Any]) -> None:
    events = document["Events"]
    at = rng.randrange(len(events))
    del events[at : at + rng.choice([1, 1, 2, 5, 50])]
    if rng.random() < 0.7:
        numbered(document)


def in_another_order(rng: random.Random, document: dict[str, Any]) -> None:
    events = document["Events"]
    at = rng.randrange(len(events))
    some = events[at : at + rng.choice([2, 3, 50])]
    rng.shuffle(some)
    events[at : at + len(some)] = some
    numbered(document)


def at_another_time(rng: random.Random, document: dict[str, Any]) -> None:
    times = [each.get("EventTimestamp") for each in document["Events"]]
    odd = [0, -1, 1e11, 2e14, "9000-01-01T00:00:00Z", "0001-01-01T00:00:00+14:00", "2026-02-30", *times]
    rng.choice(document["Events"])["EventTimestamp"] = rng.choice(odd)


def with_an_odd_record(rng: random.Random, document: dict[str, Any]) -> None:
    """The execution's own record."""
    if rng.random() < 0.1:
        document["Execution"] = rng.choice(ODD)()
        return
    record = document.setdefault("Execution", {})
    if isinstance(record, dict):
        record[rng.choice(RECORD)] = rng.choice(ODD)()


def with_an_odd_name(rng: random.Random, document: dict[str, Any]) -> None:
    event = rng.choice(document["Events"])
    for each in document["Events"]:
        if each.get("Id") == event.get("Id"):
            each["Name"] = rng.choice(
                [1_000_000 * "n", "\ud800", "a\nb\x1b[2J\x07", "</script><b>", "*", "[a-", " "]
            )


def numbered(document: dict[str, Any]) -> None:
    for number, event in enumerate(document["Events"], 1):
        if isinstance(event, dict):
            event["EventId"] = number


BREAK: tuple[Callable[[random.Random, dict[str, Any]], None], ...] = (
    with_an_odd_value,
    with_an_odd_value,
    with_an_odd_value,
    without_a_value,
    with_two_swapped,
    with_another_type,
    with_another_type,
    with_another_id,
    with_another_id,
    with_an_event_twice,
    without_events,
    in_another_order,
    at_another_time,
    with_an_odd_record,
    with_an_odd_name,
)


def case(seed: int, number: int) -> tuple[str, dict[str, Any], str]:
    """What was done to a history, the document, and the handler it was recorded of."""
    rng = random.Random(f"histories {seed} {number}")
    document, handler = rng.choice(samples())
    document = copy.deepcopy(document)
    done = []
    for _ in range(rng.choice([1, 1, 1, 2, 3])):
        change = rng.choice(BREAK)
        done.append(change.__name__)
        try:
            change(rng, document)
        except (AttributeError, IndexError, KeyError, TypeError, RecursionError):
            break  # what was broken before leaves nothing to break in this way
    return ", ".join(done), document, handler


# ---- what is done with it


def tried(seed: int, number: int, folder: Path) -> None:
    import durable_debug as dd

    _, document, handler = case(seed, number)
    with (
        warnings.catch_warnings(action="ignore"),
        redirect_stdout(io.StringIO()),
        redirect_stderr(io.StringIO()),
    ):
        history = ours(lambda: dd.load(document))
        if history is None:
            return
        before = json.dumps(document)
        looked_at(history, number, folder)
        replayed(history, handler, number, folder)
        assert json.dumps(document) == before, "the document was changed"


def ours(look: Callable[[], Any]) -> Any:
    """What a view gives; None where it raises an error of ours."""
    import durable_debug as dd

    try:
        return look()
    except dd.DurableDebugError as error:
        assert error.message, "an error that says nothing"
        assert len(str(error)) < 6_000, "an error that fills the screen"
        return None


def looked_at(history: Any, number: int, folder: Path) -> None:
    import durable_debug as dd

    assert len(repr(history)) < 2_000
    for name in ("status", "name", "function_name", "version", "trace_header", "input", "result", "error"):
        getattr(history, name)
    for name in ("duration_seconds", "invocation_count", "waits_for", "remarks"):
        getattr(history, name)
    for name in ("events", "operations", "attempts", "invocations", "callbacks"):
        frame = getattr(history, name)
        assert isinstance(repr(frame), str)
        # What is raw stays raw; what was read of it can be written.
        frame.drop(columns="details", errors="ignore").to_json(default_handler=str)
    for operation in history.tree():
        history.operation(operation.id)
    len(history.children)
    for event_id in list(history.events["event_id"])[:: max(len(history) // 4, 1)]:
        history.state_at(int(event_id))
    for invocation in range(1, min(history.invocation_count, 4) + 1):
        history.invocation_state(invocation)
    history.final_state()
    shown = history._repr_html_()
    assert len(shown) < LONGEST_SHOWN, f"{len(shown)} characters of HTML"
    assert "<script>alert" not in shown
    shown.encode()
    for figures in (history.timing(), history.cost()):
        assert len(repr(figures)) < LONGEST_SHOWN
    history.graph()
    history.graph(fold=True)
    if number % 8 == 0:
        pictures(history)
    if number % 2 == 0:
        widgets(history)
    as_json = json.dumps(list(history.raw), default=str)
    for to in (f"{folder}/kept/", f"{folder}/one.json"):
        saved = ours(lambda to=to: history.save(to))
        if saved is not None and "NaN" not in as_json and "Infinity" not in as_json:  # no JSON has them
            assert dd.load(saved) == history, "another history was saved"
    ours(lambda: dd.redacted(history))
    (folder / "shown.json").write_text(json.dumps(history.raw and {"Events": list(history.raw)}))
    for words in (["show"], ["show", "--json"], ["ls"]):
        shown_by_command([*words, f"{folder}/shown.json"])


def shown_by_command(words: list[str]) -> None:
    from durable_debug.cli import main

    said = io.StringIO()
    with redirect_stdout(said), redirect_stderr(said):
        try:
            code = main(words)
        except SystemExit as end:
            code = end.code
    assert code in {0, 1, 2}, f"{words[0]} ended with {code}"
    text = said.getvalue()
    assert "Traceback" not in text, text[-2_000:]
    assert "--json" in words or len(text) < LONGEST_SHOWN, f"{words[0]} printed {len(text)} characters"
    assert "\x1b[2J" not in text, "a control sequence of the history reached the terminal"


def pictures(history: Any) -> None:
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    for plot in (history.plot_graph, history.plot_timeline):
        axes = plot()
        axes.figure.savefig(io.BytesIO(), format="png", dpi=30)
    plt.close("all")


def widgets(history: Any) -> None:
    import durable_debug as dd

    for view in (dd.widgets.Timeline(history), dd.widgets.Graph(history)):
        sent = json.dumps(view.get_state(), default=str)
        assert len(sent) < 3_000_000, f"{len(sent)} characters sent to the browser"
        view.close()


def replayed(history: Any, handler: str, number: int, folder: Path) -> None:
    import durable_debug as dd

    run = ours(lambda: dd.replay(handler, history, timeout=20))
    if run is not None:
        whole = repr(run) + run.report() + run._repr_html_()
        assert len(whole) < LONGEST_SHOWN * 2, f"{len(whole)} characters of a report"
        assert "<script>alert" not in run._repr_html_()
        whole.encode()
        run.frame.to_json(default_handler=str)
        hash(run)
        blamed_on_us(run)
        if number % 4 == 0:
            path = ours(lambda: run.export_test(folder / "test_it.py"))
            if path is not None:
                compile(Path(path).read_text(encoding="utf-8"), "test_it.py", "exec")
    if history.invocation_count:
        one = ours(
            lambda: dd.replay(handler, history, invocation=1 + number % history.invocation_count, timeout=20)
        )
        if one is not None:
            blamed_on_us(one)
            repr(one), one.report()
    if number % 2:
        debugged(history, handler)
    if number % 10 == 0:
        audited(history, handler)


def blamed_on_us(run: Any) -> None:
    """What a broken record does to the handler is told; that our own code failed never is."""
    for each in run.divergences:
        assert "durable_debug" not in (each.file or ""), f"a line of ours is blamed: {each}"


def debugged(history: Any, handler: str) -> None:
    import durable_debug as dd

    debugger = ours(lambda: dd.debug(handler, history, timeout=20))
    if debugger is None:
        return
    with debugger as dbg:
        for _ in range(4):
            if ours(dbg.step) is None:
                break
            repr(dbg), dbg.state, dbg.statuses, dbg.locals, dbg.stack, dbg.logs
        ours(dbg.step_back)
        ours(dbg.run)
        repr(dbg.stop)
        state = dbg.state
        state.to_json(default_handler=str)


def audited(history: Any, handler: str) -> None:
    import durable_debug as dd

    report = ours(lambda: dd.audit(handler, [history], n_jobs=1))
    if report is not None:
        assert len(repr(report)) < 10_000
        report._repr_html_().encode()
        report.frame.to_json(default_handler=str)


def described(seed: int, number: int) -> str:
    return case(seed, number)[0]


if __name__ == "__main__":
    child(sys.argv, tried)
