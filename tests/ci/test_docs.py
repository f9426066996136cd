"""What docs/ci.md shows is so."""

from __future__ import annotations

import argparse
import inspect
import re
import tomllib

import yaml

import durable_debug as dd
from durable_debug.audits.levels import Levels
from durable_debug.cli import audit
from durable_debug.reports.documentation import PAGES
from tests.ci.recipe import EXAMPLES, ROOT

TEXT = (ROOT / "docs" / "ci.md").read_text()


def block(language: str) -> str:
    return re.search(rf"```{language}\n(.*?)```", TEXT, re.DOTALL)[1]


def test_the_levels_are_levels():
    table = tomllib.loads(block("toml"))["tool"]["durable_debug"]["levels"]
    assert Levels.of(table, "app.py:handler").by_kind.keys() == table.keys()


def test_the_options_are_options_here_and_there():
    commands = argparse.ArgumentParser().add_subparsers()
    audit.add(commands)
    known = commands.choices["audit"].format_help()
    rows = re.findall(r"^\| `(--[\w-]+)[^`]*` \| `(\w+)=", TEXT, re.MULTILINE)
    assert len(rows) == 6
    for option, keyword in rows:
        assert option in known and keyword in inspect.signature(dd.audit).parameters
        assert keyword == option.removeprefix("--").replace("-", "_")


def test_the_files_and_the_hook_are_there():
    for path in re.findall(r"\]\(([\w./-]+?)(?:#\w+)?\)", TEXT):
        assert (ROOT / "docs" / path).exists(), path
    assert {one.name for one in EXAMPLES.iterdir()} == {
        path.name for path in EXAMPLES.iterdir() if f"ci/{path.name}" in TEXT
    }
    (repo,) = yaml.safe_load(block("yaml"))["repos"]
    hooks = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text())
    assert [hook["id"] for hook in repo["hooks"]] == [hook["id"] for hook in hooks]


def test_the_project_has_one_address():
    home = PAGES.removesuffix("/blob/main/docs")
    for path in (ROOT / "docs" / "ci.md", EXAMPLES / "github.yml"):
        for address in re.findall(r"(?:https://github.com/|uses: )(durable[\w-]*/\w+)", path.read_text()):
            assert home.endswith(address)
