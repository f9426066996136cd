"""Audits that go on where another one stopped, whatever stopped it, and replay only what is new."""

from __future__ import annotations

import dataclasses
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

import durable_debug as dd
from durable_debug.audits.report import Interrupted
from durable_debug.errors import OptionError
from tests.divergence.histories import APP, steps_document, write

ROOT = Path(__file__).parents[2]
NAMES = ["reserve", "charge"]


@pytest.fixture
def app(tmp_path):
    path = tmp_path / "app.py"
    path.write_text(APP)
    return path


def audited(app, histories, **options):
    return dd.audit(f"{app}:handler", histories, progress=False, **{"n_jobs": 1, **options})


def fleet(folder, count=12):
    """Clean ones, and two causes."""
    folder.mkdir(exist_ok=True)
    names = [NAMES, ["reserve", "pay"], ["reserve", "charge", "more"]]
    return write(folder, [steps_document(names[n % 3], number=n) for n in range(count)])


def told(report):
    rows = [dataclasses.replace(row, seconds=0) for row in report.rows]
    return rows, [(c.count, c.example, c.examples, c.divergence.message, c.versions) for c in report.causes]


def done(journal):
    """Names of the histories that a file says were replayed, a line each."""
    lines = [json.loads(line) for line in journal.read_text().splitlines()]
    return [line["row"]["name"] for line in lines if "key" in line]


def test_what_was_done_is_not_done_again_and_the_report_is_the_same(app, tmp_path):
    fleet(tmp_path / "runs")
    journal = tmp_path / "fleet.audit"
    plain = audited(app, tmp_path / "runs")
    first = audited(app, tmp_path / "runs", resume=journal)
    assert len(done(journal)) == 12 and told(first) == told(plain)
    again = audited(app, tmp_path / "runs", resume=journal, n_jobs=2)
    assert told(again) == told(plain)
    assert set(done(journal)[12:]) <= {f"run-{n}" for n in range(12) if n % 3}, (
        "clean ones are never replayed again"
    )
    assert again.tally == plain.tally and "from" in again.remarks()[0]


def test_only_what_is_new_or_has_grown_is_replayed(app, tmp_path):
    paths = fleet(tmp_path / "runs", 3)
    journal = tmp_path / "fleet.audit"
    audited(app, tmp_path / "runs", resume=journal)
    (tmp_path / "runs" / "new.json").write_text(json.dumps(steps_document(NAMES, number=77)))
    paths[0].write_text(json.dumps(steps_document(NAMES, number=78)))
    report = audited(app, tmp_path / "runs", resume=journal)
    assert {"run-77", "run-78"} <= set(done(journal)[3:]) and "run-0" not in done(journal)[3:]
    assert sorted(row.name for row in report.rows) == ["run-1", "run-2", "run-77", "run-78"]


@pytest.mark.parametrize("cut", [1, 40, 400])
def test_a_line_that_was_cut_is_harmless(app, tmp_path, cut):
    fleet(tmp_path / "runs", 6)
    journal = tmp_path / "fleet.audit"
    whole = audited(app, tmp_path / "runs", resume=journal)
    journal.write_bytes(journal.read_bytes()[:-cut])
    assert told(audited(app, tmp_path / "runs", resume=journal)) == told(whole)
    assert all(json.loads(line) for line in journal.read_text().splitlines())


def test_when_the_code_has_changed_all_is_replayed_anew(app, tmp_path):
    (tmp_path / "helper.py").write_text("NAME = 'charge'\n")
    (tmp_path / "late.py").write_text("X = 1\n")
    app.write_text(
        APP.replace('"charge"', "helper.NAME").replace("import", "import helper\nimport", 1)
        + "\n\n_before = handler\n"
        if "import" in APP
        else "import helper\n" + APP.replace('"charge"', "helper.NAME")
    )
    fleet(tmp_path / "runs", 3)
    journal = tmp_path / "fleet.audit"
    audited(app, tmp_path / "runs", resume=journal)
    (tmp_path / "helper.py").write_text("NAME = 'chargE'\n")
    report = audited(app, tmp_path / "runs", resume=journal)
    assert any("helper.py has changed" in remark for remark in report.remarks())
    assert len(done(journal)) == 3, "what was there is gone"


def test_a_file_that_was_imported_late_counts_too(tmp_path):
    app = tmp_path / "app.py"
    app.write_text(
        "from aws_durable_execution_sdk_python import durable_execution\n\n@durable_execution\n"
        "def handler(event, context):\n    import late\n"
        "    return [context.step(lambda _: 1, name=n) for n in late.NAMES]\n"
    )
    (tmp_path / "late.py").write_text("NAMES = ['reserve', 'charge']\n")
    fleet(tmp_path / "runs", 2)
    journal = tmp_path / "fleet.audit"
    audited(app, tmp_path / "runs", resume=journal)
    (tmp_path / "late.py").write_text("NAMES = ['reserve', 'other']\n")
    report = audited(app, tmp_path / "runs", resume=journal)
    assert any("late.py has changed" in remark for remark in report.remarks()) and len(report.causes) >= 1


