"""The commands of the terminal's debugger, as a table: their names, what follows them, what they do."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from durable_debug.cli.text import paint

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["BY_NAME", "COMMANDS", "Command", "help_text"]


@dataclass(frozen=True, slots=True)
class Command:
    """One command.

    Attributes
    ----------
    word
        Its name.
    others
        Other names that it has: pdb's where pdb has it.
    takes
        What may follow.
    about
        What that names, for completion: ``"operations"``, ``"breakpoints"``, ``"variables"``, ``"displays"``, ``"commands"``.
    does
        A line of help.
    more
        Further help, for ``help NAME``.
    """

    word: str
    others: tuple[str, ...]
    takes: str
    about: str
    does: str
    more: str = ""

    @property
    def names(self) -> tuple[str, ...]:
        """All its names, short ones first."""
        return tuple(sorted((self.word, *self.others), key=lambda name: (not name.isalpha(), len(name))))


_STOP_AT = """\
SPEC is one of
  charge-card, charge-*      an operation's name, or a glob
  orders.py:54, 54           a line; the next that has an operation
  status=FAILED,type=STEP    KEY=VALUE of name, type, sub_type, status,
                             attempt, position, event_id, line, file,
                             invocation, when, hits, divergence
Behind a name or a line comes a condition: b orders.py:54, total > 100
Breakpoints stop at operations, before each is answered; `line` goes by line."""
_GO_TO = "Of several operations with one name it is the next, or else the first."
_EXPRESSION = """\
Python over the variables of the function that is looked at (`up`, `down`).
What would reach the outside is refused. What is no command but an expression
is printed, too."""

_BY_LINE = """\
The lines of your code are recorded when one is first asked for. Libraries are
stepped over, and bodies of operations that are on record do not run."""

GROUPS: dict[str, tuple[Command, ...]] = {
    "Moving": (
        Command("next", ("n",), "", "", "to the next operation, over those inside this one"),
        Command("step", ("s",), "", "", "to the next operation, into contexts and branches"),
        Command("return", ("r",), "", "", "to the next operation outside this context"),
        Command("continue", ("c", "cont"), "", "", "to a breakpoint, a divergence, an exception, the end"),
        Command("back", ("rn",), "", "", "to the operation before, over those inside it"),
        Command("rback", ("rc",), "", "", "back to a breakpoint, a divergence, the first stop"),
        Command("goto", ("g",), "WHERE", "operations", "to a name, a position (3-1) or an event (event 17)", _GO_TO),
        Command("start", ("restart",), "", "", "to the first operation"),
        Command("end", (), "", "", "to the end of the replay, to go back from there"),
    ),
    "By line": (
        Command("line", ("li",), "[back]", "", "to the next line of your code, or the one before", _BY_LINE),
        Command("over", ("ov",), "[back]", "", "to the next line of this function", _BY_LINE),
        Command("into", ("in",), "[back]", "", "into the function of yours that this line calls", _BY_LINE),
        Command("out", ("ou",), "[back]", "", "out of this function", _BY_LINE),
        Command("until", ("unt",), "LINE [back]", "", "to where 54, or orders.py:54, runs", _BY_LINE),
        Command("values", ("v",), "NAME", "variables", "every value that order.items[0] had, and where"),
        Command("changed", ("ch",), "NAME", "variables", "back to the line that gave it its value"),
    ),
    "Breakpoints": (
        Command("break", ("b",), "[SPEC]", "operations", "stop at SPEC, or list all breakpoints", _STOP_AT),
        Command("tbreak", (), "SPEC", "operations", "stop there once", _STOP_AT),
        Command("clear", ("cl",), "[N …]", "breakpoints", "remove breakpoints by number, or all"),
        Command("disable", (), "N …", "breakpoints", "keep them, but don't stop there; 0: divergences"),
        Command("enable", (), "N …", "breakpoints", "stop there again"),
    ),
    "Looking": (
        Command("print", ("p", "!"), "EXPR", "variables", "the value of an expression", _EXPRESSION),
        Command("pp", (), "EXPR", "variables", "the same, laid out", _EXPRESSION),
        Command("display", (), "[EXPR]", "variables", "print EXPR at each stop, or list those printed"),
        Command("undisplay", (), "[EXPR]", "displays", "no more; without EXPR, none"),
        Command("locals", ("a", "args"), "", "", "the function's variables, its arguments first"),
        Command("where", ("w", "bt"), "", "", "the stack, the innermost function last"),
        Command("up", ("u",), "", "", "to the function that called this one"),
        Command("down", ("d",), "", "", "to the function that this one called"),
        Command("list", ("l",), "[LINE]", "", "source around here, or LINE; again: further on"),
        Command("longlist", ("ll",), "", "", "source of the whole function"),
        Command("answer", (), "", "", "what the operation asks, what the record answers"),
        Command("operations", ("o",), "[NAME]", "operations", "the operations around here; those like NAME; all"),
        Command("divergences", (), "", "", "what the code does otherwise than the history"),
        Command("logs", (), "", "", "what the handler logged and printed up to here"),
    ),
    "Else": (
        Command("help", ("h", "?"), "[COMMAND]", "commands", "this, or more of one command"),
        Command("quit", ("q", "exit"), "", "", "leave; so does Ctrl-D"),
    ),
}  # fmt: skip

COMMANDS = tuple(command for group in GROUPS.values() for command in group)
BY_NAME = {name: command for command in COMMANDS for name in command.names}


def help_text(command: Command | None = None) -> Iterator[str]:
    """Give help on one command, or a line for each."""
    if command is not None:
        yield _usage(command)
        yield f"  {command.does}"
        yield from (f"  {line}" for line in command.more.splitlines())
        return
    for title, group in GROUPS.items():
        yield paint(title, "1")
        for one in group:
            yield f"  {_usage(one):25} {one.does}"
    yield "An empty line repeats the last command; `;;` stands between several on a line."


def _usage(one: Command) -> str:
    return f"{', '.join(one.names)} {one.takes}".rstrip()
