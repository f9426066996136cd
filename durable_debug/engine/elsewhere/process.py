"""A process of another interpreter that serves replays: started when first needed, kept warm, ended with us."""

from __future__ import annotations

import atexit
import collections
import contextlib
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
from multiprocessing.connection import Connection
from pathlib import Path
from typing import TYPE_CHECKING, Any

from durable_debug.engine.elsewhere.sdks import sdk_folder
from durable_debug.errors import (
    DurableDebugError,
    HandlerError,
    InternalError,
    OptionError,
    UnsupportedSdkError,
)
from durable_debug.spelling import option, passed_on

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

__all__ = ["EndedError", "Process", "interpreter", "process_of"]

_PACKAGE = Path(__file__).parents[2]
_BOOT = Path(__file__).with_name("boot.py")
_START_SECONDS = 60.0
_INTERRUPT_SECONDS = 10.0
_INTERRUPTIBLE = {"go", "frame"}  # what a person waits for at a debugger


class EndedError(DurableDebugError):
    """The process of the other interpreter is gone."""


class Process:
    """One process.

    Parameters
    ----------
    python
        Path of the interpreter.
    before
        A folder whose packages come before those of the environment.
    """

    def __init__(self, python: str, before: Path | None = None) -> None:
        self.python = python
        ours, theirs = socket.socketpair()
        try:
            # Only the other process can write to it: an open file that this one could write to slows down its replays.
            with tempfile.NamedTemporaryFile() as output, theirs:
                self._output = Path(output.name).open("rb")  # noqa: SIM115 - lives as long as the process
                self._process = subprocess.Popen(  # noqa: S603 - the interpreter that the user named
                    [
                        *(python, "-X", "faulthandler", str(_BOOT), str(_PACKAGE), str(theirs.fileno())),
                        *([str(before)] if before is not None else []),
                    ],
                    pass_fds=[theirs.fileno()],
                    process_group=0,  # Ctrl-C in a terminal is for this process, which interrupts the other one
                    stdin=subprocess.DEVNULL,
                    stdout=output,
                    stderr=output,
                    env=passed_on(),
                )
        except OSError as error:
            ours.close()
            self._output.close()
            raise OptionError(
                f"{option('python', python)} can't be run: {error.strerror}.",
                cure="Name an interpreter, or its environment.",
            ) from None
        self._connection = Connection(ours.detach())
        self._lock = threading.RLock()
        self._depth = 0  # of requests under way
        self._waits = False  # for the beginning of a message
        self.held = 0  # passes that stand still in it
        self._put_off: collections.deque[tuple[str, tuple[Any, ...], float | None]] = collections.deque()
        self._owner = os.getpid()
        try:
            self.about: dict[str, Any] = self.request("hello", limit=_START_SECONDS)
        except UnsupportedSdkError as error:
            self.end()
            raise UnsupportedSdkError(
                f"In the environment of {python}: {error.message}",
                cure=f"Install there what the handler's project requires; or name another one: {option('python', '.venv')}.",
            ) from None

    @property
    def alive(self) -> bool:
        """Whether it can be asked."""
        return self._owner == os.getpid() and not self._connection.closed and self._process.poll() is None

    @property
    def is_idle(self) -> bool:
        """Whether nothing is asked of it now, and nothing held in it."""
        return self.alive and not self._depth and not self.held

    def request(
        self,
        name: str,
        *arguments: Any,
        asked: Mapping[str, Callable[..., Any]] | None = None,
        limit: float | None = None,
    ) -> Any:
        """Have something done.

        Parameters
        ----------
        asked
            Answers what it asks back, by name.
        limit
            Seconds without a word after which it is ended.

        Raises
        ------
        EndedError
            It has died, or gave no answer in time.
        DurableDebugError
            What it says is wrong.
        """
        with self._lock:
            if not self._depth:
                self._do_what_was_put_off()
            self._depth += 1
            try:
                kind, told = self._answer(name, arguments, asked or {}, limit)
            except EndedError:
                raise
            except KeyboardInterrupt:
                if name not in _INTERRUPTIBLE or self._depth > 1 or not self._is_interrupted():
                    self.end()
                raise
            except BaseException:  # an error of who was asked: it may stand anywhere
                self.end()
                raise
            finally:
                self._depth -= 1
        if kind == "failed":
            raise _rebuilt(*told, of_an_expression=name == "frame")
        return told

    def soon(self, name: str, *arguments: Any, limit: float | None = None) -> None:
        """Have something done now, or before the next request where one is under way: by a finaliser, say."""
        if not self._lock.acquire(blocking=False):
            self._put_off.append((name, arguments, limit))
            return
        try:
            if self._depth:
                self._put_off.append((name, arguments, limit))
            else:
                self.request(name, *arguments, limit=limit)
        finally:
            self._lock.release()

    def _do_what_was_put_off(self) -> None:
        while self._put_off:
            name, arguments, limit = self._put_off.popleft()
            self._depth += 1
            try:
                self._answer(name, arguments, {}, limit)
            finally:
                self._depth -= 1

    def _answer(
        self,
        name: str,
        arguments: tuple[Any, ...],
        asked: Mapping[str, Callable[..., Any]],
        limit: float | None,
    ) -> tuple[str, Any]:
        self._send((name, arguments))
        while True:
            kind, *rest = self._receive(limit)
            if kind != "call":
                return kind, rest[0]
            question, given = rest
            self._send(("answer", asked[question](*given)))

    def _send(self, message: tuple[Any, ...]) -> None:
        try:
            self._connection.send(message)
        except (OSError, ValueError) as error:
            raise self._ended("is gone") from error

    def _receive(self, limit: float | None) -> tuple[Any, ...]:
        try:
            self._waits = True
            has_come = self._connection.poll(limit)
            self._waits = False
            if not has_come:
                raise self._ended(f"gave no answer for {limit:g} s")
            message: tuple[Any, ...] = self._connection.recv()
        except (EOFError, OSError) as error:
            raise self._ended("ended") from error
        return message

    def _is_interrupted(self) -> bool:
        """Interrupt what it does, as Ctrl-C did here; says whether it has given up, and can be asked again."""
        if not self._waits:  # half a message may have come
            return False
        self._process.send_signal(signal.SIGINT)
        try:
            return self._connection.poll(_INTERRUPT_SECONDS) and self._connection.recv()[0] == "failed"
        except (EOFError, OSError, KeyboardInterrupt):
            return False

    def _ended(self, how: str) -> EndedError:
        if how == "ended":
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(2)
        code = self._process.poll()
        self.end(keep=True)
        said = self._last_words()
        if code is not None:
            how = f"ended with signal {-code}" if code < 0 else f"ended with exit code {code}"
        return EndedError(
            f"The process of {self.python} {how}{f': {said}' if said else '.'}",
            cure="The handler, or what it uses, may have ended it; the next replay has a new one.",
        )

    def _last_words(self) -> str:
        if self._output.closed:
            return ""
        with self._output as output:
            output.seek(max(0, output.seek(0, os.SEEK_END) - 2_000))
            lines = output.read().decode(errors="replace").strip().splitlines()
        return next((line for line in lines if line.startswith("Fatal")), lines[-1] if lines else "")[:300]

    def end(self, *, keep: bool = False) -> None:
        """End it now.

        Parameters
        ----------
        keep
            Whether its output is still to be read.
        """
        if self._owner != os.getpid():
            return
        self._process.kill()
        self._process.wait()
        with contextlib.suppress(OSError):
            self._connection.close()
        if not keep:
            self._output.close()


