"""What a deploy does to the executions that are running now: each replayed with the code as it is, and as it would be."""

from __future__ import annotations

import sys
from collections import Counter
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any, Literal, Never

from durable_debug.audits.check import new_findings
from durable_debug.audits.inputs import gathered
from durable_debug.divergence.run import Run, as_history, replayed
from durable_debug.errors import DurableDebugError, HistoryError
from durable_debug.options import NAMES, Options, unknown_options, versions
from durable_debug.views import view

if TYPE_CHECKING:
    import os
    from collections.abc import Iterable, Mapping

    import pandas as pd

    from durable_debug.divergence.divergence import Divergence
    from durable_debug.history import History

__all__ = ["DeployCheck", "Fate", "deploy_check"]

_GOES_ON = {"RUNNING", "PAUSED"}
# Arguments of operations that are on record, and answer from there.
_OF_THE_RECORD = {
    "wait_duration",
    "callback_timeout",
    "invoke_target",
    "invoke_payload",
    "invoke_tenant",
    "retry_strategy",
    "wait_strategy",
}
# What a deploy does to an execution, the worst first.
FATES = {
    "killed": "is killed",
    "runs_again": "runs a body again",
    "other_values": "goes on with other values, silently",
    "unknown": "could not be told",
    "as_before": "goes on as before",
}
_MOVES = {
    "killed": "Pin it: let it end on the version that it began with (invoke a version or an alias, not $LATEST), and deploy "
    "beside it.",
    "runs_again": "Pin it: let it end on the version that it began with, and deploy beside it; or make the body harmless when "
    "it runs twice.",
    "other_values": "Pin it: let it end on the version that it began with, and deploy beside it.",
    "unknown": "Mend what keeps it from being replayed, or pin it.",
    "as_before": "Deploy.",
}


@dataclass(frozen=True, slots=True)
class Fate:
    """What a deploy does to one execution.

    Attributes
    ----------
    history
        The path, as given, or the execution's name.
    arn, name
        As the history has them.
    sdk
        Version of the SDK that the new code was asked to run with; None for the installed one.
    fate
        ``killed``, ``runs_again``, ``other_values``, ``unknown`` or ``as_before``.
    operation
        The operation at which it happens; None where there is none.
    file, line
        The line of the new code.
    why
        In a sentence: what is different, or what keeps it from being told.
    lambda_effect
        What Lambda does.
    move
        The safe move.
    """

    history: str
    arn: str | None
    name: str | None
    sdk: str | None
    fate: str
    operation: str | None
    file: str | None
    line: int | None
    why: str
    lambda_effect: str
    move: str


@dataclass(frozen=True, repr=False)
class DeployCheck:
    """What a deploy does to the running executions. A value: nothing of it changes.

    Attributes
    ----------
    rows
        A `Fate` each, in the order of the histories; of several versions of the SDK one each.
    old, new
        Names of the handlers.
    ended
        How many of the histories are of executions that have ended: no deploy does anything to them.
    """

    rows: tuple[Fate, ...]
    old: str
    new: str
    ended: int

    @property
    def ok(self) -> bool:
        """Whether all running executions go on as before."""
        return all(row.fate == "as_before" for row in self.rows)

    @property
    def counts(self) -> dict[str, int]:
        """How many executions have each fate, the worst first."""
        found = Counter(row.fate for row in self.rows)
        return {fate: found[fate] for fate in FATES if found[fate]}

    @property
    def frame(self) -> pd.DataFrame:
        """One row each; columns as the attributes of `Fate`."""
        import pandas as pd

        columns = {one.name: [getattr(row, one.name) for row in self.rows] for one in fields(Fate)}
        frame = pd.DataFrame(columns)
        for name in columns:
            frame[name] = frame[name].astype("Int64" if name == "line" else "string")
        return frame

    def report(self) -> str:
        """Tell it in a page of text."""
        return str(view("deploy.text")(self))

    def __repr__(self) -> str:
        told = ", ".join(f"{count} {FATES[fate]}" for fate, count in self.counts.items())
        return f"<DeployCheck of {self.new}: {told or 'no running execution'}>"


