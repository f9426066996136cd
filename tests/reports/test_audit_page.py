"""The page of an audit: what a person reads in a minute, of one history and of a hundred thousand."""

from __future__ import annotations

import dataclasses
import shlex
from datetime import UTC, datetime, timedelta

import pytest

import durable_debug as dd
from durable_debug.audits.check import Checked, obstacle
from durable_debug.audits.report import Report
from durable_debug.audits.rows import Rows
from durable_debug.cli import main
from tests.divergence.histories import APP, steps_document, write

START = datetime(2026, 9, 1, tzinfo=UTC)


@pytest.fixture(scope="module")
def divergence(tmp_path_factory):
    folder = tmp_path_factory.mktemp("app")
    (folder / "app.py").write_text(APP)
    audit = dd.audit(f"{folder / 'app.py'}:handler", steps_document(["reserve", "pay"]), progress=False)
    return audit.causes[0].divergence


def fleet(divergence, count, causes):
    """A third diverges, for so many causes; some can't be read."""
    rows = Rows()
    for n in range(count):
        found = ()
        if n % 3 == 0:
            place = dataclasses.replace(divergence.place, line=1 + n // 3 % causes)
            found = (dataclasses.replace(divergence, place=place),)
        elif n % 50 == 1:
            found = (obstacle("unreadable", "It is empty: <script>alert(1)</script>."),)
        started = START + timedelta(minutes=n)
        rows.add(
            n,
            f"fleet.jsonl#<b>{n}",
            Checked(ok=not found, findings=found, function="orders", version=str(n % 30), started=started),
        )
    found, named = rows.told()
    return Report(found, named, "app.py:handler", None, count / 500, rows.tally)


@pytest.mark.parametrize(("count", "causes"), [(3_000, 700), (30_000, 3_000)])
def test_it_stays_a_page_however_large_the_audit_was(divergence, count, causes):
    report = fleet(divergence, count, causes)
    told, page = report.report(), report.to_html()
    assert len(report.causes) == causes + 1
    assert told.count("\n") < 110 and len(page) < 40_000
    assert f"{causes - 17:,} more causes" in told and f"{causes - 17:,} more causes" in page
    assert "18 more versions" in told
    assert "<script>" not in page and "<b>" not in page.replace("<header><b>", "")
    assert f"{count // 3:,} diverge" in told.splitlines()[0] and "500 a second" in told.splitlines()[1]
    assert "2026-09-01 to " in told.splitlines()[1]
    assert page.startswith("<!doctype html>")


def test_a_cause_knows_since_when_and_where_it_shows(divergence):
    cause = fleet(divergence, 300, 1).causes[0]
    assert cause.count == 100 and cause.first_seen == START
    assert cause.last_seen == START + timedelta(minutes=297)
    assert sum(count for _, count in cause.versions) == 100 and len(cause.examples) == 20


def test_each_cause_comes_with_the_command_that_shows_it(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "app.py").write_text(APP)
    (tmp_path / "runs of may").mkdir()
    write(tmp_path / "runs of may", [steps_document(["reserve", "pay"])])
    assert main(["audit", "app.py:handler", "runs of may"]) == 1
    line = next(line for line in capsys.readouterr().out.splitlines() if "durable-debug replay" in line)
    command = shlex.split(line.partition("durable-debug ")[2])
    assert main(command) == 1
    assert "'pay'" in capsys.readouterr().out


def test_the_page_is_written_to_a_file(tmp_path, capsys):
    (tmp_path / "app.py").write_text(APP)
    paths = write(tmp_path, [steps_document(["reserve", "charge"])])
    output = tmp_path / "audit.html"
    handler = f"{tmp_path / 'app.py'}:handler"
    assert main(["audit", handler, *map(str, paths), "--format", "html", "--output", str(output)]) == 0
    assert "1 of 1 history clean" in output.read_text() and "1 of 1 history clean" in capsys.readouterr().out
