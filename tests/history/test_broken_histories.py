"""Histories that no service writes: each view, replay and debugger shows them or says what is wrong with them, in our words."""

from __future__ import annotations

import copy
import json

import durable_debug as dd
import pytest

from tests.fuzz.running import run


def test_histories_broken_in_their_structure() -> None:
    assert run("tests.fuzz.histories", seed=9, count=40) == 0


@pytest.fixture
def document(samples) -> dict:
    return json.loads((samples / "espresso_timed_out.json").read_text())


@pytest.fixture
def handler(samples) -> str:
    return f"{samples}/apps/espresso.py:handler"


def event(document: dict, event_type: str) -> dict:
    return next(each for each in document["Events"] if each["EventType"] == event_type)


@pytest.mark.parametrize("event_type", ["ExecutionStopped", "ExecutionStarted", "WaitStarted"])
def test_an_event_of_another_type_of_operation_is_shown_and_not_interpreted(
    document, handler, event_type
) -> None:
    whole = dd.load(copy.deepcopy(document))
    changed = document["Events"][3]
    changed["EventType"] = event_type
    history = dd.load(document)
    assert list(history.events["event_type"])[3] == event_type
    assert len(history.tree()) == len(whole.tree()) and history.status == whole.status
    assert any("another type" in warning for warning in history.warnings)
    with pytest.raises(dd.HistoryError, match="contradicts itself: event"):
        dd.replay(handler, history)


def test_a_step_with_the_id_of_the_execution(document) -> None:
    step = event(document, "StepStarted")
    step["Id"] = document["Events"][0]["Id"]
    history = dd.load(document)
    assert history.status == "TIMED_OUT" or history.status == "FAILED"
    assert any("another type" in warning for warning in history.warnings)


def test_a_callback_without_its_id_is_shown_and_not_replayed(document, handler) -> None:
    del event(document, "CallbackStarted")["CallbackStartedDetails"]["CallbackId"]
    history = dd.load(document)
    assert len(history.operations) == len(history.tree())
    with pytest.raises(dd.MissingDataError, match="CallbackId"):
        dd.replay(handler, history)


def test_numbers_that_no_column_holds_are_left_out(document) -> None:
    event(document, "CallbackStarted")["CallbackStartedDetails"]["Timeout"] = 2**64
    operations = dd.load(document).operations
    assert operations.loc[operations["type"] == "CALLBACK", "timeout_seconds"].isna().any()


@pytest.mark.parametrize("event_id", [2**63, -(2**63), 10**400])
def test_an_event_id_that_no_column_holds(document, event_id) -> None:
    document["Events"][-1]["EventId"] = event_id
    with pytest.raises(dd.HistoryError, match="whole EventId"):
        dd.load(document)


def test_halves_of_characters_are_read_as_such_and_told(document) -> None:
    for each in document["Events"]:
        if each["EventType"].startswith("Step"):
            each["Name"] = "brew\ud800"
    history = dd.load(document)
    assert "brew\ufffd" in list(history.operations["name"])
    assert any("surrogate" in warning for warning in history.warnings)
    assert history.raw[1]["Name"] == "brew\ud800" or "brew\ud800" in {
        each.get("Name") for each in history.raw
    }


@pytest.mark.parametrize(
    "record", [5, "text", [], {"TraceHeader": 5}, {"Error": "x"}, {"Version": ["7"]}, {"Status": {}}]
)
def test_a_record_of_the_execution_of_another_kind_is_left_out_and_told(document, record) -> None:
    whole = copy.deepcopy(document)
    document["Execution"] = record
    history = dd.load(document)
    assert (history.version, history.trace_header) == (dd.load(whole).version, None)
    assert history.status == "FAILED" or history.status == "TIMED_OUT"
    assert not isinstance(record, dict) or any(
        "Execution" in warning or "execution" in warning for warning in history.warnings
    )
    assert history._repr_html_()


@pytest.mark.parametrize(
    "error",
    [
        {"ErrorType": 5, "ErrorMessage": ["x"], "StackTrace": "line"},
        {"ErrorMessage": {"deep": [[[]]]}, "StackTrace": [5, None]},
        {"ErrorType": "a\udfff"},
    ],
)
def test_an_error_whose_fields_are_no_text_is_shown_as_text(document, error) -> None:
    failed = next(
        each for each in document["Events"] if "Error" in each.get(f"{each['EventType']}Details", {})
    )
    failed[f"{failed['EventType']}Details"]["Error"]["Payload"] = error
    history = dd.load(document)
    for column in ("error_type", "error_message"):
        assert all(isinstance(value, str) for value in history.events[column].dropna())
    assert history._repr_html_().encode()


@pytest.mark.parametrize("moment", ["9999-12-31T23:59:59Z", "0001-01-01T00:00:00+14:00", 1e15, -1e15])
def test_moments_that_nothing_can_show(document, moment) -> None:
    document["Events"][2]["EventTimestamp"] = moment
    with pytest.raises(dd.HistoryError, match="EventTimestamp"):
        dd.load(document)


def test_a_name_of_megabytes_is_cut_wherever_it_is_shown(document, handler, capsys, tmp_path) -> None:
    from durable_debug.cli import main

    for each in document["Events"]:
        each["Name"] = "n" * 3_000_000
    history = dd.load(document)
    run = dd.replay(handler, history)
    shown = [repr(history), history._repr_html_(), repr(run), run.report(), run._repr_html_()]
    shown += [repr(one) for one in run.divergences]
    with dd.debug(handler, history) as dbg:
        shown += [repr(dbg.step()), repr(dbg)]
    report = dd.audit(handler, [history], n_jobs=1)
    shown += [
        report.report(),
        report._repr_html_(),
        report.to_sarif(),
        report.to_junit(),
        report.to_markdown(),
    ]
    path = tmp_path / "long.json"
    path.write_text(json.dumps(document))
    main(["show", str(path)])
    main(["ls", str(path)])
    shown.append(capsys.readouterr().out)
    assert max(map(len, shown)) < 200_000
