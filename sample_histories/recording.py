"""Run a durable function under the SDK's testing runner and write down its history as Lambda would give it.

The testing runner is the real SDK against an emulator of the service. Three things are added here:

* *Virtual time* (`VirtualClock`, `VirtualScheduler`). The runner skips over waits and step retries, but callback
  timeouts, invocation retries and execution timeouts take their real time there. Here every timer is virtual: when
  nothing is running, the clock jumps to the next one. Two minutes are two minutes in the history and none of ours.
* *A name* (`RecordingRunner`). An execution gets an ARN of Lambda's form, whose last segment is the id of the
  EXECUTION operation, and each invocation its own request id.
* *What the emulator leaves out* (`restored`) is put back from its own store record. README.md lists it.
"""

from __future__ import annotations

import asyncio
import copy
import inspect
import json
import threading
import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any
from unittest import mock

from aws_durable_execution_sdk_python.execution import DurableExecutionInvocationInputWithClient
from aws_durable_execution_sdk_python.lambda_service import ErrorObject
from aws_durable_execution_sdk_python_testing import runner as emulator_runner
from aws_durable_execution_sdk_python_testing.execution import Execution
from aws_durable_execution_sdk_python_testing.invoker import InvokeResponse, create_test_lambda_context
from aws_durable_execution_sdk_python_testing.runner import DurableFunctionTestRunner
from aws_durable_execution_sdk_python_testing.scheduler import Scheduler

REGION = "eu-west-1"
ACCOUNT = "123456789012"
VERSION = "1"
QUIET_SECONDS = (
    0.01  # how long nothing must run before the clock jumps: work handed from thread to thread has a gap
)
ALL_EVENTS = 1_000_000


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
        self._end = clock.now() + timedelta(seconds=look_after_seconds) if look_after_seconds else None
        self._running = 0
        self._busy = 0
        self._busy_lock = threading.Lock()
        self._sleepers: list[_Sleeper] = []

    @property
    def idle(self) -> bool:
        return self._busy == 0

    def call_later(self, func, delay=0, count=1, completion_event=None):  # noqa: ARG002  count is 1 wherever the runner calls
        if delay <= 0:
            self._begin()  # before the loop sees it, so that the clock cannot jump in between

        async def later() -> Any:
            if delay > 0:
                await self._sleep(delay)  # begins, in the moment in which it wakes
            try:
                return await func() if inspect.iscoroutinefunction(func) else await asyncio.to_thread(func)
            except Exception as error:
                if completion_event:
                    completion_event.set_exception(error)
                raise
            finally:
                self._end_one()

        return asyncio.run_coroutine_threadsafe(later(), self._loop)

    def _begin(self) -> None:
        with self._busy_lock:
            self._busy += 1

    def _end_one(self) -> None:
        with self._busy_lock:
            self._busy -= 1
        self._loop.call_later(QUIET_SECONDS, self._jump_if_quiet)

    async def _sleep(self, delay: float) -> None:
        sleeper = _Sleeper(self._clock.now() + timedelta(seconds=delay), self._loop.create_future())
        self._sleepers.append(sleeper)
        self._set_timer(sleeper)
        self._loop.call_later(QUIET_SECONDS, self._jump_if_quiet)
        try:
            await sleeper.woken
        finally:
            self._sleepers.remove(sleeper)
            sleeper.timer.cancel()

    def _set_timer(self, sleeper: _Sleeper) -> None:
        sleeper.timer = self._loop.call_later(self._clock.seconds_until(sleeper.until), self._wake, sleeper)

    def _wake(self, sleeper: _Sleeper) -> None:
        if sleeper.woken.done():
            return
        if self._end is not None and sleeper.until > self._end:
            self.halted.set()
            return
        self._begin()
        sleeper.woken.set_result(None)

    def _jump_if_quiet(self) -> None:
        if self._busy or not self._sleepers:
            return
        first = min(self._sleepers, key=lambda sleeper: sleeper.until)
        if self._end is None or first.until <= self._end:
            self._clock.jump_to(first.until)
            for sleeper in self._sleepers:
                sleeper.timer.cancel()
                self._set_timer(sleeper)
        self._wake(first)


