"""What a deploy does to running executions: each fate, on the lines of the SDK, in Python and on the command line."""

from __future__ import annotations

import json
from pathlib import Path

import durable_debug as dd
import pytest
from durable_debug.cli import main

CHANGES = {
    "same": lambda text: text,
    "a step renamed": lambda text: text.replace('name="check-receipts"', 'name="check-bills"'),
    "a step put in": lambda text: text.replace(
        "    # A manager who",
        '    context.step(check_receipts(event["receipts"]), name="again")\n    # A manager who',
    ),
    "a wait taken out": lambda text: text.replace(
        '    context.wait(Duration.from_minutes(5), name="grace-period")\n', ""
    ),
    "a wait made longer": lambda text: text.replace("from_minutes(5)", "from_minutes(50)"),
    "a step to come": lambda text: text.replace(
        '    if not decision["approved"]',
        '    context.step(check_receipts(event["receipts"]), name="later")\n    if not decision["approved"]',
    ),
}
LATER = {
    "same": "as_before",
    "a step renamed": "killed",
    "a step put in": "killed",
    "a wait taken out": "killed",
    "a wait made longer": "as_before",
    "a step to come": "as_before",
}
# Before 2.0 the SDK does not look at what an operation is called: it takes what stands at its place.
BEFORE_2 = LATER | {
    "a step renamed": "other_values",
    "a step put in": "runs_again",
    "a wait taken out": "other_values",
}


@pytest.fixture
def running(samples) -> Path:
    return samples / "suspended.json"


def changed(samples: Path, folder: Path, change: str) -> tuple[str, str]:
    source = (samples / "apps" / "suspended.py").read_text()
    for name, text in (("old", source), ("new", CHANGES[change](source))):
        (folder / name).mkdir()
        (folder / name / "app.py").write_text(text)
    return f"{folder}/old/app.py:handler", f"{folder}/new/app.py:handler"


@pytest.mark.parametrize("change", CHANGES)
def test_each_fate(change, samples, running, tmp_path) -> None:
    old, new = changed(samples, tmp_path, change)
    found = dd.deploy_check(old, new, running)
    assert [row.fate for row in found.rows] == [LATER[change]], found.report()
    assert found.ok is (LATER[change] == "as_before")
    if not found.ok:
        assert found.rows[0].file == new.rpartition(":")[0] and found.rows[0].line
        assert "Pin it" in found.rows[0].move


@pytest.mark.parametrize("change", CHANGES)
def test_each_fate_on_each_line(change, samples, running, tmp_path) -> None:
    old, new = changed(samples, tmp_path, change)
    found = dd.deploy_check(old, new, running, sdk=["1.7", "2.1"])
    assert [(row.sdk, row.fate) for row in found.rows] == [
        ("1.7", BEFORE_2[change]),
        ("2.1", LATER[change]),
    ], found.report()


def test_executions_that_have_ended_are_passed_over(samples, running) -> None:
    handler = f"{samples}/apps/suspended.py:handler"
    found = dd.deploy_check(handler, handler, [running, samples / "poll_job.json"])
    assert (len(found.rows), found.ended) == (1, 1)
    assert "1 history of executions that have ended passed over" in found.report()
    assert "1 goes on as before" in repr(found)


def test_nothing_that_runs(samples) -> None:
    handler = f"{samples}/apps/poll_job.py:handler"
    found = dd.deploy_check(handler, handler, samples / "poll_job.json")
    assert found.ok and found.rows == () and len(found.frame) == 0
    assert "0 running executions" in found.report()


def test_what_can_not_be_told(samples, running, tmp_path) -> None:
    (tmp_path / "broken.py").write_text("def handler(:")
    old = f"{samples}/apps/suspended.py:handler"
    found = dd.deploy_check(old, f"{tmp_path}/broken.py:handler", running)
    assert [row.fate for row in found.rows] == ["unknown"]
    assert "SyntaxError" in found.rows[0].why and not found.ok
    (tmp_path / "no.json").write_text("{}")
    assert [row.fate for row in dd.deploy_check(old, old, tmp_path / "no.json").rows] == ["unknown"]


def test_what_the_old_code_is_killed_for_is_not_told_as_going_on(samples, running) -> None:
    other = f"{samples}/apps/shipping.py:handler"
    (row,) = dd.deploy_check(other, other, running).rows
    assert row.fate == "unknown" and "this handler" in row.move


def test_what_an_upgrade_kills_that_the_old_sdk_passes_over(samples, running, tmp_path) -> None:
    _, new = changed(samples, tmp_path, "a step renamed")
    found = dd.deploy_check(new, new, running, old_sdk="1.7", sdk=["1.7", "3.0"])
    assert [row.fate for row in found.rows] == ["as_before", "killed"], found.report()
    assert found.rows[1].line and found.guard is None and found.no_guard


def test_a_handler_that_ends_its_process_is_a_row(samples, running, tmp_path) -> None:
    source = (samples / "apps" / "suspended.py").read_text()
    (tmp_path / "app.py").write_text(
        source.replace("    approval =", "    __import__('os')._exit(3)\n    approval =")
    )
    found = dd.deploy_check(f"{samples}/apps/suspended.py:handler", f"{tmp_path}/app.py:handler", running)
    assert [row.fate for row in found.rows] == ["unknown"] and "exit code 3" in found.rows[0].why


def test_the_command(samples, running, tmp_path, capsys) -> None:
    old, new = changed(samples, tmp_path, "a step renamed")
    assert main(["deploy-check", old, old, str(running)]) == 0
    assert "goes on as before" in capsys.readouterr().out
    assert main(["deploy-check", old, new, str(running)]) == 1
    told = capsys.readouterr().out
    assert "is killed at app.py:" in told and "move      Pin it" in told
    assert main(["deploy-check", old, new, str(running), "--json"]) == 1
    (row,) = map(json.loads, capsys.readouterr().out.splitlines())
    assert row["fate"] == "killed"
    assert main(["deploy-check", old, new, str(tmp_path / "nowhere.json")]) == 2


def test_an_audit_on_two_lines_has_a_row_for_each(samples) -> None:
    report = dd.audit(
        f"{samples}/apps/shipping.py:handler",
        samples / "shipping_v1.json",
        sdk=["1.7", "3.0"],
        n_jobs=1,
        progress=False,
    )
    assert list(report.frame["sdk"]) == ["1.7", "3.0"]
    severities = {
        one.example[-4:-1]: one.divergence.severity
        for one in report.causes
        if one.divergence.kind == "unexpected"
    }
    assert severities == {"1.7": "warning", "3.0": "error"}  # goes on with another's answer; is killed


@pytest.mark.parametrize("sdk", ["newest", "2.x", "", 3.0, "99.99"])
def test_no_version(sdk, samples, running) -> None:
    handler = f"{samples}/apps/suspended.py:handler"
    with pytest.raises(dd.OptionError, match="version|can't be had"):
        dd.replay(handler, running, sdk=sdk)


def test_options_that_do_not_exist(samples, running) -> None:
    handler = f"{samples}/apps/suspended.py:handler"
    with pytest.raises(dd.OptionError, match="Did you mean 'old_sdk'"):
        dd.deploy_check(handler, handler, running, oldsdk="1.7")
    with pytest.raises(dd.OptionError, match="version"):
        dd.deploy_check(handler, handler, running, sdk=[])
