"""What a replayed handler prints and logs: kept with its run instead of let loose, thread by thread.

While at least one replay runs, `sys.stdout` and `sys.stderr` are stood in for by a switch that passes on what
other threads write, a handler on the root logger takes the log records of the replay's threads, and the SDK's
own log is silent (it writes a traceback for every expected failure). Afterwards all is as it was.
"""

from __future__ import annotations

import logging
import sys
import threading
from typing import TYPE_CHECKING, Any, TextIO

from durable_debug.replay.tape import LogLine

if TYPE_CHECKING:
    from durable_debug.replay.tape import Tape

__all__ = ["begin", "end", "listen"]

_sdk_log = logging.getLogger("aws_durable_execution_sdk_python")
_lock = threading.Lock()
_running = 0
_tapes: dict[int, Tape] = {}  # by thread
_before: tuple[int, TextIO, TextIO] = (logging.NOTSET, sys.stdout, sys.stderr)


class _Switch:
    """A text stream that keeps what replaying threads write and passes the rest on."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        tape = _tapes.get(threading.get_ident())
        if tape is None:
            return self._stream.write(text)
        if text.strip():
            keep(tape, "PRINT", text.rstrip("\n"))
        return len(text)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


class _Handler(logging.Handler):
    def emit(self, record: logging.LogRecord) -> None:
        tape = _tapes.get(threading.get_ident())
        if tape is not None:
            keep(tape, record.levelname, record.getMessage())


_handler = _Handler()


def keep(tape: Tape, level: str, message: str, *, replayed: bool = False) -> None:
    """Keep a line with the operation after which it came."""
    tape.logs.append(LogLine(level, message, len(tape.asks) - 1, replayed))


def listen(tape: Tape) -> None:
    """Take what this thread writes for the tape's."""
    _tapes[threading.get_ident()] = tape


def begin() -> None:
    """One more replay is running."""
    global _running, _before  # noqa: PLW0603 - the process has one of each stream
    with _lock:
        if _running == 0:
            _before = (_sdk_log.level, sys.stdout, sys.stderr)
            sys.stdout, sys.stderr = _Switch(sys.stdout), _Switch(sys.stderr)
            _sdk_log.setLevel(logging.CRITICAL + 1)
            logging.getLogger().addHandler(_handler)
        _running += 1


def end(tape: Tape) -> None:
    """One replay less."""
    global _running  # noqa: PLW0603
    with _lock:
        for ident in tape.threads:
            _tapes.pop(ident, None)
        _running -= 1
        if _running == 0:
            level, out, err = _before
            if isinstance(sys.stdout, _Switch):
                sys.stdout = out
            if isinstance(sys.stderr, _Switch):
                sys.stderr = err
            _sdk_log.setLevel(level)
            logging.getLogger().removeHandler(_handler)
