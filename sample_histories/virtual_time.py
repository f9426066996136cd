"""Virtual time for the testing runner: a clock that jumps, and a scheduler whose timers go by it.

The runner skips over waits and step retries by itself; callback timeouts, invocation retries and execution timeouts
take their real time there. Here every timer is virtual: when nothing is running, the clock jumps to the next one.
"""

from __future__ import annotations

import asyncio
import inspect
import threading
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from aws_durable_execution_sdk_python_testing.scheduler import Scheduler

QUIET_SECONDS = (
    0.01  # how long nothing must run before the clock jumps: work handed from thread to thread has a gap
)

# No service wakes up in the very millisecond. It also keeps timers that two branches set at once from falling on
# either side of the wake-up, where their order would be chance.
LATENESS = timedelta(milliseconds=15)


class VirtualClock:
    """Real time, plus everything skipped so far. It counts in whole ticks, and never gives one twice.

    A clock that stood still between two reads would leave the order of two events to chance.

    Parameters
    ----------
    tick_microseconds
        1000 as in Lambda, 1 as in the emulator.
    """

    def __init__(self, tick_microseconds: int) -> None:
        self._tick = tick_microseconds
        self._skipped = timedelta(0)
        self._last = datetime.min.replace(tzinfo=UTC)
        self._lock = threading.Lock()

    def now(self) -> datetime:
        with self._lock:
            moment = datetime.now(UTC) + self._skipped
            moment = moment.replace(microsecond=moment.microsecond // self._tick * self._tick)
            if moment <= self._last:
                moment = self._last + timedelta(microseconds=self._tick)
                self._skipped += timedelta(microseconds=self._tick)
            self._last = moment
            return moment

    def seconds_until(self, moment: datetime) -> float:
        with self._lock:
            return max((moment - datetime.now(UTC) - self._skipped).total_seconds(), 0.0)

    arm = seconds_until  # the runner's name for it

    def jump_to(self, moment: datetime) -> None:
        gap = self.seconds_until(moment)
        with self._lock:
            self._skipped += timedelta(seconds=gap)


class VirtualScheduler(Scheduler):
    """Timers by the virtual clock. While anything runs they take their real time; when nothing does, none.

    Parameters
    ----------
    clock
        The clock that jumps.
    look_after_seconds
        Where to stop: a timer later than this (in virtual seconds from now) never fires, and ``halted`` is set
        instead. So one can look at an execution that is still suspended.
    """

    def __init__(self, clock: VirtualClock, look_after_seconds: float | None) -> None:
        super().__init__()
        self.halted = threading.Event()
        self._clock = clock
        self._horizon = datetime.max.replace(tzinfo=UTC)
        if look_after_seconds is not None:
            self._horizon = clock.now() + timedelta(seconds=look_after_seconds)
        self._at_work: set[object] = set()
        self._sleepers: list[_Sleeper] = []

    @property
    def idle(self) -> bool:
        """Whether nothing runs; timers may be set."""
        return not self._at_work

    def call_later(self, func, delay=0, count=1, completion_event=None):
        """As the base class; ``count`` is 1 wherever the runner calls it."""
        task = object()
        if delay <= 0:
            self._at_work.add(task)  # before the loop sees it, so that the clock cannot jump in between

        async def later() -> Any:
            if delay > 0:
                await self._sleep(delay, task)
            try:
                return await func() if inspect.iscoroutinefunction(func) else await asyncio.to_thread(func)
            except Exception as error:
                if completion_event:
                    completion_event.set_exception(error)
                raise

        future = asyncio.run_coroutine_threadsafe(later(), self._loop)
        # Not in a finally: one that is cancelled before it begins must not count as running for ever.
        future.add_done_callback(lambda _: self._loop.call_soon_threadsafe(self._done, task))
        return future

    def _done(self, task: object) -> None:
        self._at_work.discard(task)
        self._loop.call_later(QUIET_SECONDS, self._jump_if_quiet)

    async def _sleep(self, delay: float, task: object) -> None:
        until = self._clock.now() + timedelta(seconds=delay)
        sleeper = _Sleeper(until, self._loop.create_future(), task)
        self._sleepers.append(sleeper)
        self._set_timer(sleeper)
        self._loop.call_later(QUIET_SECONDS, self._jump_if_quiet)
        try:
            await sleeper.woken
        finally:
            self._sleepers.remove(sleeper)
            sleeper.timer.cancel()

    def _set_timer(self, sleeper: _Sleeper) -> None:
        seconds = self._clock.seconds_until(sleeper.until)
        sleeper.timer = self._loop.call_later(seconds, self._wake, sleeper)

    def _wake(self, sleeper: _Sleeper) -> None:
        if sleeper.until > self._horizon:
            self.halted.set()
        elif not sleeper.woken.done():
            self._at_work.add(sleeper.task)  # in the moment in which it wakes: see call_later
            sleeper.woken.set_result(None)

    def _jump_if_quiet(self) -> None:
        if self._at_work or not self._sleepers:
            return
        first = min(self._sleepers, key=lambda sleeper: sleeper.until)
        if first.until <= self._horizon:
            self._clock.jump_to(first.until + LATENESS)
            for sleeper in self._sleepers:
                sleeper.timer.cancel()
                self._set_timer(sleeper)
        self._wake(first)


@dataclass(eq=False)
class _Sleeper:
    until: datetime
    woken: asyncio.Future[None]
    task: object
    timer: asyncio.TimerHandle = field(init=False)