@dataclass(eq=False)
class _Sleeper:
    until: datetime
    woken: asyncio.Future
    timer: asyncio.TimerHandle = field(init=False)


@dataclass(frozen=True)
class Answer:
    """What an outside system does about a callback: ``after`` (virtual) seconds it sends a result, an error or a heartbeat."""

    after: float
    result: str | None = None
    error: ErrorObject | None = None
    heartbeat: bool = False


@dataclass(frozen=True)
class Invocation:
    """One invocation as the handler saw it.

    ``operations`` is what it was given, ``Operation.to_dict()`` each, EXECUTION first; ``output`` what it returned,
    None where it crashed with ``error``.
    """

    request_id: str
    start: datetime
    end: datetime
    operations: list[dict[str, Any]]
    updated_operation_ids: list[str]
    output: dict[str, Any] | None
    error: dict[str, Any] | None


@dataclass(frozen=True)
class Recording:
    """An execution that was run: the history in two forms, the emulator's record, and what really happened.

    ``raw`` and ``history`` are documents as GetDurableExecutionHistory gives them, with aware datetimes; ``store``
    is what the testing SDK's filesystem store writes. ``children`` are the durable functions it invoked, in order.
    """

    arn: str
    function_name: str
    raw: dict[str, Any]
    history: dict[str, Any]
    store: dict[str, Any]
    invocations: tuple[Invocation, ...]
    status: str
    result: str | None
    error: dict[str, Any] | None
    children: tuple[Recording, ...]


