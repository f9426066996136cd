"""Lines from a person at a terminal: with history and completion, where Python has readline."""

from __future__ import annotations

import contextlib
import os
import re
from pathlib import Path
from typing import TYPE_CHECKING

from durable_debug.cli.debug_commands import BY_NAME
from durable_debug.typed_places import BREAK_AT

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from durable_debug.cli.debug_shell import Shell

__all__ = ["completions", "with_readline"]

_MOST_KEPT = 1_000  # lines of history
_PATH = re.compile(r"""[A-Za-z_]\w*(?:\.\w+|\[(?:\d+|'[^']*'|"[^"]*")\])*""")
_STEP = re.compile(r"""\.?(\w+)|\[(\d+|'[^']*'|"[^"]*")\]""")


@contextlib.contextmanager
def with_readline(shell: Shell) -> Iterator[None]:
    """Have `input` complete, and remember lines from one session to the next."""
    try:
        import readline
    except ImportError:  # as on Windows
        yield
        return
    kept = _history_file()
    with contextlib.suppress(OSError):
        readline.read_history_file(kept)
    found: list[str] = []

    def complete(_: str, state: int) -> str | None:
        if not state:
            line = readline.get_line_buffer()[: readline.get_endidx()]
            found[:] = [one[readline.get_begidx() :] for one in completions(shell, line)]
        return found[state] if state < len(found) else None

    readline.set_completer(complete)
    readline.set_completer_delims(" \t")
    is_libedit = "libedit" in (readline.__doc__ or "")
    readline.parse_and_bind("bind ^I rl_complete" if is_libedit else "tab: complete")
    try:
        yield
    finally:
        readline.set_completer(None)
        readline.set_history_length(_MOST_KEPT)
        with contextlib.suppress(OSError):
            kept.parent.mkdir(parents=True, exist_ok=True)
            kept.touch(mode=0o600)  # what is typed may hold somebody's data
            readline.write_history_file(kept)


def _history_file() -> Path:
    state = os.environ.get("XDG_STATE_HOME") or "~/.local/state"
    return Path(state).expanduser() / "durable-debug" / "debug_history"


def completions(shell: Shell, line: str) -> list[str]:
    """Give the lines that a line may be the beginning of."""
    last = line.rpartition(";;")[2]
    start = line[: len(line) - len(last.lstrip())]
    name, space, rest = last.lstrip().partition(" ")
    if not space:
        return [f"{start}{one} " for one in sorted(BY_NAME) if one.startswith(name) and one.isalpha()]
    command = BY_NAME.get(name)
    if command is None:
        return [
            f"{line[: len(line) - len(last.lstrip())]}{one}" for one in _expressions(shell, last.lstrip())
        ]
    start += f"{name}{space}"
    match command.about:
        case "operations":
            lines = command.word in {"break", "tbreak"}
            found = _starting(rest, [*_names(shell), *(_places(shell) if lines else ())])
        case "variables":
            found = _expressions(shell, rest)
        case "displays":
            found = _starting(rest, shell.displays)
        case "commands":
            found = _starting(rest, sorted(BY_NAME))
        case "breakpoints":
            done, _, number = rest.rpartition(" ")
            numbers = [str(one.id) for one in shell.debugger.breakpoints]
            found = [f"{done} {one}".lstrip() for one in _starting(number, numbers)]
        case _:
            found = []
    return [f"{start}{one}" for one in found]


def _starting(text: str, known: Iterable[str]) -> list[str]:
    return [one for one in dict.fromkeys(known) if one.startswith(text)]


def _names(shell: Shell) -> Iterator[str]:
    """Names of operations; one with a character that steers a terminal is not for typing."""
    for row in shell.rows:
        one = row.recorded or row.asked
        if one is not None and one.name and one.name.isprintable():
            yield one.name


def _places(shell: Shell) -> Iterator[str]:
    for one in shell.debugger.run_result.complete.operations:
        yield f"{Path(one.file).name}:{one.line}"
    yield from (f"{key}=" for key in BREAK_AT)


def _expressions(shell: Shell, text: str) -> list[str]:
    """Complete the name, attribute or key at the end of an expression, without evaluating any."""
    found = re.search(r"""[\w.\[\]'"-]*$""", text)
    end = found.group() if found is not None else ""
    parent = re.fullmatch(rf"({_PATH.pattern})([.\[])([^.\[\]]*)", end)
    before = text[: len(text) - len(end)]
    if parent is None:
        names = [one.name for one in shell.debugger.variables(shell.frame)]
        return [before + one for one in _starting(end, names)] if end.isidentifier() or not end else []
    whole, sign, typed = parent.groups()
    path = [first or second for first, second in _STEP.findall(whole)]
    inside = [one.name for one in shell.debugger.variables(shell.frame, path)]
    if sign == ".":
        return [f"{before}{whole}.{one}" for one in _starting(typed, inside) if one.isidentifier()]
    keys = [one for one in inside if one.isdigit() or one[:1] in "'\""]
    return [f"{before}{whole}[{one}]" for one in keys if one.startswith(typed)]
