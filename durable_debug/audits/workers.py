"""Processes that replay one history after another, and that may hang or die over it.

User code is replayed in a process of its own, started and watched from wherever `work` is called: in a thread of this
process, or in a worker of a cluster, which hosts it like anything else. So a history that never ends, or ends its
process, costs that process only, on every kind of cluster alike.
"""

from __future__ import annotations

import contextlib
import os
import pickle
import subprocess
import sys
import tempfile
import threading
import time
from collections import defaultdict, deque
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from durable_debug.audits.check import Checked, obstacle
from durable_debug.engine.process_modules import own_path
from durable_debug.errors import DurableDebugError, HandlerError
from durable_debug.spelling import passed_on

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from durable_debug.engine.read_files import CodeState

__all__ = ["Batch", "Job", "code_of", "dismiss", "work"]

Batch = list[tuple[int, bytes]]  # the number of a history, and what `load` takes, pickled

_START_SECONDS = 120.0  # for importing the SDK and the handler
_SMALL = 32_768  # bytes that a pipe takes at once
_BOOT = (
    "import sys; sys.path[:] = eval(sys.argv[1]); from durable_debug.audits.worker_main import serve; serve()"
)


@dataclass(frozen=True, slots=True)
class Job:
    """What each process of an audit must know.

    Attributes
    ----------
    token
        Names the audit.
    handler, against
        As `sent` gives them.
    path
        Where modules are imported from.
    options
        Those of `replay`.
    notes_code
        Whether to tell which files of the user's were read.
    counts_lines
        Whether to tell which lines were taken.
    """

    token: str
    handler: bytes
    against: bytes | None
    path: tuple[str, ...]
    options: dict[str, Any]
    notes_code: bool = False
    counts_lines: bool = False

    @property
    def limit(self) -> float | None:
        """Seconds after which a process that gives no answer is ended: the replay's own limit had its chance."""
        timeout = self.options.get("timeout")
        return None if timeout is None else 2 * timeout + 2


class Ended(Exception):  # noqa: N818 - the end of a process
    """The process is gone."""

    def __init__(self, message: str, *, overdue: bool) -> None:
        super().__init__(message)
        self.overdue = overdue

    def told(self, limit: float | None) -> tuple[str, str]:
        """Give the kind of obstacle that this is, and a sentence."""
        if self.overdue:
            return "hung", f"The replay gave no answer for {limit:g} s."
        return "crashed", f"The replay ended its process ({self})."


class Hand:
    """One process."""

    def __init__(self, job: Job) -> None:
        self.fresh = True
        self._limit = job.limit
        self._deadline: float | None = None
        self._overdue = False
        self._complaints = tempfile.TemporaryFile()  # noqa: SIM115 - lives as long as the process
        here = own_path()
        path = [*here, *(one for one in job.path if one not in here)]
        self._process = subprocess.Popen(  # noqa: S603 - the interpreter that runs this
            [sys.executable, "-X", "faulthandler", "-c", _BOOT, repr([one or os.getcwd() for one in path])],  # noqa: PTH109
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._complaints,
            env=passed_on(),
        )
        self._gone = threading.Event()
        threading.Thread(target=self._watch, name="durable-debug-watch", daemon=True).start()
        self._send(pickle.dumps(job))
        first = self._receive(_START_SECONDS)
        if isinstance(first, Exception):
            self.end()
            raise first
        self.code: CodeState = first

    def answers(self, contents: Sequence[bytes]) -> Iterator[Checked]:
        """Have histories replayed, one after the other.

        Raises
        ------
        Ended
            The process has died over the next one, or was ended because it gave no answer.
        """
        for place, content in enumerate(contents):
            if place == 0 or len(content) > _SMALL:
                self._send(content)
            following = contents[place + 1 : place + 2]
            if following and len(following[0]) <= _SMALL:  # so that it need not wait for us
                self._send(following[0])
            answer: Checked = self._receive(self._limit)
            if answer.provisional:
                try:
                    answer = self._receive(self._limit)
                except Ended as ended:
                    if not (ended.overdue or self.fresh):
                        raise
                    self.fresh = False  # the next history is not what ended it
                    yield replace(answer, provisional=False, no_baseline=": ".join(ended.told(self._limit)))
                    raise Ended(str(ended), overdue=False) from ended
            self.fresh = False
            yield answer

    def _send(self, question: bytes) -> None:
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(question)
            self._process.stdin.flush()
        except OSError as error:
            raise Ended(self._last_words(), overdue=False) from error

    def _receive(self, limit: float | None) -> Any:
        assert self._process.stdout is not None
        self._deadline = None if limit is None else time.monotonic() + limit
        try:
            return pickle.load(self._process.stdout)  # noqa: S301 - our own process
        except (EOFError, OSError, pickle.UnpicklingError) as error:
            raise Ended(self._last_words(), overdue=self._overdue) from error
        finally:
            self._deadline = None

    def _watch(self) -> None:
        while self.alive and not self._gone.wait(0.2):
            deadline = self._deadline
            if deadline is not None and time.monotonic() > deadline:
                self._overdue = True
                self._process.kill()
                return

    def _last_words(self) -> str:
        self._process.kill()
        self._process.wait()
        code = self._process.returncode
        how = f"signal {-code}" if code < 0 else f"exit code {code}"
        self._complaints.seek(max(0, self._complaints.seek(0, os.SEEK_END) - 2000))
        lines = self._complaints.read().decode(errors="replace").strip().splitlines()
        said = next((line for line in lines if line.startswith("Fatal")), lines[-1] if lines else "")
        self.end()
        return f"{how}: {said[:300]}" if said else how

    @property
    def alive(self) -> bool:
        """Whether it can still be asked."""
        return self._process.poll() is None

    def end(self) -> None:
        """End it now."""
        self._gone.set()
        self._process.kill()
        self._process.wait()
        for stream in (self._process.stdin, self._process.stdout, self._complaints):
            with contextlib.suppress(OSError):
                stream.close()  # type: ignore[union-attr]


