"""One history of an audit: replayed, and what is kept of that."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from durable_debug.divergence.divergence import Divergence
from durable_debug.divergence.run import Run, as_history, names_in, replayed
from durable_debug.engine.taken_lines import Lines
from durable_debug.errors import DurableDebugError, HandlerError, HistoryError
from durable_debug.options import Options, fit_nothing

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import datetime

    from durable_debug.engine.places import Place
    from durable_debug.history import History

__all__ = ["OBSTACLES", "Checked", "checked", "obstacle"]

_MOST_NAMES = 200  # of one history, to tell what may have been meant
_MOST_FINDINGS = 100  # of one history; all of them are in its own `replay`

# What keeps a history from being compared: a finding too, though no divergence. kind -> advice where the error has none
OBSTACLES = {
    "unreadable": "Fetch the history again, with execution data.",
    "no_handler": "Name the handler of this function.",
    "other_function": "Name the function's own handler, or leave out its histories.",
    "ended_early": "Replay this history alone and look at where it ends.",
    "hung": "Replay this history alone, in the debugger, and look at where it stands.",
    "crashed": "Replay this history alone, in a process of its own: something in the handler ends the process.",
}


@dataclass(frozen=True, slots=True)
class Checked:
    """What one history showed: plain data, that travels between processes.

    Attributes
    ----------
    status
        Of the replay; None where there was none.
    ok
        Whether it replayed clean (or, compared with another handler, shows nothing new).
    findings
        Divergences, and what kept the history from being compared (a kind of `OBSTACLES`).
    known
        Divergences that the other handler, compared with, has as well.
    no_baseline
        Why the other handler could not be compared with; None where it could, or nothing had to be compared.
    provisional
        Whether this is before comparing with the other handler; what comes of that follows.
    redacted
        Whether its values are placeholders, which are compared by their form.
    unfit
        Patterns in `run` that fit no operation; None where that is not known.
    names
        Names of operations, where a pattern fits none.
    version
        Of the function.
    started
        When the execution began, in UTC.
    files
        By file of the user's that was read for it for the first time, what stands for its content; where the audit asks.
    lines
        Lines of the user's that were taken for the first time by its process; where the audit counts them.
    """

    arn: str | None = None
    name: str | None = None
    function: str | None = None
    recorded_status: str | None = None
    status: str | None = None
    ok: bool = False
    findings: tuple[Divergence, ...] = ()
    divergences: int = 0
    known: int = 0
    no_baseline: str | None = None
    provisional: bool = False
    redacted: bool = False
    unfit: tuple[str, ...] | None = None
    names: tuple[str, ...] = ()
    seconds: float = 0.0
    version: str | None = None
    started: datetime | None = None
    files: Mapping[str, str] = field(default_factory=dict)
    lines: Lines = field(default_factory=Lines)

    @property
    def hung(self) -> bool:
        """Whether a handler never ended: its threads may still be there."""
        return any(one.kind == "hung" for one in self.findings) or (self.no_baseline or "").startswith("hung")


def checked(
    content: object, handler: object, against: object | None, options: Mapping[str, Any]
) -> Iterator[Checked]:
    """Replay one history; where it is to be compared, give what the handler does before the other one is replayed.

    The other one may end this process.

    Parameters
    ----------
    content
        What `load` takes.
    handler
        A handler, or handlers by function name.
    against
        The handler to compare with: only what `handler` does otherwise than this one counts.
    options
        Those of `replay`.
    """
    start = time.perf_counter()
    found = Checked()
    try:
        if isinstance(content, HistoryError):  # reading it failed on the way here
            raise content  # noqa: TRY301
        history = as_history(content)
        found = Checked(
            arn=history.arn,
            name=history.name,
            function=history.function_name,
            recorded_status=history.status,
            redacted=history.redacted is not None,
            version=history.version,
            started=history.started,
        )
        run = replayed(_handler_of(history, handler), history, Options(**options))
        findings = _whose(run) or _findings(run)
        found = replace(found, status=run.status, **_counted(findings))
        if options.get("run"):
            names = names_in(run)
            unfit = fit_nothing(options["run"], names)
            found = replace(
                found, unfit=unfit, names=tuple(sorted(names - {""}))[:_MOST_NAMES] if unfit else ()
            )
        if findings and against is not None:
            yield replace(found, provisional=True, seconds=time.perf_counter() - start)
            found = replace(found, **_compared(run, history, against, options))
    except HistoryError as error:
        found = replace(found, findings=(obstacle("unreadable", error.message, error.cure),))
    except HandlerError as error:
        found = replace(found, findings=(obstacle("no_handler", error.message, error.cure),))
    except Exception as error:  # noqa: BLE001 - a row, not the end of the audit
        found = replace(found, findings=(obstacle("crashed", f"{type(error).__name__}: {error}"),))
    yield replace(found, seconds=time.perf_counter() - start)


def obstacle(kind: str, message: str, cure: str = "", place: Place | None = None) -> Divergence:
    """Make a finding of what keeps a history from being compared."""
    return Divergence(kind, "error", place=place, told=(message, cure or OBSTACLES[kind]))


def _handler_of(history: History, handler: object) -> object:
    if not isinstance(handler, Mapping):
        return handler
    name = history.function_name
    if name is None:
        raise HandlerError(
            "The history does not say which function it is of.", cure="Give its ARN, or one handler for all."
        )
    if name not in handler:
        raise HandlerError(
            f"There is no handler for the function {name!r}.",
            cure=f"Those given are for {', '.join(map(repr, handler))}.",
        )
    return handler[name]


def _counted(findings: tuple[Divergence, ...]) -> dict[str, Any]:
    return {
        "ok": not findings,
        "findings": findings[:_MOST_FINDINGS],
        "divergences": sum(1 for one in findings if one.kind not in OBSTACLES),
    }


def _compared(run: Run, history: History, against: object, options: Mapping[str, Any]) -> dict[str, Any]:
    """Leave out what the other handler does too; without a baseline, nothing.

    Where the history is the other handler's own, what the new one does counts, however little of it that asks for.
    """
    try:
        its = replayed(_handler_of(history, against), history, Options(**options))
        before = _findings(its)
    except DurableDebugError as error:
        return {"no_baseline": str(error)}
    except Exception as error:  # noqa: BLE001 - of the other handler
        return {"no_baseline": f"crashed: {type(error).__name__}: {error}"}
    lost = next((one for one in before if one.kind in OBSTACLES), None)
    if lost is not None:
        return {"no_baseline": f"{lost.kind}: {lost.message}"}
    findings = _findings(run)
    new = _left(findings, before)
    known = len(findings) - len(new)
    return {**_counted((new and its.other_function and _whose(run)) or new), "known": known}


def new_findings(run: Run, before: Callable[[], Run]) -> tuple[Divergence, ...]:
    """What a run does otherwise that another handler's run over the same history does not.

    Parameters
    ----------
    before
        Replays with the other handler; asked for only where there is something to leave out.
    """
    findings = _findings(run)
    return _left(findings, _findings(before())) if findings else ()


def _left(findings: tuple[Divergence, ...], before: tuple[Divergence, ...]) -> tuple[Divergence, ...]:
    signatures = {_signature(one) for one in before}
    known = [one for one in findings if _signature(one) in signatures]
    return tuple(one for one in findings if one not in known and not _only_follows(one, known))


def _only_follows(one: Divergence, known: list[Divergence]) -> bool:
    """Whether it is how the execution ends, but Lambda never comes to that: something known stops it before."""
    ends = one.kind in {"result", "error", "outcome"} and not one.reached
    return ends and any(it.stops or it.kind == "would_run" for it in known)


def _whose(run: Run) -> tuple[Divergence, ...]:
    """That a history is of another function: what else differs says nothing then."""
    other = run.other_function
    if other is None:
        return ()
    raised = run.complete.raised
    place = raised.place if raised is not None and other.ended else None
    return (Divergence("other_function", "error", sides=(other, None), place=place),)


def _findings(run: Run) -> tuple[Divergence, ...]:
    halt = run.recording.halt
    if halt is not None and halt.kind == "timeout":  # each further pass would take as long
        return (obstacle("hung", _sentence(halt.message), place=_place(run)),)
    if run.ok or run.divergences:
        return run.divergences
    return (obstacle("ended_early", _sentence(run.stopped or "the replay ended early"), place=_place(run)),)


def _place(run: Run) -> Place | None:
    """The line of the last operation that was asked for."""
    halt = run.recording.halt
    call = (
        halt.call if halt is not None and halt.call is not None else next(reversed(run.recording.calls), None)
    )
    return call.place if call is not None else None


def _signature(one: Divergence) -> tuple[object, ...]:
    """What makes two divergences of two handlers the same, wherever they stand in the code."""
    return (
        one.kind,
        one.recorded_position,
        one.signature,
        one.told,
    )


def _sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}."
