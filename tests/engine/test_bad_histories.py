"""Histories that can't drive a replay: told in one sentence with a cure, in Python and on the command line."""

from __future__ import annotations

import copy
import json
import re
from pathlib import Path

import durable_debug as dd
import pytest
from durable_debug.cli import main

ROOT = Path(__file__).parent.parent.parent
SAMPLES = ROOT / "sample_histories"
HANDLER = f"{SAMPLES}/apps/espresso.py:handler"


@pytest.fixture
def document() -> dict:
    return json.loads((SAMPLES / "espresso_timed_out.json").read_text())


def without_data(document: dict) -> dict:
    for event in document["Events"]:
        for key, details in event.items():
            if key.endswith("Details") and isinstance(details, dict):
                for field in ("Result", "Input", "Error"):
                    details.pop(field, None)
    return document


def truncated(document: dict) -> dict:
    (event,) = (
        e for e in document["Events"] if e["EventType"] == "StepSucceeded" and e["Name"] == "initialise-order"
    )
    event["StepSucceededDetails"]["Result"] = {"Truncated": True}
    return document


def with_marker(document: dict) -> dict:
    return document | {"NextMarker": "more"}


def without_the_first(document: dict) -> dict:
    return document | {"Events": document["Events"][1:]}


def with_a_gap(document: dict) -> dict:
    return document | {"Events": [e for e in document["Events"] if e["EventId"] not in (2, 3)]}


BAD = {
    "without execution data": (without_data, "include-execution-data"),
    "a truncated payload": (truncated, "EventId 3"),
    "a partial one": (with_marker, "one page"),
    "without its beginning": (without_the_first, "EventId 1"),
    "with a gap": (with_a_gap, "2"),
    "empty": (lambda _: {"Events": []}, "no events|empty|at least one"),
    "another document": (lambda _: {"Records": [{"eventSource": "aws:sqs"}]}, "history|Events"),
    "a number": (lambda _: 3, "history|int"),
}


@pytest.mark.parametrize("name", BAD)
def test_a_history_that_can_not_drive_a_replay_is_refused(name, document, tmp_path, capsys) -> None:
    spoil, says = BAD[name]
    path = tmp_path / "history.json"
    path.write_text(json.dumps(spoil(copy.deepcopy(document))))
    for use in (dd.replay, dd.debug):
        with pytest.raises(dd.HistoryError, match=says) as caught:
            use(HANDLER, path)
        assert caught.value.cure

    code, told = command(capsys, "replay", HANDLER, str(path))
    assert code == 2 and re.search(says, told)
    assert len(told.strip().splitlines()) <= 6


def command(capsys, *arguments: str) -> tuple[int, str]:
    """Run `durable-debug`: its exit code and what it says on stderr."""
    try:
        code = main(list(arguments))
    except SystemExit as ended:
        code = ended.code
    told = capsys.readouterr()
    assert "Traceback" not in told.err + told.out
    return code, told.err


@pytest.mark.parametrize("content", ["", "not json", "[1, 2", "<xml/>", "\x00\x01"])
def test_what_is_no_json_is_refused(content, tmp_path) -> None:
    path = tmp_path / "history.json"
    path.write_text(content)
    with pytest.raises(dd.HistoryError) as caught:
        dd.replay(HANDLER, path)
    assert caught.value.cure and str(path.name) in str(caught.value)


def test_a_file_that_is_not_there() -> None:
    with pytest.raises((dd.HistoryError, FileNotFoundError)) as caught:
        dd.replay(HANDLER, "nowhere.json")
    assert "nowhere.json" in str(caught.value)


@pytest.mark.parametrize(
    "name", ["index.ts", "notebook.ipynb", "order.zip", "handler", "a folder", "template.yaml"]
)
@pytest.mark.parametrize("command", ["replay", "audit"])
def test_a_handler_that_is_no_python_file(name, command, tmp_path, capsys) -> None:
    path = tmp_path / name
    path.mkdir() if name == "a folder" else path.write_text("export const handler = 1")
    assert main([command, f"{path}:handler", f"{SAMPLES}/espresso_timed_out.json"]) == 2
    told = capsys.readouterr().err
    assert any(words in told for words in ("is no Python file", "is a folder", "can't be unpacked"))
    with pytest.raises(dd.HandlerError):
        dd.replay(f"{path}:handler", f"{SAMPLES}/espresso_timed_out.json")


def test_an_invocation_that_there_is_not(document) -> None:
    with pytest.raises(dd.HistoryError, match="no invocation 4") as caught:
        dd.replay(HANDLER, document, invocation=4)
    assert "3" in caught.value.cure


@pytest.mark.parametrize("invocation", [0, -1])
def test_an_invocation_that_there_cannot_be(invocation, document) -> None:
    with pytest.raises(dd.OptionError, match="counted from 1"):
        dd.replay(HANDLER, document, invocation=invocation)


def test_unknown_events_and_duplicates_are_told_and_nothing_is_lost(document) -> None:
    events = document["Events"]
    last = events[-1]["EventId"]
    strange = {
        "EventType": "OrbitReached",
        "EventId": last + 1,
        "EventTimestamp": events[-1]["EventTimestamp"],
        "Height": 408,
    }
    history = dd.load(document | {"Events": [*events, events[3], strange]})
    assert len(history.warnings) >= 2
    assert any("OrbitReached" in warning for warning in history.warnings)
    run = dd.replay(HANDLER, history)
    assert run.status == "FAILED" and run.error == history.error


@pytest.mark.parametrize(
    ("handler", "says"),
    [
        (f"{SAMPLES}/apps/nowhere.py:handler", "no file"),
        (f"{SAMPLES}/apps/espresso.py:handlr", "Did you mean 'handler'"),
        (f"{SAMPLES}/apps/espresso.py:Tables", "not a durable function"),
        ("espresso", "does not name a handler"),
    ],
)
def test_a_handler_that_is_none_on_the_command_line(handler, says, capsys) -> None:
    code, told = command(capsys, "replay", handler, str(SAMPLES / "espresso_timed_out.json"))
    assert code == 2 and says in told
