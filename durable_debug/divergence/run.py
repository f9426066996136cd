"""A replay and everything that it does otherwise than the history."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from durable_debug.divergence.analysis import Analysis, analysed
from durable_debug.divergence.divergence import Divergence, judged
from durable_debug.divergence.looking import as_on_lambda
from durable_debug.divergence.outcome import goes_on
from durable_debug.divergence.unchecked import unchecked
from durable_debug.divergence.wording import counted, counts
from durable_debug.errors import DivergenceError
from durable_debug.history import History
from durable_debug.replay.engine import Options, names
from durable_debug.replay.recording import Recording, record
from durable_debug.sources import load_one

if TYPE_CHECKING:
    import os
    from collections.abc import Iterable
    from pathlib import Path

    import pandas as pd

    from durable_debug.divergence.align import Plan
    from durable_debug.divergence.matcher import Aligner
    from durable_debug.replay.asked import AskedOperation
    from durable_debug.replay.guard import SideEffect
    from durable_debug.replay.tape import LogLine

__all__ = ["Run", "replay"]

# The columns of `Run.frame`: attributes of `Divergence`, and their dtypes.
_COLUMNS = {
    "kind": "str",
    "severity": "str",
    "message": "str",
    "recorded": "str",
    "asked": "str",
    "position": "str",
    "recorded_position": "str",
    "event_ids": "object",
    "file": "str",
    "line": "Int64",
    "source": "str",
    "lambda_effect": "str",
    "advice": "str",
    "occurrences": "int64",
}


@dataclass(frozen=True, repr=False)
class Run:
    """What a handler did when it was replayed over a history. A value: nothing of it changes.

    Attributes
    ----------
    recording
        The replay as Lambda would do it: the SDK answers from the recorded state and objects where it would.
    """

    recording: Recording

    # ---- how it went

    @property
    def history(self) -> History:
        """The history that was replayed."""
        return self.recording.history

    @property
    def status(self) -> str:
        """``SUCCEEDED``, ``FAILED`` or ``PENDING`` (suspended), as the handler would have told Lambda.

        ``HALTED`` where the replay was ended before the handler (see `stopped`); ``CRASHED`` where the
        invocation ended without an output, so that Lambda would run it again.
        """
        return self.recording.outcome.status

    @property
    def result(self) -> str | None:
        """Result payload (JSON text), as in ``history.result``."""
        return self.recording.outcome.result

    @property
    def error(self) -> dict[str, Any] | None:
        """Error object (``ErrorType``, ``ErrorMessage`` …), as in ``history.error``."""
        return self.recording.outcome.error

    @property
    def stopped(self) -> str | None:
        """Why the replay was ended before the handler; None if it was not."""
        return self.recording.halt.message if self.recording.halt else None

    @property
    def operations(self) -> tuple[AskedOperation, ...]:
        """Every operation that the handler asked for, in order."""
        return self.recording.operations

    @property
    def logs(self) -> tuple[LogLine, ...]:
        """What the handler logged and printed, also where Lambda keeps quiet on replay."""
        return self.recording.logs

    @property
    def side_effects(self) -> tuple[SideEffect, ...]:
        """What the handler did, or tried, outside steps."""
        return (*self.recording.side_effects, *self.analysis.effects)

    # ---- what is otherwise

    @functools.cached_property
    def analysis(self) -> Analysis:
        """How the replay compares with its history, in detail."""
        return analysed(self.recording)

    @functools.cached_property
    def divergences(self) -> tuple[Divergence, ...]:
        """Everything that the replay does otherwise than the history, in the order of the replay."""
        return judged(self.analysis.groups, self.analysis.findings, self.analysis.evidence)

    @functools.cached_property
    def frame(self) -> pd.DataFrame:
        """`divergences` as a DataFrame: one row each, columns as the attributes of `Divergence`.

        =============================  =======  ======================================================
        column                         dtype    meaning
        =============================  =======  ======================================================
        kind, severity, message        str
        recorded, asked                str      the two sides; missing where a side has nothing
        position, recorded_position    str      asked for and recorded; missing where a side has none
        event_ids                      object   tuple of int: the recorded events that it is about
        file                           str      of the user's code; missing where no line can be named
        line                           Int64
        source                         str      text of the line
        lambda_effect, advice          str      what Lambda would do; what to do about it
        occurrences                    int64    how often the same change shows
        =============================  =======  ======================================================

        Examples
        --------
        >>> run.frame.groupby("severity").kind.value_counts()  # doctest: +SKIP
        """
        import pandas as pd

        columns = {
            name: pd.Series([getattr(one, name) for one in self.divergences], dtype=dtype)
            for name, dtype in _COLUMNS.items()
        }
        return pd.DataFrame(columns)

    @functools.cached_property
    def unchecked(self) -> tuple[str, ...]:
        """What could not be compared, a sentence each."""
        return (*unchecked(self.complete), *self.analysis.unchecked)

    @property
    def complete(self) -> Recording:
        """The pass that went through to the end: behind differences by aligning, where Lambda would end."""
        return self.analysis.complete

    @property
    def plan(self) -> Plan | None:
        """By position asked for, the recorded position that answers it; None where all are the same."""
        return self.analysis.plan

    def matcher(self) -> Aligner | None:
        """Give what a further pass needs to do the same as `complete`; None where nothing has to be aligned."""
        return self.analysis.aligner()

    @property
    def ok(self) -> bool:
        """Whether it replayed clean: no divergence, and not ended before the record was."""
        return not self.divergences and not self._cut_short

    @property
    def _cut_short(self) -> bool:
        return self.recording.halt is not None and not goes_on(self.recording)

    def raise_for_divergence(self) -> None:
        """Raise if the replay did not do what the history says.

        Raises
        ------
        DivergenceError
            With all divergences in its message.
        """
        if not self.ok:
            raise DivergenceError(self.report())

    def export_test(self, path: str | os.PathLike[str]) -> Path:
        """Write a regression test: the history, and a test that replays it, for a user to commit.

        Parameters
        ----------
        path
            The test's file, such as ``"tests/test_order_402.py"``; the history is put beside it.

        Returns
        -------
        pathlib.Path
            The test's file.
        """
        from durable_debug.divergence.export import export_test

        return export_test(self, path)

    def report(self) -> str:
        """Plain text for a terminal."""
        from durable_debug.divergence.text import report

        return report(self)

    def _repr_html_(self) -> str:
        from durable_debug.divergence.html import card

        return card(self)

    def __repr__(self) -> str:
        if self.divergences:
            found = counted(len(self.divergences), "divergence")
        else:
            found = "clean" if self.ok else f"ended early: {self.stopped}"
        return f"<Run of {self.recording.handler.name}: {self.status}, {counts(self)}, {found}>"


def replay(  # noqa: PLR0913
    handler: object,
    history: object,
    *,
    invocation: int | None = None,
    enter: bool = True,
    run: str | Iterable[str] = (),
    allow: str | Iterable[str] = (),
    timeout: float | None = 60.0,
) -> Run:
    """Run a handler over a recorded history, through the AWS SDK, and say what it does otherwise.

    No step body, submitter, condition check or invoke runs, and nothing is sent anywhere. The handler's own
    code does run; sockets, processes and files opened for writing outside steps are refused.

    Parameters
    ----------
    handler
        The function decorated with ``@durable_execution``, or ``"package.module:name"``, ``"path/app.py:name"``.
    history
        A `History`, or whatever `load` takes.
    invocation
        Re-run this one invocation (from 1) as it was: with the state at its start, and what it then did
        answered from the record. By default the whole execution is replayed, from its last state.
    enter
        Whether to look into the bodies of completed child contexts, maps and parallels. Lambda does not
        enter them; the look changes no answer.
    run
        Names (glob patterns) of steps whose bodies may really run where the history has no answer.
    allow
        Side effects outside steps to let happen: ``"network"``, ``"process"``, ``"file"``, or a glob pattern.
    timeout
        Seconds without a further operation after which the handler is ended; None to wait for ever.

    Returns
    -------
    Run
        A frozen value: ``status``, ``result``, ``error``, ``operations``, ``divergences``, ``ok``.

    Raises
    ------
    HandlerError
        The handler does not exist, does not import or is not durable.
    HistoryError
        The history can't be read, or can't drive a replay: it is partial, or payloads are missing.

    Examples
    --------
    >>> run = replay("sample_histories/apps/espresso.py:handler", "sample_histories/espresso_timed_out.json")
    >>> run.status, run.ok
    ('FAILED', True)
    """
    options = Options(invocation=invocation, enter=enter, run=names(run), allow=names(allow), timeout=timeout)
    return Run(as_on_lambda(record(handler, as_history(history), options)))


def as_history(history: object) -> History:
    """Take a `History`, or load one."""
    return history if isinstance(history, History) else load_one(history)