# -------------------------------------------------------------------------- where the processes are asked

_lock = threading.Lock()
_idle: defaultdict[str, list[Hand]] = defaultdict(list)  # by audit
_busy: defaultdict[str, set[Hand]] = defaultdict(set)
_dismissed: set[str] = set()


def work(job: Job, batch: Batch) -> list[tuple[int, Checked]]:
    """Have some histories replayed, by a process that may already be there.

    Raises
    ------
    HandlerError
        The handler can't be had at all.
    """
    found = []
    waiting = deque(batch)
    hand: Hand | None = None
    try:
        while waiting:
            hand = asked = hand or _take(job)
            try:
                for answer in asked.answers([content for _, content in waiting]):
                    found.append((waiting.popleft()[0], answer))
                    if answer.hung:
                        _drop(job, asked)
                        hand = None
                        break
            except Ended as ended:
                if ended.overdue or asked.fresh:
                    lost = Checked(findings=(obstacle(*ended.told(job.limit)),))
                    found.append((waiting.popleft()[0], lost))
                # else perhaps something that an earlier history left behind: once more, in another process
                _drop(job, asked)
                hand = None
    finally:
        if hand is not None:
            _give_back(job, hand)
    return found


def code_of(job: Job) -> CodeState:
    """Give the code that a process of this job runs; it stays for the work.

    Raises
    ------
    HandlerError
        The handler can't be had at all.
    """
    hand = _take(job)
    try:
        return hand.code
    finally:
        _give_back(job, hand)


def _take(job: Job) -> Hand:
    with _lock:
        _forget_the_dead()
        if _idle[job.token]:
            hand = _idle[job.token].pop()
            _busy[job.token].add(hand)
            return hand
    try:
        hand = Hand(job)
    except Ended as ended:
        raise HandlerError(
            f"No process could be started for the audit: it ended with {ended}.",
            cure="Look at what the handler's module does when it is imported.",
        ) from ended
    with _lock:
        if job.token not in _dismissed:
            _busy[job.token].add(hand)
            return hand
    hand.end()
    raise DurableDebugError("The audit is over.")


def _forget_the_dead() -> None:
    for hands in _idle.values():
        for hand in [one for one in hands if not one.alive]:
            hands.remove(hand)
            hand.end()


def _give_back(job: Job, hand: Hand) -> None:
    with _lock:
        _busy[job.token].discard(hand)
        if job.token not in _dismissed and hand.alive:
            _idle[job.token].append(hand)
            return
    hand.end()


def _drop(job: Job, hand: Hand) -> None:
    with _lock:
        _busy[job.token].discard(hand)
    hand.end()


def dismiss(token: str) -> None:
    """End the processes of an audit that is over; those on other machines end by themselves."""
    with _lock:
        _dismissed.add(token)
        hands = [*_idle.pop(token, ()), *_busy.pop(token, ())]
    for hand in hands:
        hand.end()
