"""Which of many histories are audited: by status, function, version and age, or a sample of them."""

from __future__ import annotations

import io
import json
import random
import zipfile

import pytest

import durable_debug as dd
from durable_debug.audits.inputs import Source, gathered
from durable_debug.audits.selection import Chooser
from tests.divergence.histories import APP, steps_document, write

ARN = "arn:aws:lambda:eu-west-1:123456789012:function:{function}:{version}/durable-execution/run-{n}/id-{n}"
NAMES = ["reserve", "charge"]


def document(n, *, function="orders", version="7", ended=True, arn=True):
    named = ARN.format(function=function, version=version, n=n) if arn else None
    return steps_document(NAMES if ended else NAMES[:1], number=n, arn=named, ended=ended)


FLEET = [
    document(0, ended=False),
    document(1),
    document(2, function="billing", ended=False),
    document(3, version="8", ended=False),
    document(4, arn=False, ended=False),
]


def chosen(histories, **asked):
    """Numbers of those that are chosen, and what is told of the rest."""
    chooser = Chooser(**asked)
    found, _ = chooser.chosen(*gathered(histories))
    names = [dd.load(source.content).name for source in found]
    return [int(name.removeprefix("run-")) for name in names], chooser.selection(len(names))


@pytest.mark.parametrize(
    ("asked", "numbers", "left_out", "unknown"),
    [
        ({"status": "RUNNING"}, [0, 2, 3, 4], [1], 0),
        ({"status": ["running", "SUCCEEDED"]}, [0, 1, 2, 3, 4], [], 0),
        ({"function": "ord*"}, [0, 1, 3, 4], [1], 1),
        ({"function": ("orders", "billing"), "function_version": "7"}, [0, 1, 2, 4], [1], 1),
        ({"status": "RUNNING", "function": "billing"}, [2, 4], [1, 2], 1),
        ({"since": "2026-01-01"}, [0, 1, 2, 3, 4], [], 0),
        ({"since": "2100-01-01"}, [], [5], 0),
    ],
)
def test_what_is_asked_for_is_kept_and_the_rest_is_counted(asked, numbers, left_out, unknown):
    found, selection = chosen(FLEET, **asked)
    assert found == numbers
    assert (selection.found, [count for _, count in selection.left_out]) == (5, left_out)
    assert selection.unknown == unknown
    assert selection.audited == selection.fitting == len(numbers)
    assert str(selection)


def test_without_a_question_no_history_is_looked_at():
    given = iter([Source("a", "no-such-file.json")])
    chooser = Chooser()
    assert chooser.chosen(given, 1) == (given, 1)
    assert chooser.selection(1) is None


def test_a_sample_is_the_same_in_any_order_and_grows_with_its_number():
    fleet = [document(n) for n in range(40)]
    few, selection = chosen(fleet, sample=8)
    assert few == sorted(few) and len(few) == 8  # in the order given
    assert str(selection).startswith("8 of 40 histories audited, chosen by name")
    mixed = fleet[:]
    random.Random(5).shuffle(mixed)
    assert sorted(chosen(mixed, sample=8)[0]) == few
    assert set(few) < set(chosen(fleet, sample=20)[0])
    # Those that come later push out few of them.
    assert len(set(few) & set(chosen([*fleet, document(99)], sample=8)[0])) >= 7
    assert chosen(fleet, sample=400)[0] == list(range(40))


def test_a_sample_is_of_what_fits():
    found, selection = chosen([document(n, ended=n % 2 == 0) for n in range(20)], status="RUNNING", sample=3)
    assert len(found) == 3 and all(n % 2 for n in found)
    assert (selection.found, selection.fitting, selection.audited) == (20, 10, 3)


def test_what_cannot_be_read_is_never_left_out(tmp_path):
    (tmp_path / "broken.json").write_text("{")
    (tmp_path / "good.json").write_text(json.dumps(document(1)))
    chooser = Chooser(status="RUNNING", function="other", since="1h")
    found, _ = chooser.chosen(*gathered(tmp_path))
    assert [source.label.rpartition("/")[2] for source in found] == ["broken.json"]


def test_what_is_broken_in_an_archive_keeps_its_reason(tmp_path):
    with zipfile.ZipFile(tmp_path / "all.zip", "w") as archive:
        archive.writestr("broken.json", "{")
        archive.writestr("good.json", json.dumps(document(1)))
        archive.writestr("running.json", json.dumps(document(2, ended=False)))
    chooser = Chooser(status="RUNNING")
    good, broken = chooser.chosen(*gathered(tmp_path / "all.zip"))[0]
    if isinstance(good.content, dd.HistoryError):
        good, broken = broken, good
    assert good.content.name == "run-2" and "not JSON" in str(broken.content)


