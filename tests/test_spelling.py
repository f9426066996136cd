"""Options are spelt as they are written where a sentence is read."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import durable_debug as dd
from durable_debug.spelling import for_terminal, option, passed_on, read_by

ROOT = Path(__file__).parent.parent


@pytest.mark.parametrize(
    ("name", "value", "python", "terminal"),
    [
        ("region", "eu-west-1", "region='eu-west-1'", "--region eu-west-1"),
        ("endpoint_url", "http://127.0.0.1:5000", "endpoint_url='http://127.0.0.1:5000'", "--endpoint-url http://127.0.0.1:5000"),
        ("run", "charge-*", "run='charge-*'", "--run 'charge-*'"),
        ("n_jobs", 0, "n_jobs=0", "--jobs 0"),
        ("sdk", ["1.7", "2.1"], "sdk=['1.7', '2.1']", "--sdk 1.7 --sdk 2.1"),
        ("env", {"TABLE_NAME": "…"}, "env={'TABLE_NAME': '…'}", "--env TABLE_NAME=…"),
    ],
)  # fmt: skip
def test_an_option_with_a_value(name: str, value: object, python: str, terminal: str) -> None:
    assert option(name, value) == python
    with for_terminal():
        assert option(name, value) == terminal
    assert option(name, value) == python


def test_an_option_alone_and_sentences_of_two_kinds() -> None:
    assert (option("endpoint_url"), read_by(python="a", terminal="b")) == ("endpoint_url=", "a")
    with for_terminal():
        assert (option("endpoint_url"), read_by(python="a", terminal="b")) == ("--endpoint-url", "b")
        code = "from durable_debug.spelling import option; print(option('rate', 3))"
        done = subprocess.run([sys.executable, "-c", code], env=passed_on(), capture_output=True, text=True)
    assert done.stdout == "--rate 3\n", done.stderr


def test_a_long_value_is_cut() -> None:
    assert len(option("run", "x" * 5_000)) < 100


def test_the_same_error_here_and_there(samples: Path) -> None:
    with pytest.raises(dd.OptionError, match="run='nope' fits"):
        dd.replay(f"{samples}/apps/payment.py:handler", samples / "payment_failed.json", run="nope")
    with for_terminal(), pytest.raises(dd.OptionError, match="--run nope fits"):
        dd.replay(f"{samples}/apps/payment.py:handler", samples / "payment_failed.json", run="nope")


def test_every_option_that_an_error_names_is_one_of_the_command_line() -> None:
    """What `option` is called with, all over the package, is something that can be typed."""
    from durable_debug.cli import _Main

    commands = _Main().commands.choices.values()
    typed = {name for parser in commands for action in parser._actions for name in action.option_strings}
    named: set[str] = set()
    for path in (ROOT / "durable_debug").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "option" and node.args:
                if isinstance(node.args[0], ast.Constant):
                    named.add(node.args[0].value)
    assert {"region", "python", "allow", "since"} <= named
    with for_terminal():
        assert {
            option(name) for name in named - {"enter"}
        } <= typed  # `enter=False` can't be typed, so nobody reads it there
