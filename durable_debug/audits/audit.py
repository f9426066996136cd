"""Many histories against one handler."""

from __future__ import annotations

import pickle
import sys
import time
import uuid
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Literal, Never, Self

from durable_debug.audits.inputs import Source, gathered
from durable_debug.audits.pickling import sent
from durable_debug.audits.report import Report, Rows
from durable_debug.audits.workers import Batch, Job, dismiss, work
from durable_debug.engine.runners import located
from durable_debug.errors import HandlerError, HistoryError, OptionError
from durable_debug.history import History
from durable_debug.options import NAMES, Options, no_such_body, unknown_options, versions
from durable_debug.spelling import option
from durable_debug.wording import counted

if TYPE_CHECKING:
    import os
    from collections.abc import Callable

    from durable_debug.audits.check import Checked

__all__ = ["audit"]

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
        Paths, glob patterns, folders (their ``*.json`` at any depth), archives, stores, or whatever else `load` takes;
        one or an iterable of them. A path that leads nowhere is an error at once; only if an iterator gives it, it is a
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
        Whether to show a progress bar.
    timeout
        Seconds without a further operation after which one replay is given up; None to wait for ever.
    enter, run, allow, env, python
        As for `replay`.
    sdk
        Version, or line, of the SDK to run them through (see `replay`); of several, each history has a row a version.

    Returns
    -------
    Report
        One row each (``report.frame``), the causes behind them (``report.causes``), ``report.ok``.

    Raises
    ------
    HandlerError
        The handler does not exist, does not import, is not durable or can't be sent to another process.
    HistoryError
        There are no histories.
    OptionError
        An option does not exist, or can't have this value; or `run` names what is in no history.

    Examples
    --------
    >>> report = audit("sample_histories/apps/shipping.py:handler", "sample_histories/shipping_*.json", progress=False)
    >>> report.ok, report.causes[0].divergence.kind, report.causes[0].divergence.line
    (False, 'unexpected', 41)
    """
    start = time.perf_counter()
    unknown_options(
        "audit", unknown, ("against", "n_jobs", "progress", *(name for name in NAMES if name != "invocation"))
    )
    _refuse_what_means_nothing((handler, against), n_jobs)
    given: dict[str, Any] = {
        "run": run,
        "allow": allow,
        "env": env,
        "python": python,
    }  # one or several, a path
    asked = Options(enter=enter, timeout=timeout, **given)
    lines = versions(sdk)
    code, asked = _located(handler, asked)  # here, so that what is unpacked for it is removed again
    before, asked = _located(against, asked)
    found, count = gathered(histories)
    sources: Iterable[Source] = list(found) if len(lines) > 1 else found  # each is read once a version
    job = Job(
        token=uuid.uuid4().hex,
        handler=sent(code),
        against=None if against is None else sent(before),
        path=tuple(sys.path),
        options={},
    )
    rows, fitting = Rows(), _Fitting(asked.run)
    try:
        with _Bar(count and count * len(lines), show=progress) as bar:
            for place, line in enumerate(lines):
                options = {name: getattr(asked, name) for name in NAMES if name != "invocation"} | {
                    "sdk": line
                }
                one = replace(job, token=f"{job.token}-{place}", options=options)
                for index, label, checked in _spread(one, iter(sources), n_jobs):
                    rows.add(index * len(lines) + place, label, checked, line)
                    fitting.add(checked)
                    bar.update(broken=not checked.ok)
    except KeyboardInterrupt:
        done = "" if count is None else f"{len(rows):,} of "
        done += counted(len(rows) if count is None else count, "history", "histories")
        raise KeyboardInterrupt(f"The audit was stopped with {done} done.") from None
    if not len(rows):
        raise HistoryError("There are no histories to audit.", cure="Look at what gives them.")
    fitting.require()
    return rows.report(
        _called(handler), None if against is None else _called(against), time.perf_counter() - start
    )


class _Fitting:
    """Patterns in `run` that have fitted no operation of any history yet."""

    def __init__(self, patterns: tuple[str, ...]) -> None:
        self._left = patterns
        self._names: set[str] = set()

    def add(self, checked: Checked) -> None:
        """Take note of one history; of one that could not be replayed nobody knows."""
        self._left = tuple(one for one in self._left if checked.unfit is not None and one in checked.unfit)
        if self._left:
            self._names.update(checked.names)

    def require(self) -> None:
        """Refuse a pattern that fits nothing in any history."""
        for pattern in self._left:
            raise no_such_body(pattern, self._names)


def _located(handler: object, options: Options) -> tuple[object, Options]:
    """Find the code of a handler, or of handlers by function name."""
    if not isinstance(handler, Mapping):
        return located(handler, options)
    found: dict[Any, object] = {}
    for name, one in handler.items():
        found[name], options = located(one, options)
    return found, options


def _refuse_what_means_nothing(handlers: tuple[object, ...], n_jobs: int | None) -> None:
    if any(isinstance(one, Mapping) and not one for one in handlers):
        raise HandlerError("The mapping of handlers is empty.", cure="Give {'function name': handler}.")
    is_number = isinstance(n_jobs, int) and not isinstance(n_jobs, bool)
    if n_jobs is not None and not (is_number and n_jobs):
        raise OptionError(
            f"{option('n_jobs', n_jobs)} is nobody to do the work.",
            cure="Give 1 or more, or -1 for one per core.",
        )


def _spread(job: Job, sources: Iterator[Source], n_jobs: int | None) -> Iterator[tuple[int, str, Checked]]:
    """Give the work out by joblib, and what comes of it as it comes."""
    import joblib
    from joblib.parallel import get_active_backend

    if n_jobs is None:
        n_jobs = get_active_backend()[1] or -1
    options: dict[str, Any] = {"n_jobs": n_jobs, "batch_size": 1, "prefer": "threads"}
    if get_active_backend(prefer="threads")[0].supports_return_generator:
        options["return_as"] = "generator_unordered"
    batches = _Batches(sources)
    try:
        for answers in joblib.Parallel(**options)(joblib.delayed(work)(job, batch) for batch in batches):
            for index, checked in answers:
                yield index, batches.labels.pop(index), checked
    finally:
        dismiss(job.token)
    if batches.error is not None:
        raise batches.error


class _Batches:
    """Histories by the handful, read as they are asked for: few at first, so that all hands get some of few."""

    def __init__(self, sources: Iterator[Source]) -> None:
        self._sources = sources
        self.labels: dict[int, str] = {}  # of those on their way
        self.error: Exception | None = None  # of the user's iterator; joblib must not meet it

    def __iter__(self) -> Iterator[Batch]:
        batch: Batch = []
        for index, source in enumerate(self._safe()):
            self.labels[index] = source.label
            batch.append((index, _pickled(source.content)))
            if len(batch) >= min(_MOST_AT_ONCE, 1 + index // 16):
                yield batch
                batch = []
        if batch:
            yield batch

    def _safe(self) -> Iterator[Source]:
        try:
            yield from self._sources
        except Exception as error:  # noqa: BLE001 - handed on as it is
            self.error = error


def _pickled(content: object) -> bytes:
    try:
        if callable(getattr(content, "read", None)):
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

            self._bar = tqdm(total=count, unit=" histories", desc="audit")

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
