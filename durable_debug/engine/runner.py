"""The seam: what executes a handler, and all that the rest of durable_debug needs of it.

Above it nothing knows a frame, a code object or an object of the SDK: what was asked comes as `Call`, a pass as `Recording`.
What runs a handler elsewhere, in another interpreter or another language, is one more `Runner`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from durable_debug.engine.call import Call

if TYPE_CHECKING:
    from collections.abc import Sequence

    from durable_debug.engine.line_trace import LineTrace
    from durable_debug.engine.ongoing_pass import Matcher
    from durable_debug.engine.places import Place
    from durable_debug.engine.recording import Recording
    from durable_debug.engine.skipping import Jump
    from durable_debug.engine.value_copies import Copy
    from durable_debug.engine.variables import Variable
    from durable_debug.history import History
    from durable_debug.options import Options

__all__ = ["Decide", "Held", "HeldFrame", "HeldPass", "Pass", "Runner", "Truth"]


@dataclass(frozen=True, slots=True)
class Pass:
    """How a handler is run once more over the same history.

    Attributes
    ----------
    matcher
        Finds the recorded operation that answers a call, and lets the handler go on behind inserted ones; None: the one
        with the same id answers, and the SDK objects where it would on Lambda.
    most
        After so many calls a handler that goes on is ended; None: where its calls are, `Recording.stacks`, is not noted.
    trace
        Whether to note the lines at which the handler and the bodies of contexts end.
    jumps
        Statements not to run.
    timeout
        Seconds without a further call; None: as the options say.
    other_values
        Which other placeholders a redacted history gives than those that it holds: any number stands for some; 0 for none.
    supposes
        Whether the SDK goes on behind what would run or begin: with a value that nobody knows in the place of its answer.
    branches_were_cut
        Whether the branches of maps and parallels under way did not come to their ends, since another one ended the
        execution: in this pass, and in those that are made from its recording.
    """

    matcher: Matcher | None = None
    most: int | None = None
    trace: bool = False
    jumps: frozenset[Jump] = frozenset()
    timeout: float | None = None
    other_values: int = 0
    supposes: bool = False
    branches_were_cut: bool = False


class HeldFrame(Protocol):
    """One of the user's functions on the stack of a pass that stands still."""

    @property
    def place(self) -> Place:
        """Where it stands."""

    def locals(self) -> dict[str, Any]:
        """Give its variables by name."""

    def variables(self, path: Sequence[str] = ()) -> list[Variable]:
        """Describe its variables, or what one of them holds: bounded, for display.

        Parameters
        ----------
        path
            Names to go down by, as given by `Variable.name`.
        """

    def evaluate(self, expression: str) -> Any:
        """Give the value of an expression over its variables.

        Raises
        ------
        DurableDebugError
            It is none, it is refused a side effect, or it ends the program.
        Exception
            Whatever the expression raises.
        """

    def text(self, expression: str, width: int | None = None) -> str:
        """Give the text of an expression's value: its `repr`, made where the function stands and as guarded as the expression.

        Parameters
        ----------
        width
            Columns over which it is laid out; None for one line.

        Raises
        ------
        DurableDebugError, Exception
            As `evaluate`.
        """

    def holds(self, condition: str) -> Truth:
        """Say whether a condition is true."""


@dataclass(frozen=True, slots=True)
class Held:
    """Where a replay stands, and why there.

    Attributes
    ----------
    ask
        The operation that is about to be answered; None between operations, and where an exception leaves the handler.
    frames
        The user's functions, the innermost first.
    line
        Index of the line that is about to run (see `LineTrace`); None at an operation, and at an exception.
    """

    reason: str
    call: Call | None
    frames: tuple[HeldFrame, ...]
    line: int | None = None


@dataclass(frozen=True, slots=True)
class Truth:
    """What came of a condition.

    Attributes
    ----------
    is_true
        Whether it holds; None where it can't be told.
    note
        What is to be known of it.
    no_such_name
        Whether it has a name that is not known there: elsewhere there are other variables.
    """

    is_true: bool | None
    note: str = ""
    no_such_name: bool = False


Decide = Callable[[Call, HeldFrame], str | None]
"""Whether to hold at a call, and why: asked in the handler's own thread."""


class HeldPass(Protocol):
    """One pass over a history that can be held at any operation; it goes forward only."""

    @property
    def changed_by(self) -> str | None:
        """An expression that changed what the handler holds; None if none has."""

    def go(self, decide: Decide) -> Held | None:
        """Go on until `decide` gives a reason to hold, an exception leaves the handler, or it ends.

        Returns
        -------
        Held or None
            Where it stands now; None when it has ended.
        """

    def go_to_line(self, index: int) -> Held | None:
        """Go on until a line is about to run; of a pass that was begun for lines.

        Parameters
        ----------
        index
            See `LineTrace`.
        """

    def end(self) -> None:
        """End the pass and its threads."""


class Runner(Protocol):
    """Runs one handler over histories."""

    @property
    def name(self) -> str:
        """How to call the handler in messages, such as ``"app.py:handler"``."""

    @property
    def file(self) -> str | None:
        """The file that the handler is in; None where that can't be known."""

    @property
    def asks_whether_it_replays(self) -> bool:
        """Whether the handler's own code says ``is_replaying``."""

    @property
    def remarks(self) -> tuple[str, ...]:
        """What it can't see or do for this handler, a sentence each."""

    def record(self, history: History, options: Options) -> Recording:
        """Run the handler over a history as Lambda would.

        Raises
        ------
        HandlerError, HistoryError
            One of them can't be used.
        """

    def again(self, first: Recording, how: Pass) -> Recording:
        """Run it once more over the same history. Bodies that the user let run do not run again."""

    def trace(self, first: Recording, matcher: Matcher | None) -> LineTrace:
        """Run it once more, and note every line of the user's code that runs, with what changed there."""

    def look(
        self, first: Recording, matcher: Matcher | None, lines: frozenset[int], expressions: Sequence[str]
    ) -> dict[int, tuple[Copy, ...]]:
        """Run it once more, and evaluate expressions where lines are about to run.

        Parameters
        ----------
        lines
            Their indices, see `LineTrace`.

        Returns
        -------
        dict
            By index, a copy of each value; a `Failed` where an expression has none.
        """

    def hold(
        self, first: Recording, matcher: Matcher | None, *, hangs_after: int | None, lines: bool = False
    ) -> HeldPass:
        """Prepare a pass that can be held at any operation.

        Parameters
        ----------
        lines
            Whether it can be held at any line, too.
        hangs_after
            After so many operations the handler is known to ask for nothing more and never to end.
        """

    def without_looking(self, looked: Recording) -> Recording:
        """Run it once more without looking into the bodies of ended contexts, which Lambda does not run.

        What the look told of the record holds: whether a result is a summary.
        """
