"""What a replayed handler prints and logs: kept with its run instead of let loose, thread by thread.

While at least one replay runs, `sys.stdout` and `sys.stderr` are stood in for by a switch that passes on what
other threads write, the standard loggers give the records of the replay's threads to the run instead of to their
handlers, and the SDK's own log is silent (it writes a traceback for every expected failure). Afterwards all is as
it was.
"""

from __future__ import annotations

import contextlib
import functools
import logging
import sys
import threading
from typing import TYPE_CHECKING, Any, TextIO

from durable_debug.engine.ongoing_pass import LogLine

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from durable_debug.engine.ongoing_pass import OngoingPass

__all__ = ["attach", "install", "keep", "remove", "sdk_silent"]

_MOST_LINES = 10_000
_LONGEST_LINE = 10_000

_SDK = "aws_durable_execution_sdk_python."  # of the logger itself and those below it
_lock = threading.Lock()
_running: set[OngoingPass] = set()
# Printed without the end of a line, so far, and into which stream: what comes from elsewhere begins a line of its own.
_partial: dict[OngoingPass, tuple[str, str]] = {}
_before: tuple[TextIO, TextIO] = (sys.stdout, sys.stderr)
_silenced: list[logging.Logger] = []
_call_handlers = logging.Logger.callHandlers


class _Here(threading.local):
    ongoing: OngoingPass | None = None


_here = _Here()


class _Switch:
    """A text stream that keeps what replaying threads write and passes the rest on."""

    def __init__(self, stream: TextIO, name: str) -> None:
        self._stream = stream
        self._name = name

    def write(self, text: str) -> int:
        ongoing = _here.ongoing
        if ongoing is None:
            return self._stream.write(text)
        if ongoing in _partial and _partial[ongoing][0] != self._name:
            _end_line(ongoing)
        _, begun = _partial.pop(ongoing, ("", ""))
        *lines, rest = (begun + text).split("\n")
        for line in lines:
            keep(ongoing, "PRINT", line)
        if rest:
            _partial[ongoing] = self._name, rest[:_LONGEST_LINE]
        return len(text)

    def writelines(self, lines: Iterable[str]) -> None:
        for line in lines:
            self.write(line)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


def _call_handlers_elsewhere(logger: logging.Logger, record: logging.LogRecord) -> None:
    ongoing = _here.ongoing
    if ongoing is None:
        _call_handlers(logger, record)
        return
    try:
        message = record.getMessage()
    except Exception:  # noqa: BLE001 - arguments that do not fit, as `logging` itself lets pass
        message = f"{record.msg} {record.args}"
    keep(ongoing, record.levelname, message)


def _end_line(ongoing: OngoingPass) -> None:
    """Keep what was printed without the end of a line."""
    _, begun = _partial.pop(ongoing, ("", ""))
    if begun:
        keep(ongoing, "PRINT", begun)


def keep(ongoing: OngoingPass, level: str, message: str, *, replayed: bool = False) -> None:
    """Keep a line with the operation after which it came; of very many, the first."""
    if level != "PRINT":
        _end_line(ongoing)
    if len(ongoing.seen.logs) == _MOST_LINES:
        message, level = f"The first {_MOST_LINES} lines are kept.", "WARNING"
    if len(ongoing.seen.logs) > _MOST_LINES:
        return
    if len(message) > _LONGEST_LINE:
        message = message[: _LONGEST_LINE - 1] + "…"
    ongoing.seen.logs.append(LogLine(level, message, len(ongoing.seen.calls) - 1, replayed))


def attach(ongoing: OngoingPass) -> None:
    """Take what this thread writes from now on for the pass's."""
    _here.ongoing = ongoing


def install(ongoing: OngoingPass) -> None:
    """One more replay is running."""
    global _before  # noqa: PLW0603 - the process has one of each stream
    with _lock:
        out, err = _bare(sys.stdout), _bare(sys.stderr)  # maybe others than when the first replay began
        sys.stdout, sys.stderr = _Switch(out, "out"), _Switch(err, "err")
        _before = (out, err)
        if not _running:
            _silence()
            logging.Logger.callHandlers = _call_handlers_elsewhere  # type: ignore[assignment]
        _running.add(ongoing)


def remove(ongoing: OngoingPass) -> None:
    """One replay less; also one that can't be ended, so that what it writes from now on is lost."""
    _end_line(ongoing)
    with _lock:
        if ongoing not in _running:
            return
        _running.remove(ongoing)
        if not _running:
            out, err = _before
            if isinstance(sys.stdout, _Switch):
                sys.stdout = out
            if isinstance(sys.stderr, _Switch):
                sys.stderr = err
            for logger in _silenced:
                logger.disabled = False
            logging.Logger.callHandlers = _call_handlers  # type: ignore[method-assign]


@functools.cache
def _sdk_loggers() -> tuple[logging.Logger, ...]:
    known = logging.Logger.manager.loggerDict.items()
    return tuple(
        one for name, one in known if f"{name}.".startswith(_SDK) and isinstance(one, logging.Logger)
    )


def _silence() -> None:
    """Switch the SDK's loggers off, one by one: a new level for all makes every logger of the process ask anew."""
    _silenced[:] = [logger for logger in _sdk_loggers() if not logger.disabled]
    for logger in _silenced:
        logger.disabled = True


@contextlib.contextmanager
def sdk_silent() -> Iterator[None]:
    """While the SDK reads or writes what it may not be able to: it would log a traceback."""
    mine = [logger for logger in _sdk_loggers() if not logger.disabled]
    for logger in mine:
        logger.disabled = True
    try:
        yield
    finally:
        for logger in mine:
            logger.disabled = False


def _bare(stream: TextIO) -> TextIO:
    """Give the stream itself, should somebody have kept our stand-in and put it back."""
    return stream._stream if isinstance(stream, _Switch) else stream  # noqa: SLF001
