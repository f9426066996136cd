"""The face of the package, and what holds between its rooms (import-linter's contracts are in pyproject.toml)."""

from __future__ import annotations

import subprocess
import sys

import pytest
from importlinter.cli import lint_imports

import durable_debug as dd

PUBLIC = [
    "ClosedError",
    "Debugger",
    "DeployCheck",
    "Divergence",
    "DivergenceError",
    "DurableDebugError",
    "Explanation",
    "HandlerError",
    "Histories",
    "History",
    "HistoryError",
    "IncompleteHistoryError",
    "InternalError",
    "MissingDataError",
    "NoSuchStopError",
    "Operation",
    "OptionError",
    "Redaction",
    "Report",
    "Run",
    "Stop",
    "UnsupportedSdkError",
    "audit",
    "debug",
    "deploy_check",
    "executions",
    "fetch",
    "heartbeat",
    "load",
    "redacted",
    "replay",
    "send_failure",
    "send_success",
    "why",
]

HEAVY = {
    "IPython",
    "anywidget",
    "aws_durable_execution_sdk_python",
    "aws_durable_execution_sdk_python_testing",
    "boto3",
    "botocore",
    "ipywidgets",
    "matplotlib",
    "networkx",
    "numpy",
    "pandas",
    "pygments",
}


def loaded_by(statement: str) -> set[str]:
    """Top-level modules that a fresh interpreter has loaded after `statement`."""
    code = f"{statement}\nimport sys; print(*{{name.partition('.')[0] for name in sys.modules}})"
    return set(
        subprocess.run(
            [sys.executable, "-c", code], check=True, capture_output=True, text=True
        ).stdout.split()
    )


def test_the_public_names_are_these():
    assert dd.__all__ == PUBLIC
    assert sorted(PUBLIC) == PUBLIC
    assert all(getattr(dd, name) is not None for name in PUBLIC)


def test_public_names_are_found_by_completion():
    assert set(PUBLIC) <= set(dir(dd))


@pytest.mark.parametrize(
    "room",
    [
        "history",
        "sources",
        "engine",
        "divergence",
        "audits",
        "reports",
        "debugger",
        "plots",
        "widgets",
        "cli",
    ],
)
def test_public_names_mean_the_same_whatever_was_imported_before(room):
    """Importing a submodule sets an attribute of its parent: no room has the name of a function."""
    code = f"import durable_debug.{room}, durable_debug as dd; print(*[type(getattr(dd, n)).__name__ for n in dd.__all__])"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert found.returncode == 0, found.stderr
    assert set(found.stdout.split()) == {"type", "ABCMeta", "function"}


def test_importing_loads_nothing_heavy():
    assert loaded_by("import durable_debug") & HEAVY == set()


def test_the_command_line_loads_nothing_heavy_before_it_has_something_to_do():
    statement = "import durable_debug.cli\ntry: durable_debug.cli.main(['--help'])\nexcept SystemExit: pass"
    assert loaded_by(statement) & HEAVY == set()


def test_reading_a_history_loads_neither_the_sdk_nor_pictures(samples):
    statement = (
        f"import durable_debug; durable_debug.load({str(samples / 'espresso_timed_out.json')!r}).operations"
    )
    assert loaded_by(statement) & HEAVY == {"numpy", "pandas"}


def test_the_arrows_between_the_rooms_hold():
    assert lint_imports(no_cache=True) == 0