def deploy_check(  # noqa: PLR0913
    old: str,
    new: str,
    histories: object,
    *,
    sdk: str | Iterable[str] | None = None,
    old_sdk: str | None = None,
    enter: bool = True,
    allow: str | Iterable[str] = (),
    timeout: float | None = 60.0,
    env: Mapping[str, str] | None = None,
    python: str | os.PathLike[str] | Literal[False] | None = None,
    **unknown: Never,
) -> DeployCheck:
    """Say what a deploy does to each running execution: an upgrade of the SDK with unchanged code is one, too.

    Each is replayed with the code as it is and as it would be, through the real SDK. What both do otherwise than the history
    is not the deploy's.

    Parameters
    ----------
    old, new
        The handlers, by name: ``"path/app.py:handler"``. Each has modules of its own.
    histories
        As for `audit`; those of executions that have ended are passed over.
    sdk
        Version, or line, of the SDK that the new code is deployed with (see `replay`); several: a row for each.
    old_sdk
        That of the old code.
    enter, allow, timeout, env, python
        As for `replay`. By default the handlers run in a process of their own, so that one that ends it does no harm.

    Returns
    -------
    DeployCheck
        ``rows``, ``frame``, ``counts``, ``ok``, ``report()``.

    Raises
    ------
    HandlerError, OptionError
        A handler or an option can't be used.
    HistoryError
        There are no histories.

    Examples
    --------
    >>> found = deploy_check(
    ...     "sample_histories/apps/suspended.py:handler",
    ...     "sample_histories/apps/suspended.py:handler",
    ...     "sample_histories/suspended.json",
    ... )
    >>> found.counts
    {'as_before': 1}
    """
    own = ("sdk", "old_sdk", "enter", "allow", "timeout", "env", "python")
    unknown_options("deploy_check", unknown, own)
    given: dict[str, Any] = {
        "allow": allow,
        "env": env,
        "python": sys.executable if python is None else python,
    }
    asked = Options(enter=enter, timeout=timeout, **given)
    before = {name: getattr(asked, name) for name in NAMES} | {"sdk": old_sdk}
    lines = versions(sdk)
    rows: list[Fate] = []
    ended = seen = 0
    for source in gathered(histories)[0]:
        seen += 1
        try:
            if isinstance(source.content, DurableDebugError):
                raise source.content
            history = as_history(source.content)
        except DurableDebugError as error:
            rows += [_untold(source.label, None, line, error) for line in lines]
            continue
        if history.status not in _GOES_ON:
            ended += 1
            continue
        for line in lines:
            rows.append(_fate(source.label, history, (old, before), (new, before | {"sdk": line})))
    if not seen:
        raise HistoryError("There are no histories to check.", cure="Look at what gives them.")
    return DeployCheck(tuple(rows), old, new, ended)


def _fate(
    label: str, history: History, old: tuple[str, dict[str, Any]], new: tuple[str, dict[str, Any]]
) -> Fate:
    line = new[1]["sdk"]
    try:
        run = replayed(new[0], history, Options(**new[1]))
        found = new_findings(run, lambda: replayed(old[0], history, Options(**old[1])))
    except DurableDebugError as error:
        return _untold(label, history, line, error)
    return _told(label, history, line, run, found)


def _told(label: str, history: History, sdk: str | None, run: Run, found: tuple[Divergence, ...]) -> Fate:
    fate, one = "as_before", next(iter(found), None)
    again = _runs_again(run)
    if found and _is_killed(run):
        fate, one = "killed", next((each for each in found if each.stops), one)
    elif found and (again or any(each.kind == "would_run" for each in found)):
        fate, one = "runs_again", next((each for each in found if each.kind == "would_run"), one)
    elif any(map(_is_felt, found)):
        fate, one = "other_values", next(filter(_is_felt, found))
    elif not run.ok and not found and run.divergences == () and run.stopped:
        fate = "unknown"
    told = one is not None and fate != "as_before"
    return Fate(
        history=label,
        arn=history.arn,
        name=history.name,
        sdk=sdk,
        fate=fate,
        operation=again if fate == "runs_again" and again else (one.position if told and one else None),
        file=one.file if told and one else None,
        line=one.line if told and one else None,
        why=one.message if told and one else (run.stopped or "") if fate == "unknown" else "",
        lambda_effect=one.lambda_effect if told and one else "",
        move=_MOVES[fate],
    )


def _untold(label: str, history: History | None, sdk: str | None, error: DurableDebugError) -> Fate:
    return Fate(
        history=label,
        arn=history.arn if history is not None else None,
        name=history.name if history is not None else None,
        sdk=sdk,
        fate="unknown",
        operation=None,
        file=None,
        line=None,
        why=error.message,
        lambda_effect="",
        move=error.cure or _MOVES["unknown"],
    )


def _is_felt(one: Divergence) -> bool:
    """Whether a running execution takes another way: what is asked of operations on record, it never hears of."""
    return one.severity != "info" and one.kind not in _OF_THE_RECORD


def _is_killed(run: Run) -> bool:
    error = (run.error or {}).get("ErrorType")
    return run.status == "FAILED" and str(error).rpartition(".")[2] == "NonDeterministicExecutionError"


def _runs_again(run: Run) -> str | None:
    """Name the operation whose body would run a second time: one that has ended, and answers no call of its own kind and name."""
    halt = run.recording.halt
    ask = halt.ask if halt is not None and halt.kind == "would_run" else run.recording.beyond
    if ask is None:
        return None
    wanted = (ask.type, ask.sub_type, ask.name or None)
    ended = {
        o.id for o in run.history.tree() if (o.type, o.sub_type, o.name or None) == wanted and o.end_event_id
    }
    answered = {
        each.match_id
        for each in run.recording.asks
        if each is not ask and (each.type, each.sub_type, each.name or None) == wanted
    }
    return ask.position if ended - answered else None
