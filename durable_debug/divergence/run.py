"""A replay and everything that it does otherwise than the history."""

from __future__ import annotations

import functools
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, Never

from durable_debug.divergence.analysis import Analysis, analysed
from durable_debug.divergence.determinism import as_parting, parting
from durable_debug.divergence.divergence import Divergence, judged
from durable_debug.divergence.looking import as_on_lambda
from durable_debug.divergence.outcome import goes_on
from durable_debug.divergence.swapped import refuse_swapped
from durable_debug.divergence.unchecked import unchecked
from durable_debug.divergence.whose import other_function
from durable_debug.engine.runner import Pass
from durable_debug.engine.runners import record
from durable_debug.errors import DivergenceError
from durable_debug.history import History
from durable_debug.options import NAMES, Options, fit_nothing, no_such_body, unknown_options
from durable_debug.sources import load_one
from durable_debug.views import view
from durable_debug.wording import counted

if TYPE_CHECKING:
    import os
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    import pandas as pd

    from durable_debug.divergence.facts import OtherFunction
    from durable_debug.divergence.matcher import Aligner
    from durable_debug.engine.asked import AskedOperation
    from durable_debug.engine.guard import SideEffect
    from durable_debug.engine.ongoing_pass import LogLine
    from durable_debug.engine.places import Place
    from durable_debug.engine.recording import Recording

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


@dataclass(frozen=True, repr=False, eq=False)
class Run:
    """What a handler did when it was replayed over a history. A value: all of it is settled when `replay` returns.

    Runs are equal where the same handler did the same over the same history, under the same options.

    Attributes
    ----------
    recording
        The replay as Lambda would do it: the SDK answers from the recorded state and objects where it would.
    analysis
        How it compares with its history, in detail.
    divergences
        Everything that it does otherwise than the history, in the order of the replay.
    unchecked
        What could not be compared, a sentence each.
    """

    recording: Recording
    analysis: Analysis = field(repr=False)
    divergences: tuple[Divergence, ...]
    unchecked: tuple[str, ...]

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
        error = self.recording.outcome.error
        return None if error is None else dict(error)

    @property
    def failed_at(self) -> Place | None:
        """The line of the user's code that the exception came from with which it FAILED; None where that is not known."""
        raised = self.recording.raised if self.status == "FAILED" else None
        return raised.place if raised is not None else None

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

    @property
    def complete(self) -> Recording:
        """The pass that went through to the end: behind differences by aligning, where Lambda would end."""
        return self.analysis.complete

    def matcher(self) -> Aligner | None:
        """Give what a further pass needs to do the same as `complete`; None where nothing has to be aligned."""
        return self.analysis.aligner()

    @property
    def ok(self) -> bool:
        """Whether it replayed clean: no divergence, and not ended before the record was."""
        if self.divergences:
            return False
        return not self._cut_short or self._parts_by_what_is_gone

    @property
    def _parts_by_what_is_gone(self) -> bool:
        """Whether it went another way by a value that was redacted, and may have been ended there."""
        halt = self.recording.halt
        return self.analysis.unjudged > 0 and halt is not None and halt.kind == "would_run"

    @property
    def _cut_short(self) -> bool:
        return self.recording.halt is not None and not goes_on(self.recording)

    @functools.cached_property
    def other_function(self) -> OtherFunction | None:
        """That the history seems to be of another function than the handler; None where nothing speaks for it.

        Then the divergences say less of the handler's code than of the choice of the two.
        """
        return other_function(self.history, self.complete, self.divergences)

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
        return view("run.test")(self, path)  # type: ignore[no-any-return]

    def report(self) -> str:
        """Plain text for a terminal."""
        return str(view("run.text")(self))

    def _repr_html_(self) -> str:
        return str(view("run.card")(self))

    @property
    def counts(self) -> str:
        """How many operations were asked for and recorded; where Lambda would not come to all of them, how many of them."""
        reached, asked = len(self.operations), len(self.complete.operations)
        told = f"{counted(reached, 'operation')} asked for"
        if reached != asked:
            until = {"FAILED": " until Lambda fails", "HALTED": " until Lambda would run something"}
            told += f"{until.get(self.status, ' on Lambda')}, {asked:,} in all"
        return f"{told}, {len(self.history.tree()):,} recorded"

    def __repr__(self) -> str:
        if self.divergences:
            found = counted(len(self.divergences), "divergence")
        else:
            clean = "fails as recorded" if self.status == "FAILED" else "clean"
            found = clean if self.ok else f"ended early: {self.stopped}"
        return f"<Run of {self.recording.runner.name}: {self.status}, {self.counts}, {found}>"

    def __eq__(self, other: object) -> bool:
        return self._value == other._value if isinstance(other, Run) else NotImplemented

    def __hash__(self) -> int:
        return hash((self.recording.runner.name, self.status, self.result, self.divergences))

    @property
    def _value(self) -> tuple[object, ...]:
        recording = self.recording
        return (
            (recording.runner.name, recording.history, recording.options, recording.outcome),
            (recording.halt and recording.halt.message, self.operations, self.complete.operations),
            (self.divergences, self.unchecked, self.side_effects, self.logs),
        )


