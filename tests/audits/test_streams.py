"""Histories that an audit reads one at a time, and rows that take little room."""

from __future__ import annotations

import bz2
import gc
import gzip
import json
import weakref
import zipfile

import pytest
import zstandard

import durable_debug as dd
from durable_debug.audits.inputs import gathered
from durable_debug.audits.rows import Rows
from durable_debug.audits.check import Checked, obstacle
from durable_debug.sources import Member
from tests.divergence.histories import APP, steps_document, write

NAMES = ["reserve", "charge"]


@pytest.fixture
def app(tmp_path):
    path = tmp_path / "app.py"
    path.write_text(APP)
    return f"{path}:handler"


def lines(count):
    return b"".join(
        json.dumps(steps_document(NAMES, number=number)).encode() + b"\n" for number in range(count)
    )


@pytest.mark.parametrize(
    ("ending", "pack"),
    [("", bytes), (".gz", gzip.compress), (".bz2", bz2.compress), (".zst", zstandard.compress)],
)
def test_lines_of_json_are_read_one_at_a_time(app, tmp_path, ending, pack):
    path = tmp_path / f"many.jsonl{ending}"
    path.write_bytes(pack(lines(5) + b"\n{broken\n"))
    sources, count = gathered(path)
    assert count is None and isinstance(next(sources).content, Member)
    report = dd.audit(app, str(path), n_jobs=1, progress=False)
    assert [row.clean for row in report.rows] == [True] * 5 + [False]
    assert report.rows[5].kinds == ("unreadable",) and "execution 5" in report.rows[5].message
    assert dd.load(report.rows[3].history).name == report.rows[3].name == "run-3"


def test_a_file_that_breaks_off_costs_its_end_only(app, tmp_path):
    path = tmp_path / "many.jsonl.gz"
    whole = gzip.compress(lines(50) + b"".join(lines(9) for _ in range(40)))
    path.write_bytes(whole[: len(whole) * 2 // 3])
    report = dd.audit(app, path, n_jobs=1, progress=False)
    assert len(report.rows) > 50 and [row.clean for row in report.rows].count(False) == 1
    assert not report.rows[-1].clean and "broken" in report.rows[-1].message


def test_pages_of_one_execution_stay_one(app, tmp_path):
    document = steps_document(NAMES)
    pages = [
        {**document, "Events": document["Events"][:3], "NextMarker": "more"},
        {**document, "Events": document["Events"][3:]},
    ]
    path = tmp_path / "pages.jsonl"
    arn = (
        "arn:aws:lambda:eu-west-1:111122223333:function:f:1/durable-execution/run-0/"
        + document["Events"][0]["Id"]
    )
    path.write_text("\n".join(json.dumps({**page, "DurableExecutionArn": arn}) for page in pages))
    report = dd.audit(app, path, n_jobs=1, progress=False)
    assert report.ok and len(report.rows) == 1


def test_members_of_an_archive_are_read_when_their_turn_comes(tmp_path):
    archive = tmp_path / "many.zip"
    with zipfile.ZipFile(archive, "w") as zipped:
        for number in range(3):
            zipped.writestr(f"{number}.json", json.dumps(steps_document(NAMES, number=number)))
        zipped.writestr("README.md", "of no interest")
    sources, count = gathered(archive)
    first = next(sources)
    assert count == 3 and isinstance(first.content, Member)
    assert dd.load(first.label).name == "run-0"


def test_a_folder_is_named_at_any_depth_in_order(tmp_path):
    (tmp_path / "b").mkdir()
    write(tmp_path / "b", [steps_document(NAMES)])
    write(tmp_path, [steps_document(NAMES), steps_document(NAMES)])
    (tmp_path / "c.json.gz").write_bytes(b"")
    names = [source.label.removeprefix(f"{tmp_path}/") for source in gathered(tmp_path)[0]]
    assert names == ["0000.json", "0001.json", "b/0000.json", "c.json.gz"]


def test_rows_are_those_that_were_added_in_the_order_of_the_histories():
    rows = Rows()
    broken = Checked(findings=(obstacle("unreadable", "It is empty."),))
    for index in reversed(range(1300)):
        rows.add(index, f"h{index}", broken if index % 100 == 0 else Checked(ok=True, name=f"run-{index}"))
    found, causes = rows.told()
    assert [row.history for row in found] == [f"h{index}" for index in range(1300)]
    assert len(found) == 1300 and found[-1] == found[1299] and found[700:702] == (found[700], found[701])
    assert [row.history for row in found if not row.clean] == [f"h{index}" for index in range(0, 1300, 100)]
    assert causes[0].count == 13 and causes[0].example == "h0" and found[0].cause == 1
    assert causes[0].examples[:3] == ("h0", "h100", "h200")
    with pytest.raises(IndexError):
        found[1300]


def test_a_hundred_thousand_rows_take_a_few_megabytes():
    import tracemalloc

    rows = Rows()
    tracemalloc.start()
    for index in range(20_000):
        arn = f"arn:aws:lambda:eu-west-1:123456789012:function:orders:7/durable-execution/order-{index}/{index:032}"
        rows.add(index, f"fleet.jsonl#order-{index}", Checked(ok=True, arn=arn, name=f"order-{index}"))
    held, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert held < 2_000_000, f"{held / 20_000:.0f} bytes a row"


def test_a_history_that_was_replayed_is_let_go(app):
    """An audit's process replays thousands: none of them may stay."""
    history = dd.load(steps_document(["reserve", "pay"]))
    held = weakref.ref(history)
    run = dd.replay(app, history)
    assert run.divergences
    del run, history
    gc.collect()
    assert held() is None
