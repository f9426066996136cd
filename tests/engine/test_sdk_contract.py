"""Another SDK than the known one is told at once, and never looks like the handler's fault."""

from __future__ import annotations

import operator
import re
import shutil
import subprocess
import sys
from importlib import metadata
from pathlib import Path

import aws_durable_execution_sdk_python as sdk
import pytest

ROOT = Path(__file__).parent.parent.parent
CODE = (
    "import durable_debug as dd\n"
    "print(len(dd.load('sample_histories/espresso_completed.json').operations))\n"  # reading needs no SDK
    "run = dd.replay('sample_histories/apps/espresso.py:handler', 'sample_histories/espresso_completed.json')\n"
    "print(run, run.divergences, run.unchecked)"
)
# Names of the SDK's insides; each is renamed in a copy of it.
NAMES = [
    *("_step_counter", "_create_step_id_for_logical_step", "_parent_id", "_operation_replay_aware"),
    *("_operations", "_operations_lock", "_checkpoint_queue", "REFRESH_WAKE", "CHECKPOINT_NOT_FOUND"),
    *("create_from_operation", "claim_end_hook", "emit_operation_replay_hook", "_validate_for_total"),
    *("from_items", "from_callables", "wait_for_callback_handler", "_branch_worker", "dex-handler"),
    *("executables", "operation_id_namespace", "execute_item", "get_iteration_name", "sub_type_iteration"),
    *("configured_plugins", "_original_name", "retry_strategy", "_should_log", "_default_extra"),
    *("completion_config", "min_successful", "tolerated_failure_count", "tenant_id", "summary_generator"),
    *("_Signal", "_TERMINAL_OPERATION_STATUSES", "_log", "item_namer", "heartbeat_timeout_seconds"),
]


def with_sdk(folder: Path, code: str = CODE) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", code],
        env={"PYTHONPATH": f"{folder}:{ROOT}", "PATH": "/usr/bin:/bin"},
        cwd=ROOT,
        capture_output=True,
        text=True,
    )


def copied(folder: Path, version: str | None = None) -> Path:
    package = Path(sdk.__file__).parent
    shutil.copytree(package, folder / package.name, ignore=shutil.ignore_patterns("__pycache__"))
    there = metadata.version("aws-durable-execution-sdk-python")
    facts = folder / f"aws_durable_execution_sdk_python-{version or there}.dist-info"
    facts.mkdir()
    (facts / "METADATA").write_text(
        f"Metadata-Version: 2.1\nName: aws-durable-execution-sdk-python\nVersion: {version or there}\n"
    )
    return folder


@pytest.mark.parametrize("name", NAMES)
def test_a_name_that_is_gone_is_told_before_anything_is_replayed(name, tmp_path) -> None:
    folder = copied(tmp_path)
    renamed = 0
    for file in (folder / "aws_durable_execution_sdk_python").rglob("*.py"):
        text = file.read_text()
        changed = re.sub(rf"(?<!\w){re.escape(name)}(?!\w)", f"{name}_x", text)
        renamed += changed != text
        file.write_text(changed)
    assert renamed
    found = with_sdk(folder)
    last = found.stderr.strip().splitlines()[-1]
    assert found.returncode == 1 and found.stdout.strip().isdigit(), found.stdout
    assert last.startswith("durable_debug.errors.UnsupportedSdkError"), found.stderr
    assert "is not known to this version of durable_debug" in last and "pip install" in last


@pytest.mark.parametrize("version", ["1.1.0", "1.6.3"])
def test_an_older_line_is_told_with_what_is_needed_and_what_is_there(version, tmp_path) -> None:
    found = with_sdk(copied(tmp_path, version))
    last = found.stderr.strip().splitlines()[-1]
    assert found.returncode == 1 and found.stdout.strip().isdigit()
    assert f"{version} is installed; a replay needs 1.7 or later" in last and "pip install" in last


def test_a_command_says_so_and_has_the_exit_code_of_a_usage_error(tmp_path) -> None:
    folder = copied(tmp_path, "1.6.0")
    code = (
        "from durable_debug.cli import main; raise SystemExit(main(['replay', "
        "'sample_histories/apps/espresso.py:handler', 'sample_histories/espresso_completed.json']))"
    )
    found = with_sdk(folder, code)
    assert found.returncode == 2 and "1.6.0 is installed" in found.stderr and "Traceback" not in found.stderr


@pytest.mark.parametrize("version", ["3.9.1", "4.0.0"])
def test_an_untested_version_with_all_that_is_relied_on_replays_and_says_so(version, tmp_path) -> None:
    found = with_sdk(copied(tmp_path, version))
    assert found.returncode == 0, found.stderr
    assert "clean" in found.stdout and f"The SDK is {version}, which was not tested here" in found.stdout


def test_a_line_is_not_taken_for_another(tmp_path) -> None:
    last = with_sdk(copied(tmp_path, "2.1.0")).stderr.strip().splitlines()[-1]  # by its number alone
    assert "2.1.0 is not known to this version of durable_debug" in last


def test_an_error_of_our_own_is_not_the_handler_s(monkeypatch) -> None:
    import durable_debug as dd
    from durable_debug.engine.sdk import contexts

    # Written in C, so that the error rises in the frame of ours that calls it.
    monkeypatch.setattr(contexts.ReplayContext, "_see", operator.attrgetter("a"))
    with pytest.raises(dd.DurableDebugError, match="failed in durable_debug itself") as caught:
        dd.replay(
            "sample_histories/apps/espresso.py:handler", ROOT / "sample_histories/espresso_completed.json"
        )
    assert type(caught.value).__name__ == "InternalError" and "report it" in caught.value.cure


def test_what_the_handler_gives_the_sdk_wrongly_is_the_handler_s(tmp_path) -> None:
    import durable_debug as dd
    from corpus.case import Case
    from corpus.recorder import run
    from aws_durable_execution_sdk_python import durable_execution

    wrong = {
        "wait": lambda c: c.wait(5),
        "map": lambda c: c.map(7, lambda *_: 1, name="m"),
        "step": lambda c: c.step(lambda _: 1, name="s", config="no"),
        "child": lambda c: c.run_in_child_context(lambda _: 1, config=5),
    }
    for name, call in wrong.items():

        def handler(event, context, call=call):
            try:
                call(context)
            except Exception as error:
                return type(error).__name__
            return "nothing"

        recording = run(Case(handler=durable_execution(handler), name=f"wrong-{name}", module="tests.wrong"))
        found = dd.replay(durable_execution(handler), dd.load(recording.history))
        assert (found.status, found.result) == (recording.status, recording.result), name
