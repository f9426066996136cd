"""What a person sees in a terminal: lines that fit, colours where they are wanted, completion at Tab."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import struct
import subprocess
import sys
import termios
from pathlib import Path

import pytest

COLOUR = re.compile(r"\x1b\[[0-9;]*m")


def in_terminal(columns: int, *arguments: object, **env: str) -> str:
    """Output of a command in a terminal of that width."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    clean = {
        name: value
        for name, value in os.environ.items()
        if name not in {"COLUMNS", "NO_COLOR", "FORCE_COLOR"}
    }
    process = subprocess.Popen(
        [sys.executable, "-m", "durable_debug", *map(str, arguments)],
        stdin=subprocess.DEVNULL,
        stdout=theirs,
        stderr=subprocess.DEVNULL,
        env={**clean, "TERM": "xterm", **env},
    )
    os.close(theirs)
    found = b""
    while True:
        try:
            some = os.read(ours, 65536)
        except OSError:  # the other side is closed
            some = b""
        if not some:
            break
        found += some
    os.close(ours)
    assert process.wait() in {0, 1}
    return found.decode().replace("\r\n", "\n")


@pytest.mark.parametrize("columns", [60, 80])
@pytest.mark.parametrize(
    "command",
    [
        "show payment_failed.json",
        "show nested.json",
        "ls .",
        "why payment_failed.json apps/payment.py:handler",
        "replay apps/shipping.py:handler shipping_v1.json --break pack",
    ],
)
def test_lines_fit(samples: Path, monkeypatch: pytest.MonkeyPatch, columns: int, command: str) -> None:
    monkeypatch.chdir(samples)
    lines = COLOUR.sub(
        "", in_terminal(columns, *command.split(), PYTHONPATH=str(samples.parent))
    ).splitlines()
    whole = [line for line in lines if "arn:aws" in line or "durable-debug " in line]  # to be copied
    too_long = [line for line in lines if len(line) > columns and line not in whole]
    assert len(lines) > 5 and [line for line in too_long if len(line.split()) > 2] == []


def test_names_and_statuses_stay_in_a_narrow_terminal(samples: Path) -> None:
    told = COLOUR.sub("", in_terminal(40, "show", samples / "nested.json"))
    assert re.search(r"until-seats-open +succeeded +1-1-2", told)


def test_a_patch_stays_one(samples: Path) -> None:
    old, new = (f"{samples}/apps/{name}.py:handler" for name in ("suspended", "shipping"))
    told = in_terminal(60, "deploy-check", old, new, samples / "suspended.json", "--color", "never")
    patch = told[told.index("--- a/") :]
    assert all(line[:1] in {"+", "-", " ", "@", ""} for line in patch.splitlines())


def test_what_is_piped_is_as_wide_as_it_needs(samples: Path) -> None:
    command = [sys.executable, "-m", "durable_debug", "show", samples / "payment_failed.json"]
    done = subprocess.run(command, env={**os.environ, "COLUMNS": "40"}, capture_output=True, text=True)
    assert "4–5, 7–8, 10–11, 13–14" in done.stdout and "\x1b" not in done.stdout


@pytest.mark.parametrize(
    ("options", "env", "coloured"),
    [
        ([], {}, False),
        ([], {"FORCE_COLOR": "1"}, True),
        ([], {"FORCE_COLOR": "0"}, False),
        ([], {"FORCE_COLOR": "1", "NO_COLOR": "1"}, False),
        (["--color", "always"], {"NO_COLOR": "1"}, True),
        (["--color", "never"], {"FORCE_COLOR": "1"}, False),
        (["--color=auto"], {"FORCE_COLOR": "1"}, True),
    ],
)
def test_colours_in_a_pipe(call, samples: Path, monkeypatch, options, env, coloured) -> None:
    for name in ("FORCE_COLOR", "NO_COLOR"):
        monkeypatch.delenv(name, raising=False)
    for name, value in env.items():
        monkeypatch.setenv(name, value)
    for arguments in (
        ["show", samples / "nested.json", *options],
        [*options, "show", samples / "nested.json"],
    ):
        assert ("\x1b[" in call(*arguments).out) is coloured


def test_colours_in_a_terminal(samples: Path) -> None:
    history = samples / "nested.json"
    assert "\x1b[" in in_terminal(80, "show", history)
    assert "\x1b[" not in in_terminal(80, "show", history, TERM="dumb")
    assert "\x1b[" not in in_terminal(80, "show", history, "--color", "never")


# ------------------------------------------------------------------------------------------- completion

ASK = """
eval "$("$0" -m durable_debug completion bash)"
durable-debug() { PYTHONPATH="$ROOT" "$PYTHON" -m durable_debug "$@"; }
COMP_LINE="$1" COMP_POINT=${#1} COMP_TYPE=9 COMP_WORDS=($1) COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
_python_argcomplete durable-debug "${COMP_WORDS[$COMP_CWORD]}" ""
printf '%s\\n' "${COMPREPLY[@]}"
"""


def completed(line: str, folder: Path) -> list[str]:
    """What bash offers at Tab behind `line`."""
    done = subprocess.run(
        ["bash", "-c", ASK, sys.executable, line],
        cwd=folder,
        env={
            **os.environ,
            "PYTHON": sys.executable,
            "ROOT": str(folder.parent),
            "PYTHONPATH": str(folder.parent),
        },
        capture_output=True,
        text=True,
    )
    return [word.strip() for word in done.stdout.splitlines()]


@pytest.mark.parametrize(
    ("line", "offered"),
    [
        ("durable-debug sh", ["show"]),
        ("durable-debug show pay", ["payment_failed.json"]),
        ("durable-debug show rec", []),
        ("durable-debug replay apps/payment.py:", ["handler"]),
        ("durable-debug audit x y --format s", ["sarif"]),
        ("durable-debug fetch orders -o re", ["returns/"]),
    ],
)
def test_completion_in_bash(samples: Path, line: str, offered: list[str]) -> None:
    assert [word for word in completed(line, samples) if word] == offered


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_code_for_each_shell(call, shell: str) -> None:
    code, out, err = call("completion", shell)
    assert (code, err) == (0, "") and "durable-debug" in out


def test_profiles_are_completed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from durable_debug.cli.completion import _profiles

    (tmp_path / "config").write_text("[default]\nregion = eu-west-1\n[profile dev]\n[broken")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    assert _profiles() in ([], ["default", "dev"])
    (tmp_path / "config").write_text("[default]\nregion = eu-west-1\n[profile dev]\n")
    assert _profiles() == ["default", "dev"]
