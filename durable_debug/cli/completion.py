"""``durable-debug completion``: what a shell must know to complete commands, options, files and handlers.

argcomplete asks this program at each Tab (it starts in a tenth of a second), so that what is completed is what there is.
"""

from __future__ import annotations

import argparse
import ast
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from durable_debug.cli.parsers import Parser

EXAMPLES = """\
examples:
  durable-debug completion bash >> ~/.bashrc
  durable-debug completion zsh >> ~/.zshrc     (below the line with compinit)
  durable-debug completion fish > ~/.config/fish/completions/durable-debug.fish
  eval "$(durable-debug completion bash)"      (for this shell only)
"""

_HISTORIES = (
    ".json",
    ".jsonl",
    ".ndjson",
    ".gz",
    ".bz2",
    ".xz",
    ".zst",
    ".zip",
    ".tgz",
    ".tar",
    ".db",
    ".sqlite",
)
_HANDLERS = (".py", ".yaml", ".yml", ".zip")
_DURABLE = "durable_execution"


def add(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command's parser."""
    parser = commands.add_parser(
        "completion",
        help="let the shell complete commands, options and files",
        description="Print what makes a shell complete commands, options, histories and handlers at Tab.",
        epilog=EXAMPLES,
    )
    parser.add_argument("shell", metavar="SHELL", choices=("bash", "zsh", "fish"), help="bash, zsh or fish")
    parser.set_defaults(do=completion)


def completion(arguments: argparse.Namespace) -> int:
    """Print the shell's code."""
    from argcomplete import shell_integration

    print(shell_integration.shellcode(["durable-debug"], shell=arguments.shell))
    return 0


def answer(parser: Parser) -> None:
    """Answer a shell that asks, and end; return where none does."""
    if "_ARGCOMPLETE" not in os.environ:
        return
    import argcomplete

    for one in _all(parser):
        for action in one._actions:  # noqa: SLF001 - argcomplete takes completers as attributes of these
            metavar = action.metavar if isinstance(action.metavar, str) else ""
            completer = _COMPLETERS.get(metavar.partition("|")[2] or metavar)
            if completer is not None:
                action.completer = completer  # type: ignore[attr-defined]
            elif metavar and not action.choices:
                action.completer = _nothing  # type: ignore[attr-defined]
    argcomplete.autocomplete(parser, always_complete_options="long")


def _all(parser: argparse.ArgumentParser) -> Iterable[argparse.ArgumentParser]:
    yield parser
    for action in parser._actions:  # noqa: SLF001 - there is no other way from a parser to its commands
        if isinstance(action, argparse._SubParsersAction):  # noqa: SLF001
            yield from action.choices.values()


# -------------------------------------------------------------------------------------- what completes what


def _nothing(**_: Any) -> list[str]:
    return []


def _files(*endings: str) -> Callable[..., list[str]]:
    """Folders, and files that end like this; any file without endings."""

    def complete(prefix: str, **_: Any) -> list[str]:
        folder, slash, start = prefix.rpartition("/")
        found = []
        try:
            entries = sorted(
                os.scandir(Path(folder + slash).expanduser() if slash else "."), key=lambda one: one.name
            )
        except (OSError, RuntimeError):
            return []
        for entry in entries:
            if not entry.name.startswith(start) or (entry.name.startswith(".") and not start):
                continue
            if entry.is_dir():
                found.append(f"{folder}{slash}{entry.name}/")
            elif not endings or entry.name.endswith(endings):
                found.append(f"{folder}{slash}{entry.name}")
        return found

    return complete


def _handlers(prefix: str, **_: Any) -> list[str]:
    """Python files, and the durable functions of the one that is named."""
    file, colon, start = prefix.rpartition(":")
    if not colon:
        return _files(*_HANDLERS)(prefix)
    try:
        tree = ast.parse(Path(file).expanduser().read_bytes())
    except (OSError, RuntimeError, ValueError, SyntaxError):
        return []
    names = [node.name for node in tree.body if isinstance(node, ast.FunctionDef) and _is_durable(node)]
    return [f"{file}:{name}" for name in names if name.startswith(start)]


def _is_durable(function: ast.FunctionDef) -> bool:
    return any(_DURABLE in ast.unparse(one) for one in function.decorator_list)


def _profiles(**_: Any) -> list[str]:
    """Profiles of the AWS configuration."""
    import configparser

    names: set[str] = set()
    for variable, name in (("AWS_CONFIG_FILE", "config"), ("AWS_SHARED_CREDENTIALS_FILE", "credentials")):
        file = configparser.ConfigParser(interpolation=None)
        try:
            file.read(os.environ.get(variable) or Path.home() / ".aws" / name)
        except (configparser.Error, OSError, UnicodeDecodeError, RuntimeError):
            continue
        names.update(section.removeprefix("profile ") for section in file.sections())
    return sorted(names)


def _statuses(**_: Any) -> list[str]:
    from durable_debug.sources.choice import STATUSES

    return list(STATUSES)


_COMPLETERS: dict[str, Callable[..., list[str]]] = {
    "HISTORY": _files(*_HISTORIES),
    "PATH": _files(*_HISTORIES),
    "HANDLER": _handlers,
    "OLD": _handlers,
    "NEW": _handlers,
    "FILE": _files(),
    "FOLDER": _files("/"),
    "DIR": _files("/"),
    "PROFILE": _profiles,
    "STATUS": _statuses,
}
