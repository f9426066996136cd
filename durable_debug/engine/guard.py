"""Side effects outside steps: noticed and refused while a handler is replayed.

Three ways to notice them stand beside each other, for none sees all. CPython reports what is opened, connected and
started to audit hooks (PEP 578), also from C code; an audit hook cannot be taken away again, so ours is installed
once and does nothing in threads that are not watched. What raises no audit event is fenced in (`fences`, `handover`):
functions of Python are stood in for while a thread is watched. And where a file, a pipe or a database is open already,
the calls into C of a watched thread are looked at (`calls`).
"""

from __future__ import annotations

import contextlib
import dataclasses
import sys
import threading
from typing import TYPE_CHECKING

from durable_debug.engine import audit_events, fences, watch
from durable_debug.engine.c_calls import profiled
from durable_debug.engine.effects import SideEffect, allows
from durable_debug.engine.opened import ALL, listed
from durable_debug.engine.watch import RefusedError, here, watched_threads

if TYPE_CHECKING:
    from collections.abc import Iterator

    from durable_debug.engine.effects import Place

__all__ = [
    "RefusedError",
    "Scope",
    "SideEffect",
    "allows",
    "guarded",
    "harmless",
    "noting_codecs",
    "unguarded",
]


class Scope(watch.Scope):
    """What holds for all threads that do one replay's work: also for those that are handed it."""

    __slots__ = ()

    def guarding(self, stop: type[BaseException] | None, place: Place | None) -> guarded:
        """Watch a thread that was handed work, while it does that."""
        return guarded(self, stop=stop, place=place)


class guarded:  # noqa: N801 - reads as a statement: with guarded(scope)
    """Report the side effects of this thread, and of those that it hands work to.

    Parameters
    ----------
    scope
        To whom, and what was open before; None allows everything.
    stop
        What a refusal becomes, where the scope's own exception would not be understood.
    place
        Where this thread was given its work.
    """

    __slots__ = ("_before", "_place", "_profile", "_scope", "_stop", "_thread")

    def __init__(
        self,
        scope: watch.Scope | None,
        *,
        stop: type[BaseException] | None = None,
        place: Place | None = None,
    ) -> None:
        self._scope = scope
        self._stop = stop
        self._place = place

    def __enter__(self) -> None:
        self._before = here.scope, here.stop, here.place, here.environment
        scope = self._scope
        if scope is not None:
            audit_events.install()
            fences.raise_()
            self._thread = threading.get_ident()
            watched_threads.setdefault(self._thread, []).append(scope)
            self._profile = sys.getprofile()
            _look_at_calls(scope)
        here.scope, here.stop, here.place = scope, self._stop, self._place
        if scope is not None and scope.environment is not None:
            here.environment = scope.environment

    def __exit__(self, *_: object) -> None:
        here.scope, here.stop, here.place, here.environment = self._before
        if self._scope is None:
            return
        if sys.getprofile() is not self._profile:
            sys.setprofile(self._profile)
        watched_threads[self._thread].pop()
        if not watched_threads[self._thread]:
            del watched_threads[self._thread]
        fences.lower()


def _look_at_calls(scope: watch.Scope) -> None:
    if scope.calls_matter and sys.getprofile() is not profiled:
        sys.setprofile(profiled)


class unguarded:  # noqa: N801
    """Allow everything in this thread, while a body runs that the user allowed by name, or a debugger looks on.

    Parameters
    ----------
    opens
        Whether what is opened meanwhile counts, afterwards, as open before.
    """

    __slots__ = ("_opens", "_scope", "_seen")

    def __init__(self, *, opens: bool = False) -> None:
        self._opens = opens

    def __enter__(self) -> None:
        self._scope = here.scope
        self._seen = listed() if self._opens else None
        here.scope = None

    def __exit__(self, *_: object) -> None:
        here.scope = self._scope
        if self._seen is not None and self._scope is not None:
            _look_at_calls(self._scope.look_since(self._seen))


def harmless() -> guarded:
    """Refuse the side effects of this thread by an ordinary exception: of a codec that is asked to write, say.

    They are noted by the watch that this thread is under, or else by that of `noting_codecs`.
    """
    around = here.scope or here.codecs
    if isinstance(around, _Comparing):
        around.raise_fences()

    def refuse(effect: SideEffect) -> None:
        effect = dataclasses.replace(effect, compared=True)
        if around is not None and around.note is not None:
            effect = around.note(effect)
        if effect.refused:
            raise RefusedError(effect.detail)

    return guarded(Scope(refuse, around.opened if around is not None else ALL))


@contextlib.contextmanager
def noting_codecs(allow: tuple[str, ...]) -> Iterator[list[SideEffect]]:
    """Keep the side effects of codecs that are asked only so that values can be compared, after the replay."""
    effects: list[SideEffect] = []

    def note(effect: SideEffect) -> SideEffect:
        effect = dataclasses.replace(effect, refused=effect.refused and not allows(allow, effect))
        effects.append(effect)
        return effect

    comparing = _Comparing(_nobody, note=note)
    before, here.codecs = here.codecs, comparing
    try:
        yield effects
    finally:
        here.codecs = before
        comparing.lower_fences()


class _Comparing(Scope):
    """Is asked only for its notes. The fences are raised once for all codecs, and not where none is asked."""

    __slots__ = ("_fenced",)

    def raise_fences(self) -> None:
        if not hasattr(self, "_fenced"):
            self._fenced = True
            fences.raise_()

    def lower_fences(self) -> None:
        if hasattr(self, "_fenced"):
            fences.lower()


def _nobody(_: SideEffect) -> None:
    """Watch nothing."""
