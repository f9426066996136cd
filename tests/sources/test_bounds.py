"""What is handed over may be hostile or broken: bounded, told, and one bad member is one problem."""

from __future__ import annotations

import bz2
import gzip
import io
import json
import lzma
import os
import socket
import sqlite3
import struct
import zipfile
from pathlib import Path
from typing import Any

import pytest

import durable_debug as dd
from durable_debug.errors import HistoryError
from durable_debug.sources import reading
from tests.fuzz import running

ARN = "arn:aws:lambda:eu-west-1:123456789012:function:orders:7/durable-execution/order-1/00000000-1"


@pytest.fixture
def document(samples: Path) -> bytes:
    return (samples / "payment_failed.json").read_bytes()


def test_files_broken_byte_by_byte() -> None:
    assert running.run("tests.fuzz.files", seed=9, count=40) == 0


# ---- what is no file


def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "order.json")
    with pytest.raises(HistoryError, match="is a pipe, not a file"):
        dd.load(tmp_path / "order.json")


def test_a_device_is_not_read() -> None:
    with pytest.raises(HistoryError, match="is a device, not a file"):
        dd.load("/dev/zero")


def test_in_a_folder_each_is_one_problem(tmp_path: Path, document: bytes) -> None:
    (tmp_path / "good.json").write_bytes(document)
    os.mkfifo(tmp_path / "pipe.json")
    (tmp_path / "folder.json").mkdir()
    (tmp_path / "loop.json").symlink_to(tmp_path / "loop.json")
    (tmp_path / "gone.json").symlink_to(tmp_path / "nowhere")
    (tmp_path / "bad.json.gz").write_bytes(gzip.compress(document)[:-20])
    (tmp_path / "bad.json.xz").write_bytes(lzma.compress(document)[:100])
    with socket.socket(socket.AF_UNIX) as one:
        one.bind(str(tmp_path / "s.json"))
        found = dd.load(tmp_path)
    assert list(found.frame["file"]) == ["good.json"]
    assert sorted(problem.partition(":")[0] for problem in found.problems) == [
        "bad.json.gz",
        "bad.json.xz",
        "folder.json",
        "gone.json",
        "loop.json",
        "pipe.json",
        "s.json",
    ]


# ---- bombs


def test_a_member_that_lies_about_its_size(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "MOST_BYTES", 100_000)
    size = 3_000_001
    for method in (zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA):
        into = io.BytesIO()
        with zipfile.ZipFile(into, "w", method) as archive:
            archive.writestr("a.json", b" " * size)
        found = dd.load(into.getvalue().replace(struct.pack("<I", size), struct.pack("<I", 100)))
        assert len(found) == 0
        assert "unpacks to more than 100,000 bytes" in found.problems[0] and "MOST_BYTES" in found.problems[0]


