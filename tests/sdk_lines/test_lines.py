"""Under each line of the SDK: its own histories replay clean, changes are found once at their line, verdicts are what it does."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys

import pytest

from tests.sdk_lines.conftest import ROOT, VERSIONS, installed
from tests.sdk_lines.handlers import BASES, CHANGES, DEPLOYS, Change

# What the lines do with the same change of an execution that has ended.
FOLLOWED = {"rename", "remove", "insert", "swap", "retype"}  # in the middle: 1.x answers, 2.x kills


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("name", BASES)
def test_an_unchanged_handler_replays_clean(found, version, name) -> None:
    base = found[version]["bases"][name]
    whole = base["whole"]
    assert (whole["status"], whole["result"]) == ("SUCCEEDED", base["recorded"])
    assert base["done"] == "goes on"
    assert [one["status"] for one in base["invocations"]][-1] == "SUCCEEDED"
    assert {one["status"] for one in base["invocations"][:-1]} <= {"PENDING"}
    for one in (whole, *base["invocations"]):
        assert one["found"] == [] and one["ran"] == []
        assert not any("not tested" in sentence for sentence in one["unchecked"])


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("change", CHANGES, ids=lambda change: change.name)
def test_a_change_is_found_once_at_its_line(found, version, change: Change) -> None:
    answer = found[version]["changes"][change.name]
    assert [one["kind"] for one in answer["found"]] == [kind for kind, _ in change.expected]
    lines = change.source.splitlines()
    for one, (_, pieces) in zip(answer["found"], change.expected, strict=True):
        assert any(piece in lines[one["line"] - 1] for piece in pieces.split("|")), one
    assert answer["ran"] == []


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("state", ["changes", "running"])
@pytest.mark.parametrize("change", CHANGES, ids=lambda change: change.name)
def test_the_verdict_is_what_the_sdk_of_that_line_does(found, version, state, change: Change) -> None:
    answer = found[version][state][change.name]
    assert answer["said"] == answer["done"], answer["found"]


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("change", [*CHANGES, *DEPLOYS], ids=lambda change: change.name)
def test_a_deploy_does_to_a_running_execution_what_the_sdk_does_as_time_goes_on(
    found, version, change: Change
) -> None:
    states = found[version]["deploys"][change.name]
    assert states
    for name, state in states.items():
        fate = state["fate"]
        assert fate in {"killed", "runs_again", "other_values", "as_before"}, (name, state)
        told = fate if fate in {"killed", "runs_again"} else "goes on"
        # Of bodies alike in several branches the SDK's runs are counted: one that is stuck for ever runs fewer in all.
        is_stuck = fate == "runs_again" and state["status"] == "PENDING"
        assert told == state["truth"] or is_stuck, (name, state)
        assert (state["line"] is None) == (fate == "as_before"), (name, state)


@pytest.mark.parametrize("version", VERSIONS)
def test_1_x_answers_what_2_x_kills_for(found, version) -> None:
    said = {found[version]["changes"][name]["said"] for name in FOLLOWED}
    if version.startswith("1."):
        assert said == {"goes on", "goes on with other values", "runs a body"}
    else:
        assert said == {"is killed"}
    assert found[version]["changes"]["swap_alike"]["said"] == "goes on with other values"


@pytest.mark.parametrize("version", VERSIONS)
def test_what_is_relied_on_of_a_line_is_in_it(version) -> None:
    code = "from durable_debug.engine.sdk import contract, lines; print(type(lines.LINE).__name__, contract.remark())"
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={"PYTHONPATH": f"{installed(version)}:{ROOT}", "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
    )
    assert done.stdout.strip() == f"Line{version[0]} None", done.stderr


@pytest.mark.parametrize(
    ("version", "name"),
    [
        ("1.7.0", "_replay_aware"),
        ("1.7.0", "QueuedOperation"),
        ("1.7.0", "_execute_item_in_child_context"),
        ("2.0.1", "_operation_replay_aware"),
        ("2.1.0", "_branch_worker"),
    ],
)
def test_a_name_that_is_gone_from_a_line_is_told(version, name, tmp_path) -> None:
    folder = tmp_path / version
    shutil.copytree(installed(version), folder, ignore=shutil.ignore_patterns("__pycache__"))
    for file in (folder / "aws_durable_execution_sdk_python").rglob("*.py"):
        file.write_text(re.sub(rf"(?<!\w){name}(?!\w)", f"{name}_x", file.read_text()))
    done = subprocess.run(
        [sys.executable, "-c", "import durable_debug.engine.sdk"],
        env={"PYTHONPATH": f"{folder}:{ROOT}", "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
    )
    assert "is not known to this version of durable_debug" in done.stderr.strip().splitlines()[-1]
