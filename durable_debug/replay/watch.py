"""Which threads are watched, and by whom: the state that all ways of noticing a side effect share."""

from __future__ import annotations

import threading
from collections import Counter
from typing import TYPE_CHECKING

from durable_debug.replay.effects import described
from durable_debug.replay.opened import ALL, now

if TYPE_CHECKING:
    from collections.abc import Callable

    from durable_debug.replay.effects import Place, SideEffect
    from durable_debug.replay.opened import Opened

    Report = Callable[[SideEffect], None]
    Note = Callable[[SideEffect], SideEffect]

__all__ = ["Scope", "here", "tell", "watched_threads"]


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
    """

    __slots__ = ("known", "note", "opened", "report")

    def __init__(self, report: Report, opened: Opened | None = None, note: Note | None = None) -> None:
        self.report = report
        self.note = note
        self.opened = opened if opened is not None else ALL
        self.known: set[int] = set()  # pools of threads that were told of

    def look(self) -> Scope:
        """Take what is open now for what was open before."""
        self.opened = now()
        return self

    @property
    def files_are_open(self) -> bool:
        """Whether a call into C could write to what was open before."""
        return self.opened.files


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
    codecs
        Who notes the side effects of codecs, where nobody watches.
    """

    scope: Scope | None = None
    codecs: Scope | None = None
    stop: type[BaseException] | None = None
    place: Place | None = None


here = _Here()
watched_threads: Counter[int] = Counter()  # by their idents


def tell(kind: str, what: str, *, refused: bool = True) -> None:
    """Report what this thread is about to do; raises where it is refused."""
    scope = here.scope
    if scope is None:
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