def test_a_file_of_blanks_and_of_values(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(reading, "MOST_BYTES", 10_000)
    monkeypatch.setattr(reading, "MOST_VALUES", 1_000)
    path = tmp_path / "x.json"
    path.write_bytes(b" " * 10_001)
    with pytest.raises(HistoryError, match=r"x.json: It holds more than 10,000 bytes.*MOST_BYTES"):
        dd.load(path)
    for content in (b"[" + b"{}," * 1_100 + b"{}]", b"1\n" * 1_100):
        with pytest.raises(HistoryError, match="more than 1,000 values.*MOST_VALUES"):
            dd.load(content)
    with pytest.raises(HistoryError, match="no execution history"):  # commas in a text are no values
        dd.load(b'[{"a": "%s"}]' % (b"," * 5_000))


@pytest.mark.parametrize("pack", [gzip.compress, bz2.compress, lzma.compress])
def test_every_packer(pack: Any, document: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    assert dd.load(pack(document[:99]) + b"\0" * 512 + pack(document[99:]) + b"\0" * 50_000) == dd.load(
        document
    )
    with pytest.raises(HistoryError, match="cut short|broken"):
        dd.load(pack(document)[:-9])
    monkeypatch.setattr(reading, "MOST_BYTES", 10_000)
    with pytest.raises(HistoryError, match="unpacks to more"):
        dd.load(pack(b" " * 100_000))


@pytest.mark.parametrize("method", [0, 8, 12, 14])
def test_one_bad_member_of_an_archive(method: int, document: bytes) -> None:
    into = io.BytesIO()
    with zipfile.ZipFile(into, "w", method) as archive:
        for name in ("a/x.json", "b/x.json", "c.json"):
            archive.writestr(name, document)
    raw = bytearray(into.getvalue())
    start = raw.index(b"c.json") + len("c.json")
    raw[start + 30 : start + 60] = bytes(30)
    found = dd.load(bytes(raw))
    assert sorted(found.frame["file"]) == ["a/x.json", "b/x.json"]  # of one name, and both are there
    assert len(found.problems) == 1 and found.problems[0].startswith("c.json: It cannot be unpacked")


# ---- databases


def database(path: Path, *rows: tuple[Any, ...]) -> Path:
    with sqlite3.connect(path) as made:
        columns = "durable_execution_arn, function_name, execution_name, status, start_timestamp, end_timestamp, data"
        made.execute(f"CREATE TABLE executions ({columns})")
        made.executemany("INSERT INTO executions VALUES (?, ?, ?, ?, ?, ?, ?)", rows)
    made.close()
    return path


def test_one_bad_row_of_a_database(tmp_path: Path, document: bytes) -> None:
    good = ("a", "f", "one", "SUCCEEDED", 1.7e9, 1.7e9, document.decode())
    rows = [good, ("b", "f", "two", "FAILED", "soon", None, "{}"), (b"\xff", 1, 2, 3, None, None, None)]
    found = dd.load(database(tmp_path / "x.db", *rows))
    assert list(found.frame["arn"]) == ["a"] and len(found.problems) == 2
    assert found["a"] == dd.load(document)
    nothing = dd.load(database(tmp_path / "y.db", ("a", "f", "one", "SUCCEEDED", 1.7e9, 1.7e9, None)))
    with pytest.raises(HistoryError, match="nothing in it"):
        nothing[0]


def test_a_view_that_never_ends(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "MOST_SECONDS", -1.0)
    with sqlite3.connect(tmp_path / "x.db") as made:
        made.execute(
            "CREATE VIEW executions AS WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT i AS "
            "durable_execution_arn, i AS function_name, i AS execution_name, i AS status, i AS start_timestamp, "
            "i AS end_timestamp, i AS data FROM n WHERE i < 0"
        )
    made.close()
    with pytest.raises(HistoryError, match="interrupted"):
        dd.load(tmp_path / "x.db")


# ---- what is saved


def test_a_lone_surrogate_is_kept_whole(tmp_path: Path, document: bytes) -> None:
    parsed = json.loads(document)
    parsed["Events"][0]["Name"] = "order \ud83d"
    history = dd.load(parsed)
    for to in (tmp_path / "one.json", f"{tmp_path}/folder/"):
        assert dd.load(history.save(to)).raw == history.raw
    found = dd.load(tmp_path / "folder")
    assert (found[0].name, list(found.frame["name"]), found.problems) == (
        "order \ufffd",
        ["order \ufffd"],
        (),
    )


def test_what_cannot_be_written_leaves_nothing(tmp_path: Path, document: bytes) -> None:
    parsed = json.loads(document)
    parsed["Events"][0]["Odd"] = {1, 2}
    with pytest.raises(HistoryError, match="something that JSON cannot"):
        dd.load(parsed).save(f"{tmp_path}/folder/")
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


def test_a_number_beyond_64_bits_is_kept(tmp_path: Path, document: bytes) -> None:
    parsed = json.loads(document)
    parsed["Events"][1]["Odd"] = 2**80
    assert dd.load(dd.load(parsed).save(f"{tmp_path}/folder/")).raw[1]["Odd"] == 2**80


def test_executions_that_are_alike_have_files_of_their_own(tmp_path: Path, document: bytes) -> None:
    arns = [
        ARN,
        ARN.replace("123456789012", "210987654321"),
        ARN.replace("eu-west-1", "us-east-1"),
        ARN.replace(":7/", ":8/"),
        ARN.replace("order-1", "ORDER-1"),
        ARN.replace("order-1", "Order-1"),
    ]
    raw = dd.load(document).raw
    for _ in range(2):  # and the same the next time
        paths = [dd.History(raw, arn=arn).save(tmp_path) for arn in arns]
        assert len({path.name.lower() for path in paths}) == len(arns)
    assert paths[0].name == "order-1--00000000-1.json"
    assert {history.arn for history in dd.load(tmp_path)} == set(arns)


# ---- what is told


def test_the_table_of_sam_is_told_as_sams() -> None:
    table = (
        "┌──────────┬──────────────────┐\n│ Event Id │    Event Type    │\n├──────────┼──────────────────┤\n"
    )
    with pytest.raises(HistoryError, match="SAM prints.*--format json"):
        dd.load(table.encode())
    with pytest.raises(HistoryError, match="summary that SAM prints.*--format json"):
        dd.load(b"\nExecution Summary:\n=========================\nARN:      a/b\n")
    with pytest.raises(HistoryError, match="AWS CLI for `--output json`"):
        dd.load(b"---------\n|  GetDurableExecutionHistory  |\n")


def test_decoded_payloads_are_told(document: bytes) -> None:
    parsed = json.loads(document)
    parsed["Events"][0]["ExecutionStartedDetails"]["Input"]["Payload"] = {"order": 1}
    with pytest.raises(HistoryError, match="Event 1 .*payload is an object.*decoded.*fromjson"):
        dd.load(parsed)


def test_open_files_that_give_something_else() -> None:
    class Odd:
        def read(self, size: int = -1) -> Any:
            return 5

    with pytest.raises(HistoryError, match="gives a int"):
        dd.load(Odd())


def test_an_index_that_lies(tmp_path: Path, document: bytes) -> None:
    dd.History(dd.load(document).raw, arn=ARN).save(tmp_path)
    line = json.loads((tmp_path / "index.ndjson").read_text())
    for lie in ({"start": "soon"}, {"name": 5}, {"events": "many"}, {"end": "2026-01-01"}, {"file": None}):
        (tmp_path / "index.ndjson").write_text(json.dumps({**line, **lie}) + "\n")
        assert list(dd.load(tmp_path).frame["arn"]) == [ARN]


def test_what_is_nested_too_deep(document: bytes) -> None:
    deep = b"[" * 300 + b"]" * 300
    for content in (
        document.replace(b'"EventId": 1,', b'"EventId": 1, "Odd": ' + deep + b","),
        deep,
        b'"\\ud800"'.join([b"[", b"," + deep + b"]"]),
    ):
        with pytest.raises(HistoryError, match="nested more than"):
            dd.load(content)
    endless: list[object] = []
    endless.append(endless)
    with pytest.raises(HistoryError, match="nested more than"):
        dd.load(endless)


def test_a_name_of_ten_million_characters_is_cut_where_it_is_shown(document: bytes, tmp_path: Path) -> None:
    parsed = json.loads(document)
    parsed["Events"][0]["Name"] = "A" * 10_000_000
    history = dd.load(parsed)
    assert len(repr(history)) < 400 and len(history._repr_html_()) < 50_000
    history.save(f"{tmp_path}/kept/")
    found = dd.load(tmp_path / "kept")
    assert len(repr(found)) < 400 and len(found._repr_html_()) < 50_000 and len(str(found.problems)) < 400
    with pytest.raises(HistoryError) as raised:
        found["nothing"]
    assert len(str(raised.value)) < 1_000
