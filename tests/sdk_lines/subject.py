"""Run by another SDK's line: records the handlers under it, replays them and their changes, and asks the SDK itself.

python -m tests.sdk_lines.subject FOLDER prints one JSON document.
"""

from __future__ import annotations

import enum
import importlib.util
import json
import logging
import sys
from collections import Counter
from pathlib import Path
from typing import Any
from unittest import mock

import durable_debug as dd
from aws_durable_execution_sdk_python import state
from durable_debug.engine.handlers import resolve

from tests.divergence.lambda_itself import what_lambda_does
from tests.sdk_lines.service import Future, as_time_goes_on
from tests.sdk_lines.handlers import BASES, CHANGES, DEPLOYS, PRELUDE

ROOT = Path(__file__).parent.parent.parent
sys.path.insert(0, str(ROOT / "sample_histories"))
from recording import Answer, RecordingRunner  # noqa: E402

ANSWERS = {"ask": "yes", "approval": "no", "pay": "1"}
WOULD = ("would run", "would start", "would be created", "would call")
CONTEXTS = ("RunInChildContext", "Map", "Parallel", "WaitForCallback")


def plain(value: Any) -> Any:
    """Sub types are members of an enumeration up to 2.x."""
    if isinstance(value, enum.Enum):
        return value.value
    if isinstance(value, dict):
        return {key: plain(one) for key, one in value.items()}
    return [plain(one) for one in value] if isinstance(value, list) else value


def imported(path: Path) -> Any:
    spec = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[path.stem] = module
    spec.loader.exec_module(module)
    return module


def recorded(name: str, path: Path) -> dict[str, Any]:
    answers = {"ask": [Answer(5, "yes")], "approval": [Answer(5, "no")]}
    with (
        mock.patch.object(state, "_STOP_SIGNAL_POLL_SECONDS", 0.01, create=True),
        RecordingRunner(imported(path).handler, answers=answers) as runner,
    ):
        runner.register_function("pay", lambda event, _: event["n"])
        recording = runner.record({"n": 1}, execution_name=name, patience=20)
    assert recording.status == "SUCCEEDED", recording
    return plain(recording.history)


def replayed(path: Path, history: dd.History, **options: Any) -> dict[str, Any]:
    run = dd.replay(f"{path}:handler", history, timeout=5, **options)
    found = [
        {"kind": one.kind, "line": one.line, "severity": one.severity, "effect": one.lambda_effect}
        for one in run.divergences
    ]
    ran = resolve(f"{path}:handler").func.__globals__["RAN"]
    return {
        "status": run.status,
        "result": run.result,
        "found": found,
        "said": said(found),
        "ran": list(ran),
        "unchecked": list(run.unchecked),
    }


def said(found: list[dict[str, Any]]) -> str:
    """What we say that Lambda does."""
    effects = [one["effect"] for one in found]
    if any(words in effect for effect in effects for words in WOULD):
        return "runs a body"
    if any("fails with NonDeterministicExecutionError" in effect for effect in effects):
        return "is killed"
    return "goes on with other values" if any(one["severity"] == "error" for one in found) else "goes on"


def done(path: Path, history: dd.History) -> str:
    """What the SDK does, as it is."""
    truth = what_lambda_does(imported(path).__name__, history)
    if truth.ran or any(not one.startswith(CONTEXTS) for one in truth.started):
        return "runs a body"
    if truth.status == "FAILED" and "NonDeterministic" in (truth.error_type or ""):
        return "is killed"
    status = "RUNNING" if truth.status == "PENDING" else truth.status
    same = (status, truth.result) == (history.status, history.result)
    return "goes on" if same else "goes on with other values"


def still_running(history: dict[str, Any]) -> dict[str, Any]:
    """The history as it was when the first invocation had ended."""
    events = history["Events"]
    end = next(n for n, event in enumerate(events) if event["EventType"] == "InvocationCompleted")
    return {**history, "Events": events[: end + 1]}


def cut_at(history: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """The history as it was at the end of each invocation but the last, and while every second body was running."""
    events = history["Events"]
    ends = [n for n, event in enumerate(events) if event["EventType"] == "InvocationCompleted"][:-1]
    begun = [n for n, event in enumerate(events) if event["EventType"] == "StepStarted"]
    states = {f"ended {number}": end for number, end in enumerate(ends, 1)}
    states |= {f"begun {number}": end for number, end in enumerate(begun[:8], 1) if number % 2}
    return {name: {**history, "Events": events[: end + 1]} for name, end in states.items()}


def deployed(old: Path, new: Path, history: dd.History, futures: dict[int, Future]) -> dict[str, Any]:
    """What we say that a deploy does to an execution, and what comes of it when time goes on under the SDK itself."""
    found = dd.deploy_check(f"{old}:handler", f"{new}:handler", history, python=False, guard=False)
    (row,) = found.rows
    before = {o.name for o in history.tree() if o.end_event_id is not None and o.type != "CONTEXT"}
    was = futures.get(history.raw[-1]["EventId"])
    if was is None:
        was = futures[history.raw[-1]["EventId"]] = as_time_goes_on(imported(old).__name__, history, ANSWERS)
    truth = as_time_goes_on(imported(new).__name__, history, ANSWERS)
    more = Counter([*truth.ran, *truth.begun]) - Counter([*was.ran, *was.begun])
    again = sorted(before & more.keys())
    killed = truth.status == "FAILED" and "NonDeterministic" in (truth.error_type or "")
    return {
        "fate": row.fate,
        "line": row.line,
        "told": [row.why, row.lambda_effect],
        "truth": "killed" if killed else "runs_again" if again else "goes on",
        "again": again,
        "status": truth.status,
    }


def main(folder: Path) -> dict[str, Any]:
    logging.disable()
    if not hasattr(state, "_STOP_SIGNAL_POLL_SECONDS"):  # 1.x collects checkpoints for a second
        size, _, most = state.CheckpointBatcherConfig.__init__.__defaults__
        state.CheckpointBatcherConfig.__init__.__defaults__ = (size, 0.0, most)
    answer: dict[str, Any] = {"bases": {}, "changes": {}, "running": {}, "deploys": {}}
    histories, running, documents = {}, {}, {}
    for name, source in BASES.items():
        path = folder / f"base_{name}.py"
        path.write_text(PRELUDE + source)
        document = recorded(name, path)
        documents[name] = document
        histories[name], running[name] = dd.load(document), dd.load(still_running(document))
        imported(path)
        count = histories[name].invocation_count
        answer["bases"][name] = {
            "recorded": histories[name].result,
            "whole": replayed(path, histories[name]),
            "invocations": [replayed(path, histories[name], invocation=n + 1) for n in range(count)],
            "done": done(path, histories[name]),
        }
    for change in CHANGES:
        path = folder / f"changed_{change.name}.py"
        path.write_text(change.source)
        found = replayed(path, histories[change.base])
        answer["changes"][change.name] = {**found, "done": done(path, histories[change.base])}
        found = replayed(path, running[change.base])
        answer["running"][change.name] = {**found, "done": done(path, running[change.base])}
    futures: dict[str, dict[int, Future]] = {}  # of the unchanged code, by base and last event
    for change in (*CHANGES, *DEPLOYS):
        path = folder / f"deployed_{change.name}.py"
        path.write_text(change.source)
        old = folder / f"base_{change.base}.py"
        states = cut_at(documents[change.base])
        answer["deploys"][change.name] = {
            state: deployed(old, path, dd.load(cut), futures.setdefault(change.base, {}))
            for state, cut in states.items()
        }
    return answer


if __name__ == "__main__":
    print(json.dumps(main(Path(sys.argv[1]))))
