"""What a process of an audit does: replays one history after another, and ends itself when nobody asks any more."""

from __future__ import annotations

import dataclasses
import gc
import os
import pickle
import signal
import threading
import time
from typing import TYPE_CHECKING, Any

from durable_debug.audits.check import Checked, checked
from durable_debug.audits.pickling import received
from durable_debug.engine.one_core import OneCore
from durable_debug.engine.opened import spare
from durable_debug.engine.read_files import CodeState, ReadFiles, packages
from durable_debug.engine.runners import code_elsewhere, count_lines, ready
from durable_debug.engine.taken_lines import Lines
from durable_debug.engine.taken_lines import new as new_lines
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

    def had(blob: bytes | None, *, counts: bool) -> Any:
        handler = None if blob is None else received(blob)
        if isinstance(handler, dict):
            return {name: made(one, counts=counts) for name, one in handler.items()}
        return None if handler is None else made(handler, counts=counts)

    def made(handler: Any, *, counts: bool) -> Any:
        if job.counts_lines:
            count_lines(handler, options, on=counts)
        return ready(handler, options)

    try:
        against, handler = had(job.against, counts=False), had(job.handler, counts=True)
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
    code = _Code(job, (handler, against), options)
    first = code.state()
    gc.collect()
    gc.freeze()  # what the imports made stays: no need to look at it again
    _answer(answers, first)
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
            code.count(on=not answer.provisional)  # what follows then is the handler compared with
            _answer(answers, answer if answer.provisional else code.noted(answer))


class _Code:
    """What the replays of this process depend on, and which lines they take, as far as the audit asks for that."""

    def __init__(self, job: Job, handlers: tuple[object, ...], options: Options) -> None:
        self._files, self._lines = job.notes_code, job.counts_lines
        self._options = options
        self._read = ReadFiles()
        every = [one for it in handlers for one in (it.values() if isinstance(it, dict) else [it])]
        self._every, self._on = every, True
        self._elsewhere = [one for one in every if isinstance(one, str)]

    def state(self) -> CodeState:
        """Give what is there before the first history."""
        return self._new(packages() if self._files else "")

    def count(self, *, on: bool) -> None:
        """Count lines from now on, or not."""
        if self._lines and on is not self._on:
            self._on = on
            for one in self._every:
                count_lines(one, self._options, on=on)

    def noted(self, answer: Checked) -> Checked:
        """Add what was read and taken for a history."""
        if not (self._files or self._lines):
            return answer
        found = self._new("")
        return dataclasses.replace(answer, files=found.files, lines=found.lines)

    def _new(self, here: str) -> CodeState:
        states = [CodeState(here, self._read.new() if self._files else {}, new_lines())]
        if self._files or self._lines:
            states += [found for one in self._elsewhere if (found := code_elsewhere(one, self._options))]
        lines = Lines()
        for one in states:
            lines.add(one.lines)
        files = {file: digest for one in states for file, digest in one.files.items()}
        return CodeState("".join(one.packages for one in states), files, lines)


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