def replay(  # noqa: PLR0913
    handler: object,
    history: object,
    *,
    invocation: int | None = None,
    enter: bool = True,
    run: str | Iterable[str] = (),
    allow: str | Iterable[str] = (),
    timeout: float | None = 60.0,
    env: Mapping[str, str] | None = None,
    python: str | os.PathLike[str] | Literal[False] | None = None,
    sdk: str | None = None,
    **unknown: Never,
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
    env
        Environment variables of the function, by name: ``{"TABLE_NAME": "orders"}``. Region, function name and version come
        from the execution's ARN; what is not given is taken from this process's environment.
    python
        Interpreter to run the handler in, or the folder of its environment: its own packages, its own SDK, in a process of
        its own. By default the environment that the handler's project has (``.venv`` beside it or above, with the SDK),
        else this process; False: this process in any case. Nothing need be installed there but the SDK.
    sdk
        Version of the SDK to run it through, ``"2.1.0"``, or a line, ``"2.1"`` or ``"1"``, instead of the installed one: what
        an upgrade does to an execution. It is downloaded into a cache when first asked for. (1.7 and later are known.)

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
    OptionError
        An option does not exist, or can't have this value.

    Examples
    --------
    >>> run = replay("sample_histories/apps/espresso.py:handler", "sample_histories/espresso_timed_out.json")
    >>> run.status, run.ok
    ('FAILED', True)
    """
    unknown_options("replay", unknown, NAMES)
    refuse_swapped(handler, history, "replay")
    given: dict[str, Any] = {
        "run": run,
        "allow": allow,
        "env": env,
        "python": python,
        "sdk": sdk,
    }  # one or several, a path
    options = Options(invocation=invocation, enter=enter, timeout=timeout, **given)
    found = replayed(handler, as_history(history), options)
    _check_run(options, found)
    return found


def replayed(handler: object, history: History, options: Options) -> Run:
    """Replay as `replay` does, with options that were checked."""
    return _settled(record(handler, history, options))


def _check_run(options: Options, found: Run) -> None:
    """Refuse names of bodies to run that nothing has, neither in the history nor in what was asked for."""
    known = names_in(found) if options.run else set()
    for pattern in fit_nothing(options.run, known):
        raise no_such_body(pattern, known - {""})


def names_in(found: Run) -> set[str]:
    """Names of all operations, of the history and of what was asked for; an empty one where there is none."""
    return {one.name or "" for one in found.operations} | {one.name or "" for one in found.history.tree()}


def _settled(first: Recording) -> Run:
    """Compare a replay with its history, and everything that takes further passes."""
    recording = as_on_lambda(first)
    analysis = analysed(recording)
    found = judged(analysis.groups, analysis.findings, analysis.evidence, analysis.pairing.cut)
    if found and not _timed_out(recording):
        where = parting(first, first.runner.again(first, Pass()))
        found = as_parting(found, where) if where is not None else found
    told = (*unchecked(analysis.complete), *analysis.unchecked)
    for one in (recording, analysis.complete, analysis.evidence):
        one.freeze()
    return Run(recording, analysis, found, tuple(dict.fromkeys(told)))


def _timed_out(recording: Recording) -> bool:
    return recording.halt is not None and recording.halt.kind == "timeout"


def as_history(history: object) -> History:
    """Take a `History`, or load one."""
    return history if isinstance(history, History) else load_one(history)
