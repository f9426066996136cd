"""Many histories against one handler."""

from __future__ import annotations

import contextlib
import hashlib
import os
import pickle
import time
import uuid
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Literal, Never, Self

from durable_debug.audits.baseline import Baseline
from durable_debug.audits.coverage import Coverage, require_coverage
from durable_debug.audits.gathering import Answer, Asked, Gathering
from durable_debug.audits.inputs import Source, gathered
from durable_debug.audits.journal import Journal
from durable_debug.audits.levels import Levels
from durable_debug.audits.pickling import received, sent
from durable_debug.audits.report import Interrupted, Report
from durable_debug.audits.selection import Chooser
from durable_debug.audits.workers import Batch, Job, code_of, dismiss, work
from durable_debug.divergence.swapped import refuse_swapped
from durable_debug.engine.handler_names import Named
from durable_debug.engine.process_modules import own_path
from durable_debug.engine.runners import found_once
from durable_debug.errors import HandlerError, HistoryError, OptionError
from durable_debug.history import History
from durable_debug.options import NAMES, Options, unknown_options, versions
from durable_debug.sources import Member
from durable_debug.spelling import option
from durable_debug.wording import counted

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime, timedelta

    from durable_debug.engine.read_files import CodeState

__all__ = ["audit"]

_OWN = (
    *("against", "n_jobs", "progress", "status", "since", "function", "function_version", "sample"),
    *("fail_on_empty", "baseline", "update_baseline", "levels", "resume", "coverage"),
)
_MOST_AT_ONCE = 32  # histories that travel together


