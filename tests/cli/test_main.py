"""What all commands share: help, usage errors, versions."""

from __future__ import annotations

import subprocess
import sys

import pytest

import durable_debug
from durable_debug.cli import _Main


def test_help_has_examples_for_every_command(call):
    code, out, _ = call("--help")
    assert code == 0
    listed = [line.split()[0] for line in out.splitlines() if line.startswith("  ")]
    assert {"show", "replay", "lab"} <= set(_Main().commands.choices) <= set(listed)
    for command in _Main().commands.choices:
        code, help_of_command, _ = call(command, "--help")
        assert code == 0
        assert "examples:" in help_of_command
        assert f"\n  durable-debug {command}" in help_of_command


def test_alone_it_shows_what_there_is(call):
    assert call() == call("--help")
    out = call().out
    assert "first steps:" in out and "durable-debug why " in out and "exit codes:" in out


@pytest.mark.parametrize("width", [60, 80])
def test_help_fits(call, monkeypatch, width):
    monkeypatch.setenv("COLUMNS", str(width))
    for command in ("", *_Main().commands.choices):
        out = call(*filter(None, [command]), "--help").out
        lines = [line for line in out.splitlines() if "arn:aws" not in line]  # one word
        assert max(map(len, lines)) <= width, command


def test_version(call):
    assert call("--version").out == f"durable-debug {durable_debug.__version__}\n"


def test_the_package_runs_as_a_module():
    command = [sys.executable, "-m", "durable_debug", "--version"]
    found = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert (found.returncode, found.stdout) == (0, f"durable-debug {durable_debug.__version__}\n"), (
        found.stderr
    )


@pytest.mark.parametrize(
    "arguments",
    [
        ("shout",),
        ("show",),
        ("show", "x", "--loud"),
        ("replay", "handler"),
        ("replay", "handler", "x", "--timeout", "0"),
    ],
)
def test_wrong_usage_is_code_2(call, arguments):
    code, out, err = call(*arguments)
    assert (code, out) == (2, "")
    assert err.startswith("usage: durable-debug")
