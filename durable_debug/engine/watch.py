"""Which threads are watched, and by whom: the state that all ways of noticing a side effect share."""

from __future__ import annotations

import dataclasses
import threading
from typing import TYPE_CHECKING, Any

from durable_debug.engine import finalisers
from durable_debug.engine.effects import described, whose
from durable_debug.engine.opened import ALL, listed, now
from durable_debug.engine.threads import innermost_frames

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager
    from types import FrameType

    from durable_debug.engine.effects import Place, SideEffect
    from durable_debug.engine.opened import Listing, Opened

    Report = Callable[[SideEffect], None]
    Note = Callable[[SideEffect], SideEffect]

__all__ = ["RefusedError", "Scope", "here", "tell", "watched_threads"]


class RefusedError(Exception):
    """A refused side effect, where an ordinary exception is what is understood."""


class Scope:
    """What holds for all threads that do one replay's work.

    Parameters
    ----------
    report
        Called for each side effect; raises to refuse it.
    opened
        What was open before: writing to that reaches the outside, while what is opened under watch had to be
        allowed. By default `look` finds it out.
    note
        Keeps a side effect of what runs only for comparison; gives it as the user's options judge it.
    environment
        What these threads find in `os.environ` before what the process has; None: as the thread around.
    """

    __slots__ = ("beside", "environment", "known", "note", "opened", "report")

    def __init__(
        self,
        report: Report,
        opened: Opened | None = None,
        note: Note | None = None,
        environment: dict[str, Any] | None = None,
    ) -> None:
        self.report = report
        self.environment = environment
        self.note = note
        self.beside = False  # threads of the user's run beside it
        self.opened = opened if opened is not None else ALL
        self.known: set[int] = set()  # pools of threads that were told of

    def guarding(self, stop: type[BaseException] | None, place: Place | None) -> AbstractContextManager[None]:
        """Watch a thread that was handed work, while it does that: see `guard.guarded`."""
        raise NotImplementedError

    def look(self) -> Scope:
        """Take what is open now for what was open before."""
        self.opened = now()
        self.beside = _others_work()
        return self

    def look_since(self, seen: Listing) -> Scope:
        """Take what was opened since a moment for what was open before, too: by others, while this stood still.

        What the replay itself had opened by then, an event loop's own sockets say, stays its own.
        """
        current = listed()
        if current != seen:
            opened, then = current.opened(), seen.opened()
            if self.opened.keys is not None and opened.keys is not None and then.keys is not None:
                keys = self.opened.keys | (opened.keys - then.keys)
                opened = dataclasses.replace(opened, keys=keys, files=self.opened.files or opened.files)
            self.opened = opened
        self.beside = _others_work()
        return self

    @property
    def files_are_open(self) -> bool:
        """Whether a file or pipe is open that could be written to."""
        return self.opened.files

    @property
    def calls_matter(self) -> bool:
        """Whether a call into C could reach the outside unseen."""
        return self.opened.files or self.beside


def _others_work() -> bool:
    """Whether threads of the user's are there, to which work could be handed; other than those that wait for us."""
    apart = {threading.main_thread().ident, threading.get_ident()}
    frames = innermost_frames()
    return any(
        ident not in apart and ident not in watched_threads and _is_users(frame)
        for ident, frame in frames.items()
    )


def _is_users(frame: FrameType | None) -> bool:
    found = False
    while frame is not None:
        owner = whose(frame.f_code.co_filename)
        if owner == "ours":
            return False
        found = found or owner == "user"
        frame = frame.f_back
    return found


class _Here(threading.local):
    """How this thread is watched.

    Attributes
    ----------
    scope
        By whom; None where it may do anything.
    stop
        What a refusal becomes, where our own way to stop would not be understood: in threads of the user's.
    place
        Where this thread was given its work.
    environment
        What it finds in `os.environ` before what the process has.
    codecs
        Who notes the side effects of codecs, where nobody watches.
    """

    scope: Scope | None = None
    environment: dict[str, Any] | None = None
    codecs: Scope | None = None
    stop: type[BaseException] | None = None
    place: Place | None = None


here = _Here()
watched_threads: dict[int, list[Scope]] = {}  # by their idents, who watches them


def tell(kind: str, what: str, *, refused: bool = True) -> None:
    """Report what this thread is about to do; raises where it is refused."""
    scope = here.scope
    if scope is None:
        return
    if finalisers.is_by_library():
        if kind == "network":
            raise RefusedError(what)  # CPython says on stderr that it was passed over
        return
    here.scope = None  # our own doing, and that of the report, is not the handler's
    try:
        scope.report(described(kind, what, refused=refused, place=here.place))
    except BaseException as stop:
        if here.stop is not None:
            raise here.stop(str(stop)) from None
        raise
    finally:
        here.scope = scope