class RecordingRunner(DurableFunctionTestRunner):
    """The testing runner by virtual time. Notes each invocation, and plays the outside systems that answer callbacks.

    Parameters
    ----------
    handler
        The durable function.
    answers
        The answers to a callback, by its name or, for wait_for_callback, the name given to that.
    look_after_seconds
        See VirtualScheduler.
    lambda_like
        False leaves ids, ARN and microseconds as the emulator makes them.
    """

    def __init__(
        self,
        handler: Callable[..., Any],
        *,
        answers: Mapping[str | None, Sequence[Answer]] | None = None,
        look_after_seconds: float | None = None,
        lambda_like: bool = True,
        **options: Any,
    ) -> None:
        self.clock = VirtualClock(1000 if lambda_like else 1)
        self.scheduler = VirtualScheduler(self.clock, look_after_seconds)
        with mock.patch.multiple(
            emulator_runner, Scheduler=lambda: self.scheduler, SkipClock=lambda: self.clock
        ):
            super().__init__(handler, region=REGION, poll_interval=0.01, **options)
        self._answers = dict(answers or {})
        self._lambda_like = lambda_like
        self.invocations: dict[str, list[Invocation]] = {}
        self._invoker.invoke = self._invoke
        self._executor.on_callback_created = self._on_callback_created

    def record(
        self,
        input: Any = None,
        *,
        function_name: str = "function",
        execution_name: str = "execution",
        execution_timeout: int = 86_400,
        patience: float = 60,
    ) -> Recording:
        """Run one execution to its end, or to where it is to be looked at.

        Parameters
        ----------
        input
            The event; None sends none.
        execution_timeout
            Virtual seconds.
        patience
            Real seconds after which TimeoutError is raised.
        """
        text = None if input is None else json.dumps(input)
        naming = mock.patch.object(Execution, "new", _new_execution) if self._lambda_like else nullcontext()
        with naming:
            arn = self.run_async(text, execution_timeout, None, function_name, execution_name, ACCOUNT)
            give_up = time.monotonic() + patience
            while not (
                self.scheduler.idle and (self._store.load(arn).is_complete or self.scheduler.halted.is_set())
            ):
                if time.monotonic() > give_up:
                    raise TimeoutError(f"{execution_name} did not end within {patience} s")
                time.sleep(0.002)
        time.sleep(2 * QUIET_SECONDS)
        return self._recording(arn)

    def _recording(self, arn: str) -> Recording:
        execution = self._store.load(arn)
        page = self._executor.get_execution_history(arn, include_execution_data=True, max_items=ALL_EVENTS)
        raw = {"DurableExecutionArn": arn, "Events": [event.to_dict() for event in page.events]}
        invocations = tuple(self.invocations.get(arn, ()))
        output = execution.result
        return Recording(
            arn=arn,
            function_name=execution.start_input.function_name,
            raw=raw,
            history={**raw, "Events": restored(raw["Events"], execution, invocations)},
            store=execution.to_json_dict(),
            invocations=invocations,
            status=execution.current_status().value,
            result=output.result if output else None,
            error=output.error.to_dict() if output and output.error else None,
            children=tuple(self._recording(child) for child in execution.chained_invoke_children.values()),
        )

    def _invoke(
        self, function_name, input, endpoint_url=None, tenant_id=None, account_id=None, region_name=None
    ):  # noqa: A002, ARG002
        """What the emulator's invoker does, with a request id of its own, written down."""
        request_id = str(uuid.uuid4()) if self._lambda_like else "test-invoke-12345"
        given = DurableExecutionInvocationInputWithClient.from_durable_execution_invocation_input(
            input, self._service_client
        )
        context = create_test_lambda_context(
            region=REGION, account_id=account_id or ACCOUNT, function_name=function_name, tenant_id=tenant_id
        )
        context = replace(context, aws_request_id=request_id)
        execution = self._store.load(input.durable_execution_arn)
        operations = [operation.to_dict() for operation in execution.get_navigable_operations()]
        start, output, error = self.clock.now(), None, None
        try:
            output = self._invoker._resolve_handler(function_name)(given, context)
            return InvokeResponse.from_output(output, request_id)
        except BaseException as raised:
            error = ErrorObject.from_exception(raised).to_dict()
            if isinstance(raised, Exception):
                raise
            # The process died. Lambda sees only that; and here nothing but an Exception may reach the scheduler.
            error = {
                "ErrorType": "Runtime.ExitError",
                "ErrorMessage": f"RequestId: {request_id} Error: Runtime exited",
            }
            raise RuntimeError(error["ErrorMessage"]) from raised
        finally:
            self.invocations.setdefault(input.durable_execution_arn, []).append(
                Invocation(
                    request_id=request_id,
                    start=start,
                    end=self.clock.now(),
                    operations=operations,
                    updated_operation_ids=list(input.updated_operation_ids),
                    output=copy.deepcopy(output),
                    error=error,
                )
            )

    def _on_callback_created(self, execution_arn, operation_id, callback_options, callback_token):
        type(self._executor).on_callback_created(
            self._executor, execution_arn, operation_id, callback_options, callback_token
        )
        _, operation = self._store.load(execution_arn).find_operation(operation_id)
        name = operation.name
        answers = self._answers.get(
            name, self._answers.get((name or "").removesuffix(" create callback id"), ())
        )
        for answer in answers:
            self.scheduler.call_later(
                lambda answer=answer: self._answer(execution_arn, callback_token.to_str(), answer),
                answer.after,
            )

    def _answer(self, execution_arn: str, callback_id: str, answer: Answer) -> None:
        if self._store.load(execution_arn).is_complete:
            return  # too late: Lambda refuses it, and the emulator would write it into the finished history
        if answer.heartbeat:
            self.send_callback_heartbeat(callback_id)
        elif answer.error:
            self.send_callback_failure(callback_id, answer.error)
        else:
            self.send_callback_success(callback_id, None if answer.result is None else answer.result.encode())


def _new_execution(input: Any) -> Execution:
    """As the emulator's, with an ARN of Lambda's form; its last segment is the id of the EXECUTION operation."""
    execution_id = str(uuid.uuid4())
    arn = (
        f"arn:aws:lambda:{REGION}:{input.account_id}:function:{input.function_name}:{VERSION}"
        f"/durable-execution/{input.execution_name}/{execution_id}"
    )
    return Execution(arn, replace(input, invocation_id=execution_id, function_qualifier=VERSION), [])


