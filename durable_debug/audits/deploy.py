"""What a deploy does to the executions that are running now: each replayed with the code as it is, and as it would be."""

from __future__ import annotations

import functools
import sys
from collections import Counter
from dataclasses import dataclass, fields, replace
from pathlib import PurePath
from typing import TYPE_CHECKING, Any, Literal, Never

from durable_debug.audits.check import new_findings
from durable_debug.audits.following import followed, is_killed
from durable_debug.audits.guard import Guard, NoPatch, Subject, guard_for
from durable_debug.audits.inputs import gathered
from durable_debug.divergence.run import Run, as_history, replayed
from durable_debug.engine.runners import located
from durable_debug.errors import DurableDebugError, HistoryError
from durable_debug.options import NAMES, Options, unknown_options, versions
from durable_debug.views import view

if TYPE_CHECKING:
    import os
    from collections.abc import Iterable, Mapping

    import pandas as pd

    from durable_debug.divergence.divergence import Divergence
    from durable_debug.engine.ongoing_pass import Call
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
_HARMS = {"killed", "runs_again", "other_values"}
_MOST_ENDED = 20  # executions that have ended, of which it is seen that a guard leaves the new path alone
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
    guard
        A patch of the new code with which all of the running executions go on as before, seen by replaying them and new ones
        with it; None where none is needed, or none holds.
    no_guard
        Why there is none, where one is needed.
    """

    rows: tuple[Fate, ...]
    old: str
    new: str
    ended: int
    guard: Guard | None = None
    no_guard: str = ""

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
    guard: bool = True,
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
    guard
        Whether to look for a patch of the new code that keeps the running executions on the old path, where they need one.

    Returns
    -------
    DeployCheck
        ``rows``, ``frame``, ``counts``, ``ok``, ``guard``, ``report()``.

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
    own = ("sdk", "old_sdk", "enter", "allow", "timeout", "env", "python", "guard")
    unknown_options("deploy_check", unknown, own)
    given: dict[str, Any] = {
        "allow": allow,
        "env": env,
        "python": sys.executable if python is None else python,
    }
    asked = Options(enter=enter, timeout=timeout, **given)
    # Here, so that what is unpacked for them is removed again; each has an environment of its own.
    (old_code, of_old), (new_code, of_new) = located(old, asked), located(new, asked)
    before, now = ({name: getattr(one, name) for name in NAMES} for one in (of_old, of_new))
    before["sdk"] = old_sdk
    lines = versions(sdk)
    after = [now | {"sdk": line} for line in lines]
    rows: list[Fate] = []
    running: list[History] = []
    ended: list[History] = []
    seen = count_ended = 0
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
            count_ended += 1
            ended += [history] if len(ended) < _MOST_ENDED else []
            continue
        running.append(history)
        for options in after:
            rows.append(_fate(source.label, history, (old_code, before), (new_code, options)))
    if not seen:
        raise HistoryError("There are no histories to check.", cure="Look at what gives them.")
    found, why_not = None, ""
    if guard and any(row.fate in _HARMS for row in rows):
        found, why_not = _guard(Subject(old_code, new_code, before, after, running, ended))
    return DeployCheck(tuple(rows), old, new, count_ended, found, why_not)


def _guard(subject: Subject) -> tuple[Guard | None, str]:
    """Look for a guard; or say why there is none."""

    def goes_on(history: History, handler: str, options: Mapping[str, Any]) -> str | None:
        row = _fate("", history, (subject.old, dict(subject.before)), (handler, dict(options)))
        return None if row.fate == "as_before" else row.why or FATES[row.fate]

    try:
        return guard_for(subject, goes_on), ""
    except NoPatch as error:
        return None, error.message
    except DurableDebugError as error:
        return None, f"it can't be tried: {error.message}"


def _fate(
    label: str, history: History, old: tuple[str, dict[str, Any]], new: tuple[str, dict[str, Any]]
) -> Fate:
    line = new[1]["sdk"]
    try:
        run = replayed(new[0], history, Options(**new[1]))
        before = functools.cache(lambda: replayed(old[0], history, Options(**old[1])))
        found = new_findings(run, before)
        if run.status == "FAILED" and run.divergences and not found:
            if before().status == "FAILED":
                raise HistoryError(
                    f"The old code fails over this history, too: {run.divergences[0].message}",
                    cure="Look whether it is an execution of this handler, and of this version of it.",
                )
            found = run.divergences  # what the SDK passed over, and does no more
    except DurableDebugError as error:
        return _untold(label, history, line, error)
    return _told(label, history, line, run, found)


def _told(label: str, history: History, sdk: str | None, run: Run, found: tuple[Divergence, ...]) -> Fate:
    fate, one, call, seen = "as_before", next(iter(found), None), None, None
    if found:
        seen = followed(run)
        felt = next(filter(_is_felt, found), None)
        rerun = next((each for each in found if each.kind == "would_run"), None)
        if seen.is_killed:
            fate, call = "killed", seen.killed
            one = next((each for each in found if each.stops), one)
        elif seen.again is not None or rerun is not None:
            fate, call, one = "runs_again", seen.again, rerun or one
        elif felt is not None:
            fate, one = "other_values", felt
    elif not run.ok and run.divergences == () and run.stopped:
        fate = "unknown"
    base = Fate(label, history.arn, history.name, sdk, fate, None, None, None, "", "", _MOVES[fate])
    if fate in {"as_before", "unknown"} or one is None or seen is None:
        return replace(base, why=run.stopped or "" if fate == "unknown" else "")
    base = replace(base, operation=one.position, file=one.file, line=one.line, why=one.message)
    if call is None or (fate == "killed" and is_killed(run.recording)):
        return replace(base, lambda_effect=one.lambda_effect)
    return replace(base, operation=call.position, lambda_effect=_effect(fate, call, seen.depends(call)))


def _effect(fate: str, call: Call, behind: Call | None) -> str:
    """What Lambda does at a call that it comes to."""
    where = f" ({PurePath(call.place.file).name}:{call.place.line})" if call.place is not None else ""
    if fate == "killed":
        text = call.objection.text if call.objection is not None else ""
        told = f"The execution fails with NonDeterministicExecutionError at operation {call.position}{where}: {text}"
    else:
        told = f"Lambda notices nothing and goes on: {call.deed}{where}, for the second time"
    told = told.rstrip(".") + "."
    if behind is None:
        return told
    name = repr(behind.name) if behind.name else f"operation {behind.position}"
    return f"{told} It comes to that behind {name}, whose answer nobody knows yet: the way there may depend on it."


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
