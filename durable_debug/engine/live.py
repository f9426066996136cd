"""A replay that stands still: the handler's thread waits at an operation, with its frames alive."""

from __future__ import annotations

import threading
import time
import weakref
from typing import TYPE_CHECKING

from durable_debug.engine.engine import Options, Replay
from durable_debug.engine.frames import Frame
from durable_debug.engine.guard import unguarded
from durable_debug.engine.line_recorder import LineRecorder
from durable_debug.engine.opened import listed
from durable_debug.engine.runner import Held
from durable_debug.engine.users_code import is_users

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from types import FrameType

    from durable_debug.engine.call import Call
    from durable_debug.engine.handlers import Handler
    from durable_debug.engine.ongoing_pass import Matcher, OngoingPass, Ran
    from durable_debug.engine.runner import Decide
    from durable_debug.engine.script import Script

__all__ = ["Live"]

_LOOK_SECONDS = 0.25
_GRACE_SECONDS = 0.5


class Live:
    """One pass over the history that can be held at any operation; it goes forward only.

    Parameters
    ----------
    hangs_after
        After so many operations the handler is known to ask for nothing more and never to end.
    lines
        Whether it can be held at any line.
    ran_before
        See `OngoingPass`: a body that the user lets run ran once, when the debugger was opened.
    """

    def __init__(  # noqa: PLR0913
        self,
        handler: Handler,
        script: Script,
        options: Options,
        matcher: Matcher | None,
        *,
        hangs_after: int | None = None,
        ran_before: Mapping[str, Ran] | None = None,
        lines: bool = False,
    ) -> None:
        self._hangs_after = hangs_after
        self._condition = threading.Condition()
        self._decide: Decide | None = None
        self._going = True
        self._over = False
        self._wanted: int | None = None  # the line to hold at
        self._timeout = options.timeout
        self.held: Held | None = None
        self._replay = Replay(
            handler,
            script,
            options,
            observer=self,
            matcher=matcher,
            ended=self._ended,
            ran_before=ran_before,
            lines=LineRecorder(values=False, held=self._at_line) if lines else None,
        )
        _alive.add(self)

    @property
    def ongoing(self) -> OngoingPass:
        """The pass's tape."""
        return self._replay.ongoing

    @property
    def replay(self) -> Replay:
        """The replay itself."""
        return self._replay

    @property
    def changed_by(self) -> str | None:
        """An expression that changed what the handler holds; None if none has."""
        return self.ongoing.seen.changed_by

    # ---- from the handler's threads

    def asked(self, call: Call, frame: FrameType) -> None:
        """Hold here, if the session says so."""
        decide = self._decide
        reason = decide(call, Frame(frame, frame.f_lasti, self.ongoing)) if decide is not None else None
        del decide  # a thread that is held must not keep its session alive
        if reason is not None:
            self._hold(Held(reason, call, self._framed(_frames(frame, call))))

    def _at_line(self, index: int, frame: FrameType) -> None:
        wanted = self._wanted
        if wanted is not None and index >= wanted:
            self._wanted = None
            with unguarded():
                lines = self.ongoing.rules.lines
                assert lines is not None
                around = [(one, one.f_lasti) for one in lines.frames_around(frame)]
                self._hold(Held("line", None, self._framed(around), index))

    def raised(self, error: BaseException) -> None:
        """An exception that leaves the handler is a stop."""
        trace, frames = error.__traceback__, []
        while trace is not None:
            if is_users(trace.tb_frame.f_code.co_filename):
                frames.append((trace.tb_frame, trace.tb_lasti))
            trace = trace.tb_next
        del trace
        self._hold(Held("exception", None, self._framed(reversed(frames))))

    def _framed(self, frames: Iterable[tuple[FrameType, int]]) -> tuple[Frame, ...]:
        return tuple(Frame(frame, lasti, self.ongoing) for frame, lasti in frames)

    def _hold(self, held: Held) -> None:
        seen = listed()
        with self._condition:
            self._decide = None
            self.held, self._going = held, False
            del held
            self._condition.notify_all()
            while not self._going and self.ongoing.halt is None:
                self._condition.wait()
            self.held = None
        self.ongoing.scope.look_since(seen)  # whatever others have opened meanwhile
        if self.ongoing.halt is not None:
            raise self.ongoing.stop("aborted", "the debugger went elsewhere")

    def _ended(self) -> None:
        with self._condition:
            self._over, self._decide = True, None
            self._condition.notify_all()

    # ---- from the session

    def go(self, decide: Decide) -> Held | None:
        """Go on until `decide` gives a reason to hold, an exception leaves the handler, or it ends.

        Returns
        -------
        Held or None
            Where it stands now; None when it has ended.
        """
        with self._condition:
            fresh = self.held is None
            self._decide = decide
            self._going, self.held = True, None
            if not fresh:
                self._condition.notify_all()
        if fresh and not self._over:
            self._replay.start()
        return self._still()

    def go_to_line(self, index: int) -> Held | None:
        """Go on until a line is about to run."""
        self._wanted = index
        return self.go(lambda *_: None)

    def _still(self) -> Held | None:
        seen, since = -1, 0.0
        while True:
            with self._condition:
                if self._condition.wait_for(lambda: self.held is not None or self._over, _LOOK_SECONDS):
                    return self.held
            asked, now = len(self.ongoing.seen.calls), time.monotonic()
            if asked != seen:
                seen, since = asked, now
                continue
            known = self._hangs_after is not None and asked >= self._hangs_after
            if known or (self._timeout is not None and now - since >= self._timeout):
                last = self.ongoing.seen.calls[-1].position if self.ongoing.seen.calls else None
                after = f"after operation {last}" if last else "before its first operation"
                self._replay.end(
                    "timeout", f"the handler asked for nothing more for {self._timeout:g} s, {after}"
                )
                self._ended()
                return None

    def end(self) -> None:
        """End the pass and its threads."""
        if self._over:
            return
        self.ongoing.stop("aborted", "the debugger was closed")
        with self._condition:
            self._condition.notify_all()
        if not self._replay.wait(_GRACE_SECONDS):
            self._replay.end()
        self._ended()
        for call in self.ongoing.seen.calls:
            call.frame, call.origin = None, ()


def _frames(frame: FrameType | None, call: Call) -> tuple[tuple[FrameType, int], ...]:
    """User frames from here outwards; a branch's own thread goes on with the frames of its map's call."""
    found: list[tuple[FrameType, int]] = []
    within: Call | None = call
    if call.origin and frame is call.origin[0][0]:
        frame, found = None, list(call.origin)
    while frame is not None:
        while frame is not None:
            if is_users(frame.f_code.co_filename) and all(frame is not known for known, _ in found):
                found.append((frame, frame.f_lasti))
            frame = frame.f_back
        found += [one for one in call.origin if all(one[0] is not known for known, _ in found)]
        while within is not None and within.frame is None:
            within = within.within
        if within is not None:
            frame, within = within.frame, within.within
    return tuple(found)


_alive: weakref.WeakSet[Live] = weakref.WeakSet()


def _end_all() -> None:
    for live in list(_alive):
        live.end()


# Before the interpreter joins the threads of thread pools, which it would wait for in vain.
getattr(threading, "_register_atexit", lambda _: None)(_end_all)