def test_a_file_of_something_else_is_refused_and_left_as_it_is(app, tmp_path):
    paths = fleet(tmp_path / "runs", 2)
    journal = tmp_path / "fleet.audit"
    audited(app, paths, resume=journal)
    before = journal.read_bytes()
    other = tmp_path / "other.py"
    other.write_text(APP)
    for options in ({"enter": False}, {"against": f"{app}:handler"}, {"env": {"A": "b"}}):
        with pytest.raises(OptionError, match=f"another {next(iter(options))}"):
            audited(app, paths, resume=journal, **options)
    with pytest.raises(OptionError, match="another handler"):
        audited(other, paths, resume=journal)
    assert journal.read_bytes() == before
    for text in ("important\n", '{"Events": []}\n', "no end of line"):
        (tmp_path / "notes.txt").write_text(text)
        with pytest.raises(OptionError, match="no file that an audit has written"):
            audited(app, paths, resume=tmp_path / "notes.txt")
        assert (tmp_path / "notes.txt").read_text() == text
    with pytest.raises(OptionError, match="can't be written"):
        audited(app, paths, resume=tmp_path / "none" / "fleet.audit")


def test_an_interrupt_gives_the_report_so_far(app, tmp_path):
    def histories():
        yield from (steps_document(NAMES, number=n) for n in range(40))
        os.kill(os.getpid(), signal.SIGINT)
        yield from (steps_document(NAMES, number=n) for n in range(40, 80))

    journal = tmp_path / "fleet.audit"
    with pytest.raises(Interrupted, match="go on from") as stop:
        audited(app, histories(), resume=journal)
    report = stop.value.report
    assert 0 < len(report.rows) < 80 and len(report.rows) == len(done(journal))
    assert "stopped" in report.report()
    whole = audited(app, (steps_document(NAMES, number=n) for n in range(80)), resume=journal)
    assert (
        len(whole.rows) == 80 and whole.ok and sorted(done(journal)) == sorted(f"run-{n}" for n in range(80))
    )


def test_a_killed_run_is_gone_on_with(app, tmp_path):
    lines = tmp_path / "fleet.jsonl"
    names = [NAMES, ["reserve", "pay"]]
    lines.write_text("".join(json.dumps(steps_document(names[n % 2], number=n)) + "\n" for n in range(300)))
    journal = tmp_path / "fleet.audit"
    command = [sys.executable, "-m", "durable_debug", "audit", f"{app}:handler", str(lines), "--jobs", "1"]
    running = subprocess.Popen(
        [*command, "--resume", str(journal)], cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    while running.poll() is None and (not journal.exists() or journal.read_bytes().count(b"\n") < 60):
        pass
    running.kill()
    running.wait()
    before = journal.read_bytes().count(b'"key"')
    assert 50 < before < 300
    report = audited(app, lines, resume=journal)
    assert told(report) == told(audited(app, lines))
    assert journal.read_bytes().count(b'"key"') < 300 + 80


def test_what_is_accepted_is_held_against_the_baseline_of_today(app, tmp_path):
    fleet(tmp_path / "runs")
    journal, accepted = tmp_path / "fleet.audit", tmp_path / "accepted.json"
    plain = audited(app, tmp_path / "runs", resume=journal)
    assert not plain.ok
    audited(app, tmp_path / "runs", resume=journal, baseline=accepted, update_baseline=True)
    report = audited(app, tmp_path / "runs", resume=journal, baseline=accepted)
    assert report.ok and all(cause.accepted for cause in report.causes) and not report.acceptance.gone
    assert "4 histories as replayed before" in report.remarks()[0], "the clean ones"
    again = audited(app, tmp_path / "runs", resume=journal)
    assert told(again) == told(plain) and not again.ok


def test_levels_and_a_choice_are_of_this_audit(app, tmp_path):
    fleet(tmp_path / "runs")
    journal = tmp_path / "fleet.audit"
    audited(app, tmp_path / "runs", resume=journal)
    report = audited(app, tmp_path / "runs", resume=journal, levels={"renamed": "off"}, sample=9)
    assert len(report.rows) == 9 and report.selection.fitting == 12
    assert {report.causes[row.cause - 1].divergence.kind for row in report.rows if row.cause} == {
        row.kinds[0] for row in report.rows if row.kinds
    }
    assert report.causes[-1].level == "off" and "renamed" not in report.report().split("switched off")[0]