def test_a_fetched_folder_is_chosen_from_by_its_index(tmp_path):
    """A file that the index leaves out is not opened: what it holds now would be no history."""
    for one in FLEET:
        dd.load(one).save(tmp_path)
    (ended,) = tmp_path.glob("run-1--*.json")
    ended.write_text("x" * ended.stat().st_size)
    found, selection = chosen(tmp_path, status="RUNNING", function="orders")
    assert sorted(found) == [0, 3, 4]
    assert [count for _, count in selection.left_out] == [1, 1]
    with (tmp_path / "more.json").open("w") as file:  # which has no line yet
        json.dump(document(5, ended=False), file)
    assert sorted(chosen(tmp_path, status="RUNNING", function="orders")[0]) == [0, 3, 4, 5]
    ended.write_text("no longer of that size")
    chooser = Chooser(status="RUNNING")
    labels = [source.label for source in chooser.chosen(*gathered(tmp_path))[0]]
    assert str(ended) in labels


def test_an_open_file_is_read_once():
    file = io.BytesIO(json.dumps(document(1)).encode())
    chooser = Chooser(function="orders")
    (found,) = chooser.chosen(iter([Source("[0]", file)]), 1)[0]
    assert found.content.name == "run-1"


@pytest.mark.parametrize(
    ("asked", "says"),
    [
        ({"status": "RUNING"}, "Did you mean RUNNING"),
        ({"since": "yesterday"}, "is no time"),
        ({"sample": 0}, "is no number of histories"),
        ({"sample": True}, "is no number of histories"),
        ({"function": ""}, "is no pattern"),
        ({"function_version": 7}, "is no pattern|not iterable"),
    ],
)
def test_what_cannot_be_asked(asked, says):
    with pytest.raises((dd.DurableDebugError, TypeError), match=says):
        Chooser(**asked)


def test_an_audit_says_what_it_left_out(tmp_path):
    (tmp_path / "app.py").write_text(APP)
    folder = tmp_path / "histories"
    folder.mkdir()
    write(folder, FLEET)
    handler = f"{tmp_path / 'app.py'}:handler"
    options = {"n_jobs": 1, "progress": False}
    report = dd.audit(handler, folder, status="RUNNING", function="orders", sample=2, **options)
    assert len(report.rows) == 2 and report.ok
    assert str(report.selection) in report.report() and str(report.selection) in report.to_markdown()
    assert json.loads(report.to_json())["selection"]["found"] == 5
    nothing = dd.audit(handler, folder, since="2100-01-01", **options)
    assert nothing.ok and nothing.rows == () and "no history was audited" in nothing.report()
    assert nothing.to_junit() and nothing.to_sarif() and nothing.to_markdown() and nothing._repr_html_()
    assert nothing.frame.empty
    with pytest.raises(dd.HistoryError, match="Nothing was audited"):
        dd.audit(handler, folder, since="2100-01-01", fail_on_empty=True, **options)


def test_a_folder_into_which_nothing_was_fetched_is_empty_and_no_mistake(tmp_path):
    (tmp_path / "app.py").write_text(APP)
    (tmp_path / "running").mkdir()
    (tmp_path / "running" / "index.ndjson").touch()
    handler = f"{tmp_path / 'app.py'}:handler"
    assert dd.audit(handler, tmp_path / "running", progress=False).rows == ()
    with pytest.raises(dd.HistoryError, match="no histories"):
        dd.audit(handler, tmp_path / "running", progress=False, fail_on_empty=True)
    (tmp_path / "other").mkdir()
    with pytest.raises(dd.HistoryError, match="There is no history"):
        dd.audit(handler, tmp_path / "other", progress=False)


def test_a_paused_execution_is_paused_whether_the_index_or_the_file_says_so(tmp_path):
    paused = document(1, ended=False)
    last = paused["Events"][-1]
    paused["Events"].append(
        {
            "EventType": "ExecutionPaused",
            "EventId": last["EventId"] + 1,
            "EventTimestamp": last["EventTimestamp"] + 1,
        }
    )
    dd.load(paused).save(tmp_path)
    dd.load(document(2, ended=False)).save(tmp_path)
    for histories in (tmp_path, [paused, document(2, ended=False)]):
        assert chosen(histories, status="PAUSED")[0] == [1]
        assert chosen(histories, status="RUNNING")[0] == [2]