# --- what the emulator leaves out ---------------------------------------------------------------------------------


def restored(
    events: Sequence[Mapping[str, Any]], execution: Execution, invocations: Sequence[Invocation]
) -> list[dict[str, Any]]:
    """The events as Lambda sends them: what the emulator drops, put back from its store record.

    Parameters
    ----------
    events
        As the emulator gives them.
    execution
        Its record: Updates, InvocationCompletions.
    invocations
        For those that crashed: the emulator keeps no trace of them, so they come from the recorder.
    """
    result = [copy.deepcopy(dict(event)) for event in events]
    updates: dict[str, list[Any]] = {}
    for update in execution.updates:
        updates.setdefault(update.operation_id, []).append(update)
    ends: dict[str, int] = {}
    completions = iter(
        sorted(execution.invocation_completions, key=lambda completion: completion.end_timestamp)
    )
    for event in result:
        kind, operation_id = event["EventType"], event.get("Id")
        for payload in event.get(f"{kind}Details", {}).values():
            if isinstance(payload, dict) and "Payload" in payload:
                payload["Truncated"] = False  # the emulator says True of some errors that it gives in full
        if kind == "InvocationCompleted":
            event["InvocationCompletedDetails"] = next(completions).to_dict()
        elif kind in {"StepStarted", "StepSucceeded", "StepFailed"}:
            update = updates[operation_id].pop(0)
            if kind != "StepStarted":
                ends[operation_id] = ends.get(operation_id, 0) + 1
                _restore_step_end(event[f"{kind}Details"], update, ends[operation_id])
        elif kind == "CallbackStarted":
            options = updates[operation_id][0].callback_options
            details = event["CallbackStartedDetails"]
            if options and options.timeout_seconds:
                details["Timeout"] = options.timeout_seconds
            if options and options.heartbeat_timeout_seconds:
                details["HeartbeatTimeout"] = options.heartbeat_timeout_seconds
        elif kind == "ChainedInvokeStarted":
            start = updates[operation_id][0]
            options, details = start.chained_invoke_options, event["ChainedInvokeStartedDetails"]
            if start.payload is not None:  # else the target could not be resolved, and nothing was executed
                details["ExecutedVersion"] = VERSION
            if options and options.tenant_id:
                details["TenantId"] = options.tenant_id
    for invocation in invocations:
        if invocation.error is not None:
            result.append(_crashed(invocation))
    result.sort(key=lambda event: event["EventTimestamp"])
    for number, event in enumerate(result, 1):
        event["EventId"] = number
    return result


def _restore_step_end(details: dict[str, Any], update: Any, attempt: int) -> None:
    """Lambda tells the attempt at every end, a delay only before a further one, and the state a poll returned."""
    retry = update.action.value == "RETRY"
    details["RetryDetails"] = {"CurrentAttempt": attempt}
    if retry and update.step_options:
        details["RetryDetails"]["NextAttemptDelaySeconds"] = update.step_options.next_attempt_delay_seconds
    if retry and update.error is None and update.payload is not None:
        details["Result"] = {"Payload": update.payload, "Truncated": False}


def _crashed(invocation: Invocation) -> dict[str, Any]:
    return {
        "EventType": "InvocationCompleted",
        "EventTimestamp": invocation.end,
        "EventId": 0,
        "InvocationCompletedDetails": {
            "StartTimestamp": invocation.start,
            "EndTimestamp": invocation.end,
            "RequestId": invocation.request_id,
            "Error": {"Payload": invocation.error, "Truncated": False},
        },
    }


def iso(value: Any) -> str:
    """A datetime as the AWS CLI v2 writes it; for ``json.dumps(default=...)``."""
    return value.isoformat(timespec="milliseconds" if value.microsecond % 1000 == 0 else "microseconds")
