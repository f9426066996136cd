"""Folders, archives, URLs, packed files, and records that only tell of an execution."""

from __future__ import annotations

import gzip
import io
import json
import shutil
import time
import zipfile
from pathlib import Path
from typing import Any

import fsspec
import pytest
import zstandard

from durable_debug.errors import HistoryError, IncompleteHistoryError
from durable_debug.history import History
from durable_debug.sources import Histories, load, load_one

ARN = "arn:aws:lambda:eu-west-1:123456789012:function:orders:7/durable-execution/order-{}/00000000-{}"


@pytest.fixture
def history(samples: Path) -> History:
    return load(samples / "payment_failed.json")


def another(history: History, number: int) -> History:
    return History(history.raw, arn=ARN.format(number, number))


@pytest.fixture
def folder(history: History, tmp_path: Path) -> Path:
    for number in range(3):
        another(history, number).save(f"{tmp_path}/kept/")
    return tmp_path / "kept"


def test_the_layout(folder: Path, history: History) -> None:
    assert sorted(path.name for path in folder.iterdir()) == [
        "index.ndjson",
        *(f"order-{number}--00000000-{number}.json" for number in range(3)),
    ]
    document = json.loads((folder / "order-1--00000000-1.json").read_text())
    assert document["DurableExecutionArn"] == ARN.format(1, 1)
    line = json.loads((folder / "index.ndjson").read_text().splitlines()[1])
    assert (line["arn"], line["status"], line["version"]) == (ARN.format(1, 1), "FAILED", "7")
    found = load(folder)
    assert isinstance(found, Histories)
    assert [found[0], found[-1]] == list(found[::2])
    assert found["order-1--00000000-1.json"] == found[ARN.format(1, 1)] == another(history, 1)
    assert load(folder, ARN.format(2, 2)).arn == load(f"{folder}#order-2--00000000-2.json").arn
    with pytest.raises(HistoryError, match=r"3 executions in .* have the name .*Name one by its file"):
        found[found.frame.name[0]]
    with pytest.raises(HistoryError, match="holds no execution 'x'"):
        found["x"]
    with pytest.raises(HistoryError, match=r"holds 3 executions.*#NAME"):
        load_one(folder)
    assert load_one(folder / "order-1--00000000-1.json") == another(history, 1)
    assert "3 executions" in repr(found) and "<table" in found._repr_html_()
    assert found.frame.dtypes.astype(str)[["start", "events"]].tolist() == ["datetime64[us, UTC]", "Int64"]


def test_the_index_follows_the_files(folder: Path, history: History) -> None:
    first = load(folder).frame
    (folder / "order-0--00000000-0.json").unlink()
    shutil.copy(folder / "order-1--00000000-1.json", folder / "mine.json")
    another(history, 9).save(folder)
    (folder / "order-2--00000000-2.json").write_text("{")
    (folder / "notes.txt").write_text("not a history")
    found = load(folder)
    assert sorted(found.frame.file) == ["mine.json", "order-1--00000000-1.json", "order-9--00000000-9.json"]
    assert len(found.problems) == 1 and found.problems[0].startswith("order-2")
    index = (folder / "index.ndjson").read_bytes()
    assert load(folder).frame.equals(found.frame)
    assert (folder / "index.ndjson").read_bytes() == index
    (folder / "index.ndjson").write_bytes(b"\xff\n[]\n{}\n" + index)
    assert load(folder).frame.equals(found.frame)
    (folder / "index.ndjson").unlink()
    assert load(folder).frame.equals(found.frame)
    assert len(first) == 3


def test_names_that_are_no_file_names(history: History, tmp_path: Path) -> None:
    arns = ["a/../../b", "..", "uuid/inv", "x" * 900, "a/b c", "a/b_c", None, "CON/nul"]
    paths = [History(history.raw, arn=arn).save(tmp_path) for arn in arns]
    assert len(set(paths)) == len(arns)
    assert all(path.parent == tmp_path and len(path.name) < 200 for path in paths)
    assert {each.arn for each in load(tmp_path)} == set(arns)


def test_ten_thousand_list_in_under_a_second(history: History, tmp_path: Path) -> None:
    content = history.save(tmp_path / "one.json").read_bytes()
    place = tmp_path / "many"
    place.mkdir()
    for number in range(10_000):
        (place / f"order-{number}.json").write_bytes(content)
    load(place).frame  # noqa: B018 - makes the index
    begun = time.process_time()
    frame = load(place).frame
    assert time.process_time() - begun < 1
    assert len(frame) == 10_000


PACKERS = {
    "gz": gzip.compress,
    "zst": zstandard.compress,
    "gz in two": lambda raw: gzip.compress(raw[:100]) + gzip.compress(raw[100:]),
    "zst in two": lambda raw: zstandard.compress(raw[:100]) + zstandard.compress(raw[100:]),
}


@pytest.mark.parametrize("pack", PACKERS.values(), ids=PACKERS)
def test_packed(folder: Path, history: History, pack: Any, tmp_path: Path) -> None:
    raw = (folder / "order-1--00000000-1.json").read_bytes()
    packed = tmp_path / "order.json.packed"
    packed.write_bytes(pack(raw))
    assert load(packed) == load(io.BytesIO(pack(raw))) == another(history, 1)
    (folder / "other.json.gz").write_bytes(pack(raw))
    assert len(load(folder)) == 4
    packed.write_bytes(pack(raw)[:-10])
    with pytest.raises(HistoryError, match=r"order.json.packed: .*(cut short|broken|not JSON)"):
        load(packed)


def test_a_bomb_is_not_unpacked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from durable_debug.sources import reading

    monkeypatch.setattr(reading, "MOST_BYTES", 10_000)
    for pack in (gzip.compress, zstandard.compress):
        with pytest.raises(HistoryError, match="unpacks to more"):
            load(pack(b" " * 100_000))


