"""What a process of an audit does: replays one history after another, and ends itself when nobody asks any more."""

from __future__ import annotations

import gc
import os
import pickle
import signal
import threading
import time
from typing import TYPE_CHECKING, Any

from durable_debug.audits.check import checked
from durable_debug.audits.pickling import received
from durable_debug.engine.one_core import OneCore
from durable_debug.engine.opened import spare
from durable_debug.engine.runners import ready
from durable_debug.errors import DurableDebugError, HandlerError
from durable_debug.options import Options

if TYPE_CHECKING:
    from durable_debug.audits.workers import Job

__all__ = ["serve"]

_IDLE_SECONDS = 20.0  # after which a process with nothing to do ends itself


def serve() -> None:
    """Answer, until there are no more questions. Runs as the main thread of a process of its own."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # whoever started us ends us
    questions, answers = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    spare(answers.fileno())
    nothing = os.open(os.devnull, os.O_RDWR)
    os.dup2(nothing, 0)
    os.dup2(nothing, 1)  # what the user's code prints from C must not come between

    job: Job = pickle.load(questions)  # noqa: S301 - from the process that started us

    options = Options(**job.options)

    def had(blob: bytes | None) -> Any:
        handler = None if blob is None else received(blob)
        if isinstance(handler, dict):
            return {name: ready(one, options) for name, one in handler.items()}
        return None if handler is None else ready(handler, options)

    try:
        handler, against = had(job.handler), had(job.against)
    except DurableDebugError as error:
        _answer(answers, error)
        return
    except Exception as error:  # noqa: BLE001 - whatever unpickling it runs
        _answer(
            answers,
            HandlerError(
                f"The handler can't be had in another process: {type(error).__name__}: {error}.",
                cure="Its module must be importable there; or put it in a file: 'path/to/app.py:handler'.",
            ),
        )
        return
    gc.collect()
    gc.freeze()  # what the imports made stays: no need to look at it again
    _answer(answers, None)
    leisure, core = _Leisure(), OneCore()
    while True:
        core.stay()
        leisure.begin()
        try:
            content = pickle.load(questions)  # noqa: S301
        except EOFError:
            os._exit(0)  # threads of the user's code may never end
        leisure.over()
        for answer in checked(content, handler, against, job.options):
            _answer(answers, answer)


class _Leisure:
    """Ends the process when it has had nothing to do for long: nobody may be there any more to end it."""

    def __init__(self) -> None:
        self._since: float | None = None
        threading.Thread(target=self._watch, daemon=True).start()

    def begin(self) -> None:
        self._since = time.monotonic()

    def over(self) -> None:
        self._since = None

    def _watch(self) -> None:
        while True:
            time.sleep(1)
            since = self._since
            if since is not None and time.monotonic() - since > _IDLE_SECONDS:
                os._exit(0)


def _answer(answers: Any, answer: object) -> None:
    pickle.dump(answer, answers, pickle.HIGHEST_PROTOCOL)
    answers.flush()
