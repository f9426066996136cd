"""The seam: what executes a handler, and all that the rest of durable_debug needs of it.

Above it nothing knows a frame, a code object or an object of the SDK: what was asked comes as `Ask`, a pass as `Recording`.
What runs a handler elsewhere, in another interpreter or another language, is one more `Runner`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from durable_debug.engine.live import Live
    from durable_debug.engine.recording import Recording
    from durable_debug.engine.skipping import Jump
    from durable_debug.engine.tape import Matcher
    from durable_debug.history import History
    from durable_debug.options import Options

__all__ = ["Pass", "Runner"]


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
        Whether a redacted history gives other placeholders than those that it holds.
    """

    matcher: Matcher | None = None
    most: int | None = None
    trace: bool = False
    jumps: frozenset[Jump] = frozenset()
    timeout: float | None = None
    other_values: bool = False


class Runner(Protocol):
    """Runs one handler over histories."""

    @property
    def name(self) -> str:
        """How to call the handler in messages, such as ``"app.py:handler"``."""

    @property
    def file(self) -> str | None:
        """The file that the handler is in; None where that can't be known."""

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

    def hold(self, first: Recording, matcher: Matcher | None, *, hangs_after: int | None) -> Live:
        """Prepare a pass that can be held at any operation.

        Parameters
        ----------
        hangs_after
            After so many operations the handler is known to ask for nothing more and never to end.
        """

    def without_looking(self, looked: Recording) -> Recording:
        """Run it once more without looking into the bodies of ended contexts, which Lambda does not run.

        What the look told of the record holds: whether a result is a summary.
        """