def audit(  # noqa: PLR0913
    handler: object,
    histories: object,
    *,
    against: object | None = None,
    n_jobs: int | None = None,
    progress: bool = True,
    timeout: float | None = 60.0,
    enter: bool = True,
    run: str | Iterable[str] = (),
    allow: str | Iterable[str] = (),
    env: Mapping[str, str] | None = None,
    python: str | os.PathLike[str] | Literal[False] | None = None,
    sdk: str | Iterable[str] | None = None,
    resume: str | os.PathLike[str] | None = None,
    coverage: bool = False,
    status: str | Iterable[str] | None = None,
    since: str | datetime | timedelta | None = None,
    function: str | Iterable[str] | None = None,
    function_version: str | Iterable[str] | None = None,
    sample: int | None = None,
    fail_on_empty: bool = False,
    baseline: str | os.PathLike[str] | None = None,
    update_baseline: bool = False,
    levels: Mapping[str, str] | None = None,
    **unknown: Never,
) -> Report:
    """Replay many histories, and say which no longer do what they did, where, and for how many causes.

    Each is replayed as by `replay`, in processes of their own: one that hangs, ends its process or can't be read is
    a row of the report and not the end of the audit.

    Parameters
    ----------
    handler
        As for `replay`; or a mapping from function name to handler, for histories of several functions (told by
        their ARNs).
    histories
        Paths, glob patterns, folders (their ``*.json`` at any depth), archives, files of JSON lines, stores, a frame of
        `executions`, or whatever else `load` takes; one or an iterable of them. They are read one at a time. A path that leads nowhere is an error at once; only if an iterator gives it, it is a
        row. An iterator is never held in memory as a whole; it may be advanced from another thread than this.
    against
        The handler as it was before a change (or a mapping). What it does otherwise than a history is left out, so
        that the report shows which executions the change breaks, and only by what changed. Where it hangs, ends its
        process or can't be replayed, nothing is left out, and the row says so (``no_baseline``).
    n_jobs
        How many at a time: joblib's meaning. By default what `joblib.parallel_config` says, or one per core. With
        ``joblib.parallel_config(backend="dask")`` (or another cluster's) around the call, the work is done there,
        where this package must be installed.
    progress
        Whether to show a progress bar, with the rate and the time left, where somebody looks.
    timeout
        Seconds without a further operation after which one replay is given up; None to wait for ever.
    enter, run, allow, env, python
        As for `replay`.
    sdk
        Version, or line, of the SDK to run them through (see `replay`); of several, each history has a row a version.
    resume
        A file that each history is written down in as it is done, made where it is not there. The same audit with the same
        file replays only what is new or has changed: after an interrupt, or the night after. When the code or its packages
        have changed, all is replayed anew; a file of another handler, or of other options, is refused. With a baseline, what
        is not clean is replayed again, to be held against it.
    coverage
        Whether to note which lines of the user's code the executions took: ``report.coverage``. It needs coverage.py, and
        half as much time again.
    status, since
        Only these executions, as for `fetch`. ``status="RUNNING"`` for a deploy: what has ended can't be broken any more.
    function, function_version
        Only those of functions, or versions, whose names fit: globs. What a record does not say keeps nothing out.
    sample
        Only so many of those that fit: always the same ones, by the names of the executions.
    fail_on_empty
        Whether it is an error if these leave nothing to audit, or a fetched folder is empty.
    baseline
        File of the divergences that are accepted: they are told as such, and `Report.ok` does not mind them.
    update_baseline
        Whether to accept what is found, and write it there.
    levels
        How much a kind of divergence counts: ``{"wait_duration": "off"}``; by default what the nearest `pyproject.toml` that
        has a table ``[tool.durable_debug.levels]`` says, from the handler's folder upwards.

    Returns
    -------
    Report
        One row each (``report.frame``), the causes behind them (``report.causes``), ``report.ok``.

    Raises
    ------
    HandlerError
        The handler does not exist, does not import, is not durable or can't be sent to another process.
    HistoryError
        There are no histories; with `fail_on_empty`, none was left.
    OptionError
        An option does not exist, or can't have this value; `run` names what is in no history; the baseline or the levels
        can't be read; or the file to resume from is of another audit.
    Interrupted
        A KeyboardInterrupt, with the report so far as its ``report``.

    Examples
    --------
    >>> report = audit("sample_histories/apps/shipping.py:handler", "sample_histories/shipping_*.json", progress=False)
    >>> report.ok, report.causes[0].divergence.kind, report.causes[0].divergence.line
    (False, 'unexpected', 41)
    """
    start = time.perf_counter()
    unknown_options("audit", unknown, (*_OWN, *(name for name in NAMES if name != "invocation")))
    _refuse_what_means_nothing((handler, against), n_jobs)
    refuse_swapped(handler, histories, "audit")
    given: dict[str, Any] = {
        "run": run,
        "allow": allow,
        "env": env,
        "python": python,
    }  # one or several, a path
    asked = Options(enter=enter, timeout=timeout, **given)
    chooser = Chooser(
        status=status, since=since, function=function, function_version=function_version, sample=sample
    )
    accepted, weights = Baseline(baseline, update=update_baseline), Levels.of(levels, handler)
    lines = versions(sdk)
    if coverage:
        require_coverage()
    code, before = (
        _found(handler),
        _found(against),
    )  # here, so that what is unpacked for them is removed again
    found, count = chooser.chosen(*gathered(histories))
    sources: Iterable[Source] = list(found) if len(lines) > 1 else found  # each is read once a version
    job = Job(
        token=uuid.uuid4().hex,
        handler=sent(code),
        against=None if against is None else sent(before),
        path=tuple(own_path()),
        options={},
        notes_code=resume is not None,
        counts_lines=coverage,
    )
    gathering = Gathering(len(lines), asked.run, accepted)
    names = _called(handler), None if against is None else _called(against)

    def reported(*notes: str) -> Report:
        rows, causes = gathering.rows.told()
        seconds = time.perf_counter() - start
        told = (*gathering.remarks(), *notes)
        taken = Coverage(gathering.lines) if coverage else None
        report = Report(rows, causes, *names, seconds, gathering.rows.tally, told, taken)
        return replace(report.weighed(weights), selection=chooser.selection(len(rows) // len(lines)))

    with contextlib.ExitStack() as closing:
        try:
            if resume is not None or coverage:
                first = replace(job, token=f"{job.token}-0", options=_of(asked, lines[0]))
                closing.callback(dismiss, first.token)
                code = code_of(first)
                journal = None
                if resume is not None:
                    about = _about(names, asked, lines, coverage=coverage)
                    journal = closing.enter_context(_journal(resume, about, first, code))
                gathering.begin(code, journal)
            gathering.bar = closing.enter_context(_Bar(count and count * len(lines), show=progress))
            for place, line in enumerate(lines):
                one = replace(job, token=f"{job.token}-{place}", options=_of(asked, line))
                for answer in _spread(one, gathering.left(iter(sources), place, line), n_jobs):
                    gathering.take(answer)
        except KeyboardInterrupt:
            stopped, cure = _stopped(len(gathering.rows), count, resume)
            raise Interrupted(f"{stopped} {cure}", reported(stopped)) from None
    report = reported()
    if report.rows:
        gathering.fitting.require()
    else:
        _require_reason(report, histories, fail_on_empty=fail_on_empty)
    return replace(report, acceptance=accepted.done(partial=not chooser.idle or against is not None))


def _stopped(done: int, count: int | None, resume: object) -> tuple[str, str]:
    """Tell how far an audit came that was stopped, and how the next one goes on."""
    of = f"{done:,} of " if count is not None else ""
    histories = counted(done if count is None else count, "history", "histories")
    cure = (
        f"Start it again to go on from {resume}."
        if resume is not None
        else "Name a file to resume from, and the next one goes on where it was stopped."
    )
    return f"The audit was stopped with {of}{histories} done.", cure


def _require_reason(report: Report, histories: object, *, fail_on_empty: bool) -> None:
    """Refuse that nothing was audited, unless all was left out, or a fetched folder is empty."""
    if report.selection is not None and report.selection.found:
        if fail_on_empty:
            raise HistoryError(f"Nothing was audited. {report.selection}", cure="Look at what chooses them.")
    elif fail_on_empty or not _is_folder(histories):
        raise HistoryError("There are no histories to audit.", cure="Look at what gives them.")


def _is_folder(histories: object) -> bool:
    """Whether paths were named, of which nothing came: folders into which nothing was fetched."""
    several = histories if isinstance(histories, list | tuple) else [histories]
    return bool(several) and all(isinstance(one, str | os.PathLike) for one in several)


def _of(asked: Options, line: str | None) -> dict[str, Any]:
    return {name: getattr(asked, name) for name in NAMES if name != "invocation"} | {"sdk": line}


def _about(
    names: tuple[str, str | None], asked: Options, lines: tuple[str | None, ...], *, coverage: bool
) -> dict[str, Any]:
    """What a file to resume from is of."""
    options = {name: value for name, value in _of(asked, None).items() if name not in {"sdk", "timeout"}}
    return {"handler": names[0], "against": names[1], "sdk": list(lines), **options, "coverage": coverage}


def _journal(path: str | os.PathLike[str], about: dict[str, Any], job: Job, code: CodeState) -> Journal:
    """Open the file to resume from."""
    blobs = [blob for blob in (job.handler, job.against) if blob is not None]
    handlers = [received(blob) for blob in blobs]
    texts = [one.text if isinstance(one, Named) else one for one in handlers]
    roots = [os.path.dirname(one.rpartition(":")[0]) for one in texts if isinstance(one, str)]  # noqa: PTH120
    if not all(
        isinstance(one, str) for one in handlers
    ):  # functions are what they are, whatever file they are from
        digests = [hashlib.blake2b(blob, digest_size=16).hexdigest() for blob in blobs]
        code = replace(code, packages=code.packages + "".join(digests))
    return Journal(path, about, code, tuple(root for root in roots if os.path.isabs(root)))  # noqa: PTH117


def _found(handler: object) -> object:
    """Find the code of a handler, or of handlers by function name."""
    if not isinstance(handler, Mapping):
        return found_once(handler)
    return {name: found_once(one) for name, one in handler.items()}


def _refuse_what_means_nothing(handlers: tuple[object, ...], n_jobs: int | None) -> None:
    if any(isinstance(one, Mapping) and not one for one in handlers):
        raise HandlerError("The mapping of handlers is empty.", cure="Give {'function name': handler}.")
    is_number = isinstance(n_jobs, int) and not isinstance(n_jobs, bool)
    if n_jobs is not None and not (is_number and n_jobs):
        raise OptionError(
            f"{option('n_jobs', n_jobs)} is nobody to do the work.",
            cure="Give 1 or more, or -1 for one per core.",
        )


def _spread(job: Job, asked: Iterator[Asked], n_jobs: int | None) -> Iterator[Answer]:
    """Give the work out by joblib, and what comes of it as it comes."""
    import joblib
    from joblib.parallel import get_active_backend

    if n_jobs is None:
        n_jobs = get_active_backend()[1] or -1
    options: dict[str, Any] = {"n_jobs": n_jobs, "batch_size": 1, "prefer": "threads"}
    if get_active_backend(prefer="threads")[0].supports_return_generator:
        options["return_as"] = "generator_unordered"
    batches = _Batches(asked)
    try:
        for answers in joblib.Parallel(**options)(joblib.delayed(work)(job, batch) for batch in batches):
            for number, checked in answers:
                yield Answer(batches.under_way.pop(number), checked)
    finally:
        dismiss(job.token)
    if batches.error is not None:
        raise batches.error


class _Batches:
    """Histories by the handful, read as they are asked for: few at first, so that all hands get some of few."""

    def __init__(self, asked: Iterator[Asked]) -> None:
        self._asked = asked
        self.under_way: dict[int, Asked] = {}
        self.error: Exception | None = None  # of the user's iterator; joblib must not meet it

    def __iter__(self) -> Iterator[Batch]:
        batch: Batch = []
        for number, asked in enumerate(self._safe()):
            batch.append((number, _pickled(asked.source.content)))
            self.under_way[number] = replace(asked, source=replace(asked.source, content=None))
            if len(batch) >= min(_MOST_AT_ONCE, 1 + number // 16):
                yield batch
                batch = []
        if batch:
            yield batch

    def _safe(self) -> Iterator[Asked]:
        try:
            yield from self._asked
        except Exception as error:  # noqa: BLE001 - handed on as it is
            self.error = error


def _pickled(content: object) -> bytes:
    try:
        if callable(getattr(content, "read", None)) and not isinstance(content, Member):
            content = content.read()  # type: ignore[attr-defined]
            content = content.encode() if isinstance(content, str) else content
        return pickle.dumps(content, pickle.HIGHEST_PROTOCOL)
    except Exception as error:  # noqa: BLE001 - a row, not the end of the audit
        if isinstance(content, History):  # where it came from can't travel
            return pickle.dumps({"DurableExecutionArn": content.arn, "Events": list(content.raw)})
        what = f"A {type(content).__name__} can't be read as a history: {error!s:.200}."
        return pickle.dumps(HistoryError(what, cure="Give paths, documents or histories."))


class _Bar:
    """A progress bar, in a terminal or a notebook."""

    def __init__(self, count: int | None, *, show: bool) -> None:
        self._broken = 0
        self._bar: Any = None
        if show:
            from tqdm.auto import tqdm

            self._bar = tqdm(
                total=count,
                unit=" histories",
                desc="audit",
                smoothing=0.05,
                mininterval=0.5,
                dynamic_ncols=True,
                disable=None,  # where nobody looks
            )

    def __enter__(self) -> Self:
        return self

    def update(self, *, broken: bool) -> None:
        """One more."""
        if self._bar is not None:
            self._broken += broken
            if broken:
                self._bar.set_postfix(diverge=self._broken, refresh=False)
            self._bar.update()

    def __exit__(self, *_: object) -> None:
        if self._bar is not None:
            self._bar.close()


def _called(handler: object) -> str:
    if isinstance(handler, Mapping):
        return f"handlers of {counted(len(handler), 'function')}"
    if isinstance(handler, str):
        return handler
    found: Callable[..., Any] | Any = handler
    return str(getattr(found, "__qualname__", None) or type(found).__qualname__)