def test_a_zipped_folder(folder: Path, history: History, tmp_path: Path) -> None:
    path = shutil.make_archive(str(tmp_path / "shared"), "zip", folder.parent, "kept")
    found = load(path)
    assert found.frame.drop(columns="file").equals(load(folder).frame.drop(columns="file"))
    assert load(f"{path}#order-1--00000000-1.json") == another(history, 1)
    assert len(load(Path(path).read_bytes())) == 3
    Path(path).write_bytes(Path(path).read_bytes()[:200])
    with pytest.raises(HistoryError, match=r"shared.zip: It is a broken zip"):
        load(path)


def test_urls(folder: Path, history: History) -> None:
    system = fsspec.filesystem("memory")
    system.put(str(folder), "/bucket/kept", recursive=True)
    try:
        assert load("memory://bucket/kept/order-1--00000000-1.json") == another(history, 1)
        for url in ("memory://bucket/kept", "memory://bucket/kept/"):
            assert len(load(url)) == 3
        assert load("memory://bucket/kept#order-1--00000000-1.json") == another(history, 1)
        assert load(folder.as_uri() + "/order-1--00000000-1.json") == another(history, 1)
    finally:
        system.rm("/bucket", recursive=True)


def test_one_on_each_line(folder: Path, history: History, tmp_path: Path) -> None:
    documents = [json.loads(path.read_bytes()) for path in sorted(folder.glob("*.json"))]
    lines = "\n".join(json.dumps(document) for document in documents)
    path = tmp_path / "all.ndjson"
    path.write_text(lines)
    found = load(path)
    assert isinstance(found, Histories) and len(found) == 3
    assert found[ARN.format(1, 1)] == another(history, 1)
    path.write_text("\n".join(json.dumps(event) for event in documents[1]["Events"]))
    assert load(path).raw == another(history, 1).raw
    pages = [
        {"Events": documents[0]["Events"][:3], "NextMarker": "m"},
        {"Events": documents[0]["Events"][3:]},
    ]
    path.write_text("\n".join(json.dumps(page) for page in pages))
    assert load(path).raw == history.raw
    path.write_text(json.dumps(documents[1]))
    assert load(path) == another(history, 1)


RECORD = {
    "recordType": "WorkflowInsight",
    "schemaVersion": "1.0",
    "emittedAt": "2026-07-15T12:00:00.000Z",
    "executionArn": ARN.format(1, 1),
    "executionName": "order-1",
    "functionName": "orders",
    "status": "FAILED",
    "startTime": "2026-07-15T11:59:58.000Z",
    "endTime": "2026-07-15T12:00:00.000Z",
    "durationMs": 2000,
    "input": {"order": 1},
    "error": {"name": "ValueError", "message": "no such card"},
    "operations": [
        {
            "id": "1ced8f5be2db23a6513eba4d819c73806424748a7bc6fa0d792cc1c7d1775a97",
            "name": "charge",
            "type": "STEP",
            "subType": "Step",
            "status": "FAILED",
            "startTime": "2026-07-15T11:59:58.500Z",
            "endTime": "2026-07-15T11:59:59.000Z",
            "attempt": 3,
            "error": {"name": "ValueError", "message": "no such card"},
        }
    ],
}


@pytest.mark.parametrize("kind", ["WorkflowInsight", "DurableExecutionTelemetry"])
def test_a_record_is_shown_and_says_why_it_is_not_replayed(kind: str, tmp_path: Path) -> None:
    history = load({**RECORD, "recordType": kind})
    assert (history.name, history.function_name, history.status) == ("order-1", "orders", "FAILED")
    assert json.loads(history.input) == {"order": 1}
    (operation,) = history.tree()
    assert (operation.position, operation.name, operation.status) == ("1", "charge", "FAILED")
    assert operation.error["ErrorMessage"] == "no such card"
    with pytest.raises(HistoryError, match=f"cannot be replayed, because a {kind} record leaves out"):
        history.require_replayable()
    again = load(history.save(tmp_path / "record.json"))
    with pytest.raises(HistoryError, match="cannot be replayed, because"):
        again.require_replayable()
    lines = tmp_path / "records.ndjson"
    lines.write_text(
        json.dumps(RECORD) + "\n" + json.dumps({**RECORD, "executionArn": ARN.format(2, 2)}) + "\n"
    )
    assert [each.arn for each in load(lines)] == [ARN.format(1, 1), ARN.format(2, 2)]


def test_an_eventbridge_message(tmp_path: Path) -> None:
    notice = {
        "version": "0",
        "detail-type": "Durable Execution Status Change",
        "source": "aws.lambda",
        "time": "2026-07-15T12:00:00Z",
        "detail": {
            "version": "0",
            "durableExecutionArn": ARN.format(1, 1),
            "durableExecutionName": "order-1",
            "functionArn": "arn:aws:lambda:eu-west-1:123456789012:function:orders:7",
            "status": "TIMED_OUT",
            "startTimestamp": "2026-07-15T11:00:00Z",
            "endTimestamp": "2026-07-15T12:00:00Z",
        },
    }
    history = load(notice)
    assert (history.name, history.status, history.duration_seconds) == ("order-1", "TIMED_OUT", 3600)
    with pytest.raises(HistoryError, match="cannot be replayed, because an EventBridge event only says"):
        history.require_replayable()


def test_a_page_kept_stays_a_page(history: History, tmp_path: Path) -> None:
    page = load({"DurableExecutionArn": ARN.format(1, 1), "Events": list(history.raw), "NextMarker": "m"})
    (kept,) = load(page.save(f"{tmp_path}/new/").parent)
    with pytest.raises(IncompleteHistoryError):
        kept.require_replayable()
