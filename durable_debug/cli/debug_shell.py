"""A debugger for the terminal: reads commands, moves the debugger, and prints what is seen."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from durable_debug.cli import debug_text as shown
from durable_debug.cli.debug_commands import BY_NAME, help_text
from durable_debug.cli.replay_options import refuse_unknown_name
from durable_debug.cli.stops import all_stops
from durable_debug.cli.text import paint, plain
from durable_debug.debugger.rows import rows_of
from durable_debug.engine.expressions import compiled
from durable_debug.errors import DurableDebugError, NoSuchStopError, OptionError
from durable_debug.options import meant
from durable_debug.reports.paths import relative
from durable_debug.typed_places import BREAK_AT, break_place, line_place, target
from durable_debug.wording import counted

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from durable_debug.debugger import Breakpoint, Debugger, StackFrame, Stop
    from durable_debug.debugger.rows import Row

__all__ = ["Shell"]

_LINE = re.compile(
    r"(?P<name>[A-Za-z_]+(?=\s|$)|[?!])\s*(?P<rest>.*)", re.DOTALL
)  # `s[0]` is no command, `s 0` is
_LISTED = 11
_LONGEST_VALUE = 10_000
_MOST_LINES = 500
_WIDTH = 79


class Shell:
    """Commands over one debugger. It prints; who reads the commands is no matter of its own.

    Parameters
    ----------
    open_debugger
        Opens the debugger; again, where the replay has to be taken anew because its process is gone.

    Attributes
    ----------
    debugger
        What the commands move.
    frame
        Number of the function on the stack that is looked at, 0 the innermost.
    displays
        Expressions that are printed at each stop.
    """

    def __init__(self, open_debugger: Callable[[], Debugger], displays: Iterable[str] = ()) -> None:
        self._open = open_debugger
        self.debugger = open_debugger()
        self.frame = 0
        self.displays = list(dict.fromkeys(displays))
        self._last = ""
        self._listed: tuple[str, int] | None = None  # file, and the last line that `list` showed
        self._once: set[int] = set()  # breakpoints that go when they were hit
        self._rows: list[Row] | None = None

    @property
    def rows(self) -> list[Row]:
        """All operations in reading order."""
        if self._rows is None:
            self._rows = rows_of(self.debugger.run_result)
        return self._rows

    def introduce(self) -> None:
        """Say how the replay goes as a whole, and where it stands."""
        print(f"{shown.run_line(self.debugger.run_result)}. `help` lists the commands.")
        self.show()

    def run_through(self) -> None:
        """Print each stop up to the end."""
        for _ in all_stops(self.debugger):
            self.show()
        self.show()

    def close(self) -> None:
        """End the replay."""
        self.debugger.close()

    # ---- lines that were typed

    def line(self, text: str) -> bool:
        """Do what a line says; an empty one repeats the last. Says whether to leave."""
        text = text.strip() or self._last
        self._last = text
        return any(self._command(part.strip()) for part in text.split(";;") if part.strip())

    def _command(self, text: str) -> bool:
        found = _LINE.fullmatch(text)
        command = BY_NAME.get(found["name"]) if found is not None else None
        try:
            if not self.debugger.stack:  # an interrupt came twice, or it is the end
                self._stand()
            if found is None or command is None:
                self._expression(text)
            elif command.word == "quit":
                return True
            elif found["rest"] and not command.takes:
                self._expression(text)  # of a variable that is called as the command is
            elif not found["rest"] and command.takes and not command.takes.startswith("["):
                self._complain(f"`{found['name']}` needs {command.takes}: `help {command.word}`.")
            else:
                getattr(self, f"do_{command.word}")(found["rest"].strip())
        except NoSuchStopError as error:
            self._complain(error.message)
        except DurableDebugError as error:
            self._complain(error)
            self._recover()
        except Exception as error:  # noqa: BLE001 - a typed expression may raise whatever it likes
            self._complain(f"{type(error).__name__}: {error}")
        return False

    def _complain(self, what: object) -> None:
        print(f"{paint('***', '31')} {plain(what, 500)}")

    def _expression(self, text: str) -> None:
        """Print what is no command and is an expression, as pdb does."""
        try:
            compiled(text)
        except DurableDebugError:
            self._no_command(text, f"{text!r:.80} is neither a command nor an expression.")
            return
        try:
            self.do_print(text)
        except (NameError, DurableDebugError):
            if not text.isidentifier():
                raise
            self._no_command(text, f"There is no command {text!r:.80}.")

    def _no_command(self, text: str, said: str) -> None:
        self._complain(f"{said} {meant(text.split(maxsplit=1)[0], BY_NAME) or '`help` lists them.'}")

    # ---- a replay that was interrupted, or whose process is gone

    def interrupted(self) -> None:
        """Stand again where it stood, after Ctrl-C in a command."""
        self._stand()
        print("Interrupted: still here.")
        self.show()

    def _stand(self) -> None:
        """Hold the handler at the stop; in a new replay, where the process of the old one is gone."""
        stop = self.debugger.stop
        if stop.kind == "end":
            return
        try:
            self.debugger.goto(index=stop.index)
            self.debugger.variables()  # which a process that was ended can't tell
        except DurableDebugError:
            self._reopen()

    def _recover(self) -> None:
        """Stand again where an error came from a process that is gone."""
        try:
            self._stand()
        except DurableDebugError as error:
            self._complain(error)

    def _reopen(self) -> None:
        """Take the replay anew, with the same breakpoints, up to the same stop."""
        print("The replay is taken anew.", flush=True)
        old, new = self.debugger, self._open()
        numbers: dict[int, int] = {}
        for one in old.breakpoints:
            made = new.break_at(**_said_of(one)) if one.id else new.breakpoints[0]
            made.enabled = one.enabled
            numbers[one.id] = made.id
        self._once = {numbers[one] for one in self._once if one in numbers}
        self.debugger, self._rows = new, None
        old.close()
        new.goto(index=old.stop.index)

    # ---- moving

    def show(self) -> None:
        """Print the stop, and what is to be displayed there."""
        for line in shown.stop_text(self.debugger, self.debugger.stop):
            print(line)
        if self.debugger.stop.kind != "end":
            for expression in self.displays:
                self._display(expression)

    def _move(self, verb: Callable[[Debugger], Stop], *, always: bool = False) -> None:
        before = self.debugger.stop
        try:
            stop = verb(self.debugger)
        except NoSuchStopError:
            raise
        except DurableDebugError as error:
            self._complain(error)
            self._reopen()
            return
        self.frame, self._listed = 0, None
        for number in [one for one in self._once if stop.reason.startswith(f"breakpoint {one}:")]:
            self._once.discard(number)
            self.debugger.clear(number)
        if (stop.index, stop.line_index) != (before.index, before.line_index) or always:
            self.show()
        elif not self.debugger.run_result.complete.calls:
            print("This is the only stop: the handler asks for no operation.")
        elif stop.kind == "end":
            print("This is the end: `back`, `rc` and `start` go back.")
        else:
            print("This is the first stop.")

    def do_next(self, _: str) -> None:
        """Go to the next operation of this context."""
        self._move(lambda debugger: debugger.step())

    def do_step(self, _: str) -> None:
        """Go to the next operation."""
        self._move(lambda debugger: debugger.step_in())

    def do_return(self, _: str) -> None:
        """Go to the next operation outside this context."""
        self._move(lambda debugger: debugger.step_out())

    def do_continue(self, _: str) -> None:
        """Go on to what stops."""
        self._move(lambda debugger: debugger.run())

    def do_back(self, _: str) -> None:
        """Go to the operation before."""
        self._move(lambda debugger: debugger.step_back())

    def do_rback(self, _: str) -> None:
        """Go back to what stopped before here."""
        self._move(lambda debugger: debugger.run_back())

    def do_line(self, rest: str) -> None:
        """Go to the next line."""
        self._move(lambda debugger: debugger.step_line(back=_is_back(rest)))

    def do_over(self, rest: str) -> None:
        """Go to the next line of this function."""
        self._move(lambda debugger: debugger.next_line(back=_is_back(rest)))

    def do_into(self, rest: str) -> None:
        """Go into the function that this line calls."""
        self._move(lambda debugger: debugger.step_into(back=_is_back(rest)))

    def do_out(self, rest: str) -> None:
        """Go out of this function."""
        self._move(lambda debugger: debugger.step_return(back=_is_back(rest)))

    def do_until(self, rest: str) -> None:
        """Go to where a line runs."""
        place, _, way = rest.partition(" ")
        where = line_place(place)
        if where is None:
            raise OptionError(f"{place!r} is no line.", cure="Write 54, or orders.py:54.")
        self._move(lambda debugger: debugger.run_to(where["line"], where.get("file"), back=_is_back(way)))

    def do_values(self, rest: str) -> None:
        """Print every value that a variable had."""
        found = self.debugger.history_of(rest)
        if found.empty:
            print(f"No variable {rest} in this replay.")
        width = max((len(f"{row.function}:{row.line}") for row in found.itertuples()), default=1)
        for row in found.tail(_MOST_LINES).itertuples():
            print(f"  {plain(f'{row.function}:{row.line}'):{min(width, 40)}}  {plain(row.text, 300)}")

    def do_changed(self, rest: str) -> None:
        """Go to the line that set a value."""
        self._move(lambda debugger: debugger.last_change(rest))

    def do_start(self, _: str) -> None:
        """Go to the first stop."""
        self._move(lambda debugger: debugger.restart(), always=True)

    def do_end(self, _: str) -> None:
        """Go to the end."""
        self._move(lambda debugger: debugger.goto(index=-1))

    def do_goto(self, rest: str) -> None:
        """Go to an operation."""
        place = target(rest)
        names = [one.name for one in self.debugger.run_result.complete.operations if one.name]
        if "name" in place and place["name"] not in names:
            near = meant(place["name"], names) or "`operations` lists them."
            self._complain(f"This replay asks for no operation named {place['name']!r:.80}. {near}")
            return
        self._move(lambda debugger: debugger.goto(**place), always=True)

    # ---- breakpoints

    def do_break(self, rest: str) -> None:
        """Set a breakpoint, or list all."""
        for one in [self._set(rest)] if rest else self.debugger.breakpoints:
            print(shown.breakpoint_line(one, self._places(one)))

    def do_tbreak(self, rest: str) -> None:
        """Set a breakpoint that goes when it was hit."""
        made = self._set(rest)
        self._once.add(made.id)
        print(f"{shown.breakpoint_line(made, self._places(made))}; once")

    def _set(self, text: str) -> Breakpoint:
        place = break_place(text)
        stack = self.debugger.stack
        if "line" in place and "file" not in place and stack:  # pdb's meaning: of the file that is looked at
            place["file"] = relative(stack[self.frame].file)
        refuse_unknown_name(self.debugger, place)
        return self.debugger.break_at(**place)

    def _places(self, one: Breakpoint) -> list[str]:
        asked = self.debugger.run_result.complete.operations
        return list(dict.fromkeys(f"{Path(asked[seq].file).name}:{asked[seq].line}" for seq in one.stops))

    def do_clear(self, rest: str) -> None:
        """Remove breakpoints."""
        numbers = [one.id for one in self._numbered(rest)] if rest else [None]
        count = len(self.debugger.breakpoints)
        for number in numbers:
            self.debugger.clear(number)
        print(f"{counted(count - len(self.debugger.breakpoints), 'breakpoint')} removed.")

    def do_disable(self, rest: str) -> None:
        """Keep breakpoints, but don't stop there."""
        self._enable(rest, enabled=False)

    def do_enable(self, rest: str) -> None:
        """Stop at breakpoints again."""
        self._enable(rest, enabled=True)

    def _enable(self, rest: str, *, enabled: bool) -> None:
        for one in self._numbered(rest):
            one.enabled = enabled
            print(shown.breakpoint_line(one, self._places(one)))

    def _numbered(self, rest: str) -> list[Breakpoint]:
        known = {str(one.id): one for one in self.debugger.breakpoints}
        for number in rest.split():
            if number not in known:
                raise OptionError(f"There is no breakpoint {number!r:.20}.", cure="`b` lists them.")
        return [known[number] for number in rest.split()]

    # ---- looking

    def do_print(self, rest: str) -> None:
        """Print the value of an expression."""
        print(plain(self.debugger.text(rest, self.frame), _LONGEST_VALUE))

    def do_pp(self, rest: str) -> None:
        """Print the value of an expression, laid out."""
        lines = self.debugger.text(rest, self.frame, width=_WIDTH).split("\n")
        for line in lines[:_MOST_LINES]:
            print(plain(line, _LONGEST_VALUE))
        if len(lines) > _MOST_LINES:
            print(f"… {len(lines) - _MOST_LINES:,} more lines")

    def do_display(self, rest: str) -> None:
        """Print an expression at each stop from here on; without one, those that are printed."""
        if rest:
            compiled(rest)
            self.displays = [*dict.fromkeys([*self.displays, rest])]
        for expression in [rest] if rest else self.displays:
            self._display(expression)
        if not self.displays:
            print("Nothing is displayed.")

    def do_undisplay(self, rest: str) -> None:
        """Print an expression at each stop no more."""
        if rest and rest not in self.displays:
            raise OptionError(f"{rest!r:.80} is not displayed.", cure="`display` lists what is.")
        self.displays = [one for one in self.displays if rest and one != rest]

    def _display(self, expression: str) -> None:
        try:
            value = plain(self.debugger.text(expression), _LONGEST_VALUE)
        except Exception as error:  # noqa: BLE001 - an expression of the user's, where its names may not be known
            print(f"  {plain(expression)}: {plain(f'{type(error).__name__}: {error}', 200)}")
        else:
            print(f"  {plain(expression)} = {value}")

    def do_locals(self, _: str) -> None:
        """Print the function's variables."""
        found = self.debugger.variables(self.frame)
        width = min(max((len(one.name) for one in found), default=0), 30)
        for one in found:
            print(f"  {plain(one.name):{width}} = {plain(one.preview, 300)}")
        if not found:
            print("No variables here.")

    def do_where(self, _: str) -> None:
        """Print the stack."""
        for line in shown.stack_text(self._stack, self.frame):
            print(line)

    @property
    def _stack(self) -> tuple[StackFrame, ...]:
        stack = self.debugger.stack
        if not stack:
            raise NoSuchStopError("The handler has ended: `back` goes back into it.")
        return stack

    def do_up(self, _: str) -> None:
        """Look at the function that called this one."""
        self._look(self.frame + 1, "This is the outermost function.")

    def do_down(self, _: str) -> None:
        """Look at the function that this one called."""
        self._look(self.frame - 1, "This is the innermost function.")

    def _look(self, frame: int, otherwise: str) -> None:
        stack = self._stack
        if not 0 <= frame < len(stack):
            self._complain(otherwise)
            return
        self.frame, self._listed = frame, None
        for line in shown.stack_text(stack[frame : frame + 1], 0):
            print(line)

    def do_list(self, rest: str) -> None:
        """Print source around here, around a line, or further on."""
        frame = self._stack[self.frame]
        if rest and rest != ".":
            place = line_place(rest)
            if place is None or "file" in place:
                raise OptionError(f"{rest!r:.40} is no line.", cure="Give its number, or `.` for here.")
            first = place["line"] - _LISTED // 2
        elif self._listed is not None and self._listed[0] == frame.file and not rest:
            first = self._listed[1] + 1
        else:
            first = frame.line - _LISTED // 2
        first = max(1, first)
        self._source(frame, first, first + _LISTED - 1)

    def do_longlist(self, _: str) -> None:
        """Print the source of the function."""
        frame = self._stack[self.frame]
        self._source(frame, *shown.function_lines(frame.file, frame.line))

    def _source(self, frame: StackFrame, first: int, last: int) -> None:
        file = frame.file
        asked = self.debugger.run_result.complete.operations
        marked = {seq for one in self.debugger.breakpoints if one.enabled for seq in one.stops}
        lines = list(
            shown.listing(
                file,
                first,
                last,
                current=frame.line,
                breaks={asked[seq].line for seq in marked if asked[seq].file == file},
                operations={one.line for one in asked if one.file == file},
            )
        )
        for line in lines:
            print(line)
        if not lines:
            print(f"No lines of {plain(relative(file))} from {first} on.")
        self._listed = (file, last) if lines else None

    def do_answer(self, _: str) -> None:
        """Print what the operation asks, and what the record answers."""
        for line in shown.answer_text(self.debugger.history, self.debugger.stop):
            print(line)

    def do_operations(self, rest: str) -> None:
        """Print the operations."""
        for line in shown.operations_text(self.debugger, self.rows, rest):
            print(line)

    def do_divergences(self, _: str) -> None:
        """Print what the code does otherwise than the history."""
        for line in shown.divergences_text(self.debugger.run_result, self.debugger.stop):
            print(line)

    def do_logs(self, _: str) -> None:
        """Print what the handler logged and printed."""
        for one in self.debugger.logs:
            print(f"  {plain(one.level).lower()}: {plain(one.message, _LONGEST_VALUE)}")
        if not self.debugger.logs:
            print("Nothing was logged or printed up to here.")

    def do_help(self, rest: str) -> None:
        """Print help."""
        if rest and rest not in BY_NAME:
            self._no_command(rest, f"There is no command {rest!r:.80}.")
            return
        for line in help_text(BY_NAME[rest] if rest else None):
            print(line)


def _said_of(one: Breakpoint) -> dict[str, Any]:
    return {key: getattr(one, key) for key in BREAK_AT if getattr(one, key) is not None}


def _is_back(rest: str) -> bool:
    if rest not in {"", "back"}:
        raise OptionError(f"{rest!r} is no way to go.", cure="Write `back`, or nothing.")
    return rest == "back"
