"""What all commands share: help, usage errors, versions."""

from __future__ import annotations

import subprocess
import sys

import pytest

import durable_debug


def test_help_has_examples_for_every_command(call):
    code, out, _ = call("--help")
    assert code == 0
    for command in ("show", "replay", "debug", "ls", "fetch", "redact", "callback", "lab"):
        assert f"durable-debug {command}" in out
        code, help_of_command, _ = call(command, "--help")
        assert code == 0
        assert "examples:" in help_of_command
        assert f"\n  durable-debug {command}" in help_of_command


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
        (),
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
