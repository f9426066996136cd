"""The accepted list: what is in it no longer fails an audit, and nothing else is let through by it."""

from __future__ import annotations

import json

import pytest

import durable_debug as dd
from durable_debug.audits.baseline import Baseline
from durable_debug.audits.check import checked
from tests.divergence.histories import steps_document

APP = """
from aws_durable_execution_sdk_python import durable_execution

@durable_execution
def handler(event, context):
    context.step(lambda _: 1, name="reserve")
    context.step(lambda _: 1, name="charge")
    context.step(lambda _: 1, name="ship")
    return {"id": 7, "state": "done"}
"""
NAMES = ["reserve", "charge", "ship"]
RECORD = steps_document(NAMES, result={"id": 7, "state": "done"})


@pytest.fixture
def found(tmp_path):
    """What an edited handler does otherwise than a history; the file is edited in place."""
    path = tmp_path / "app.py"

    def found(*edits, record=RECORD):
        text = APP
        for old, new in edits:
            assert old in text
            text = text.replace(old, new)
        path.write_text(text)
        *_, last = checked(record, f"{path}:handler", None, {})
        return last

    return found


@pytest.fixture
def file(tmp_path):
    return tmp_path / "accepted.json"


def accept(file, *outcomes):
    baseline = Baseline(file, update=True)
    for one in outcomes:
        assert all(baseline.accepts(one))
    return baseline.done(partial=False)


RENAMED = ('"charge"', '"pay"')


def test_what_is_accepted_stays_so_wherever_its_line_goes(found, file):
    assert accept(file, found(RENAMED)).added == 1
    moved = found(
        RENAMED, ("\n@durable", "\n# a comment\n\nX = 1\n\n@durable"), ("return", "x = 1\n    return")
    )
    assert Baseline(file).accepts(moved) == (True,)


@pytest.mark.parametrize(
    "edits",
    [
        [('"charge"', '"bill"')],  # another name
        [('"ship"', '"send"')],  # another operation
        [RENAMED, ('"ship"', '"send"')],  # one more
        [("    return", "    context.step(lambda _: 1, name='more')\n    return")],
        [('"state": "done"', '"state": ["done"]')],
    ],
)
def test_nothing_else_is_let_through(found, file, edits):
    accept(file, found(RENAMED))
    one = found(*edits)
    assert one.findings and not all(Baseline(file).accepts(one))


@pytest.mark.parametrize(("name", "function"), [("app", "other"), ("other", "handler")])
def test_the_same_change_in_another_function_or_file_is_another(found, file, tmp_path, name, function):
    accept(file, found(RENAMED))
    path = tmp_path / f"{name}.py"
    path.write_text(APP.replace(*RENAMED).replace("def handler", f"def {function}"))
    *_, one = checked(RECORD, f"{path}:{function}", None, {})
    assert Baseline(file).accepts(one) == (False,)


def test_the_same_change_once_more_in_the_same_function_is_found(found, file):
    once = ("    return", "    context.step(lambda _: 1, name='more')\n    return")
    twice = (
        "    return",
        "    context.step(lambda _: 1, name='more')\n    context.step(lambda _: 1, name='more')\n    return",
    )
    accept(file, found(once))
    assert Baseline(file).accepts(found(once)) == (True,)
    both = found(twice)
    assert len(both.findings) == 2 and Baseline(file).accepts(both) == (True, False)
    accept(file, found(once), both, found(once))
    assert json.loads(file.read_text())["accepted"][0]["times"] == 2
    assert Baseline(file).accepts(both) == (True, True)


def test_a_number_alone_tells_two_names_apart(found, file):
    record = steps_document(["reserve", "charge-1", "ship"])
    accept(file, found(('"charge"', '"charge-2"'), record=record))
    assert Baseline(file).accepts(found(('"charge"', '"charge-2"'), record=record))[0]
    assert not Baseline(file).accepts(found(('"charge"', '"charge-3"'), record=record))[0]