def _rebuilt(kind: str, message: str, cure: str, *, of_an_expression: bool) -> BaseException:
    """Give the error that was raised there: ours as they are; of others, which are a user's expression's, their name."""
    kinds: list[type[DurableDebugError]] = [DurableDebugError, *_kinds_of(DurableDebugError)]
    for ours in kinds:
        if ours.__name__ == kind:
            return ours(message, cure=cure)
    if kind in {"ModuleNotFoundError", "ImportError"}:
        return HandlerError(
            f"The engine can't run there: {message}.",
            cure="Install aws-durable-execution-sdk-python in that environment, or name another one.",
        )
    if not of_an_expression:
        return InternalError(
            f"The replay failed in durable_debug itself: {kind}: {message}.",
            cure="The handler is not to blame. Please report it, with the versions of durable_debug and of the SDK.",
        )
    builtin = getattr(__import__("builtins"), kind, None)
    if isinstance(builtin, type) and issubclass(builtin, Exception):
        with contextlib.suppress(Exception):
            return builtin(message)
    return DurableDebugError(f"{kind}: {message}")


def _kinds_of(error: type[DurableDebugError]) -> list[type[DurableDebugError]]:
    return [inner for one in error.__subclasses__() for inner in (one, *_kinds_of(one))]


def interpreter(python: str) -> str:
    """Give the path of an interpreter, for itself or for its environment's folder.

    Raises
    ------
    OptionError
        There is none.
    """
    path = Path(python).expanduser()
    if path.is_dir():
        found = [one for one in (path / "bin/python", path / "bin/python3") if one.exists()]
        if not found:
            raise OptionError(
                f"{option('python', python)} is a folder without bin/python.", cure="Name an environment."
            )
        path = found[0]
    if os.sep in python or path.exists():
        if not os.access(path, os.X_OK):
            raise OptionError(
                f"{option('python', python)} is no interpreter: there is no such program.",
                cure=f"Name one, or an environment's folder: {option('python', '.venv')}.",
            )
        return str(path.absolute())
    on_path = shutil.which(python)
    if on_path is None:
        raise OptionError(
            f"{option('python', python)} is not found.",
            cure=f"Name an interpreter, or an environment's folder: {option('python', '.venv')}.",
        )
    return on_path


_processes: dict[tuple[str, ...], Process] = {}
_MOST = 8  # that are kept warm
_lock = threading.Lock()


def process_of(python: str, sdk: str | None = None) -> Process:
    """Give the process of an interpreter that serves this one, from the current folder; a new one if need be.

    Parameters
    ----------
    sdk
        Version of the SDK that it is to have instead of its own.
    """
    key = (python, sdk or "", str(Path.cwd()))
    before = sdk_folder(sdk, python) if sdk is not None else None
    with _lock:
        known = _processes.pop(key, None)
        if known is None or not known.alive:
            for gone in [each for each, one in _processes.items() if not one.alive]:
                _processes.pop(gone).end()
            if known is not None:
                known.end()
            idle = [one for one in _processes.values() if one.is_idle]
            for one in idle[: max(0, len(_processes) + 1 - _MOST)]:
                one.end()
            known = Process(python, before)
        _processes[key] = known  # the last one used comes last
        return known


@atexit.register
def _end_all() -> None:
    for process in _processes.values():
        with contextlib.suppress(Exception):
            process.end()