def test_values_of_another_execution_are_the_same_entry(found, file):
    """The result has a further key; in each execution another number stands there."""
    edit = ('{"id": 7,', '{"id": event.get("id", 7), "more": 1,')
    accept(file, found(edit))
    other = steps_document(NAMES, number=3, input={"id": 31}, result={"id": 31, "state": "lost"})
    one = found(edit, record=other)
    assert [each.kind for each in one.findings] == ["result"]
    assert Baseline(file).accepts(one) == (True,)
    third = found(('{"id": 7,', '{"id": event.get("id", 7), "less": 1,'), record=other)
    assert Baseline(file).accepts(third) == (False,)


def test_the_file_is_sorted_and_reasons_are_kept(found, file):
    accept(file, found(('"ship"', '"send"')), found(RENAMED))
    document = json.loads(file.read_text())
    assert [one["asked"] for one in document["accepted"]] == ["STEP 'pay'", "STEP 'send'"]
    document["accepted"][0]["reason"] = "drained on Friday"
    file.write_text(json.dumps(document))
    again = accept(file, found(RENAMED))
    assert (again.added, again.removed) == (0, 1)
    (entry,) = json.loads(file.read_text())["accepted"]
    assert entry["reason"] == "drained on Friday"
    assert "line" not in entry and file.read_text().endswith("}\n")
    before = file.read_bytes()
    accept(file, found(RENAMED))
    assert file.read_bytes() == before


def test_entries_that_no_longer_occur_are_told_unless_only_some_histories_were_seen(found, file):
    accept(file, found(RENAMED), found(('"ship"', '"send"')))
    baseline = Baseline(file)
    baseline.accepts(found(RENAMED))
    (gone,) = baseline.done(partial=False).gone
    assert "send" in str(gone) and "send" in baseline.done(partial=False).remarks()[0]
    assert baseline.done(partial=True).gone == ()
    update = Baseline(file, update=True)
    update.accepts(found(RENAMED))
    update.done(partial=True)
    assert len(json.loads(file.read_text())["accepted"]) == 2


def test_what_could_not_be_compared_is_not_accepted(found, file):
    baseline = Baseline(file, update=True)
    assert baseline.accepts(found(record={"Events": 3})) == (False,)
    baseline.done(partial=False)
    assert json.loads(file.read_text())["accepted"] == []


def test_a_history_of_which_not_all_was_seen_is_not_accepted(found, file):
    import dataclasses

    accept(file, found(RENAMED))
    assert Baseline(file).accepts(dataclasses.replace(found(RENAMED), divergences=2)) == (False,)


@pytest.mark.parametrize(
    "content",
    [
        None,
        "",
        "{",
        "[]",
        "{}",
        '{"version": 2, "accepted": []}',
        '{"version": 1, "accepted": [{"kind": "renamed"}]}',
        '{"version": 1, "accepted": [{"file": 1, "function": "", "kind": "", "operation": "", "recorded": "", "asked": ""}]}',
        '{"version": 1, "accepted": [{"file": "", "function": "", "kind": "", "operation": "", "recorded": "", "asked": "", "times": "2"}]}',
        "\x00",
    ],
)
def test_a_file_that_is_none(file, content):
    if content is not None:
        file.write_text(content)
    with pytest.raises(dd.OptionError, match="accepted.json"):
        Baseline(file)


def test_an_update_needs_a_file_that_can_be_written(tmp_path):
    with pytest.raises(dd.OptionError, match="no baseline to update"):
        Baseline(None, update=True)
    with pytest.raises(dd.OptionError, match="can't be written"):
        Baseline(tmp_path / "none" / "accepted.json", update=True).done(partial=False)


def test_every_sample_change_can_be_accepted_and_is_met_again(found, file):
    """Names that hold what no file may hold, too."""
    wild = found(('"charge"', r'"pay\ud800\x1b"'))
    accept(file, wild)
    assert Baseline(file).accepts(wild) == (True,) * len(wild.findings)
