"""Run a durable function under the SDK's testing runner and write down its history as Lambda would give it.

The testing runner is the real SDK against an emulator of the service. Three things are added:

* *Virtual time* (virtual_time.py): two minutes are two minutes in the history, and none of ours.
* *A name*: an execution gets an ARN of Lambda's form, whose last segment is the id of the EXECUTION operation, and
  each invocation its own request id.
* *What the emulator leaves out* is put back from its own store record (restoring.py).
"""

from __future__ import annotations

import copy
import json
import time
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from unittest import mock

from aws_durable_execution_sdk_python.execution import DurableExecutionInvocationInputWithClient
from aws_durable_execution_sdk_python.lambda_service import ErrorObject
from aws_durable_execution_sdk_python_testing import runner as emulator_runner
from aws_durable_execution_sdk_python_testing.execution import Execution
from aws_durable_execution_sdk_python_testing.invoker import InvokeResponse, create_test_lambda_context
from aws_durable_execution_sdk_python_testing.runner import DurableFunctionTestRunner

from restoring import TIMED_OUT, VERSION, restored
from virtual_time import QUIET_SECONDS, VirtualClock, VirtualScheduler

REGION = "eu-west-1"
ACCOUNT = "123456789012"
ALL_EVENTS = 1_000_000


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
    None where it crashed with ``error``. ``end`` is None until it ends.
    """

    request_id: str
    start: datetime
    operations: list[dict[str, Any]]
    updated_operation_ids: list[str]
    end: datetime | None = None
    output: dict[str, Any] | None = None
    error: dict[str, Any] | None = None


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
        self._claims: dict[str, datetime] = {}
        self._invoker.create_invocation_input = self._claim
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
        invocations = tuple(_with_time_limit(self.invocations.get(arn, ())))
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

    def _claim(self, execution: Execution) -> Any:
        """Note when the state was taken that an invocation is given: that is when it starts.

        The emulator reads its clock a moment later, and what completes in between would seem to have been in it.
        """
        self._claims[execution.durable_execution_arn] = self.clock.now()
        return type(self._invoker).create_invocation_input(self._invoker, execution)

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
        state = input.initial_execution_state
        operations = state.operations
        if state.next_marker:  # only the first page; the handler asks for the others
            operations = self._store.load(input.durable_execution_arn).get_navigable_operations()
        begun = Invocation(
            request_id=request_id,
            start=self._claims[input.durable_execution_arn],
            operations=[operation.to_dict() for operation in operations],
            updated_operation_ids=list(input.updated_operation_ids),
        )
        noted = self.invocations.setdefault(input.durable_execution_arn, [])
        place = len(noted)
        noted.append(begun)
        output, error = None, None
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
            noted[place] = replace(begun, end=self.clock.now(), output=copy.deepcopy(output), error=error)

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


def _with_time_limit(invocations: Sequence[Invocation]) -> Iterator[Invocation]:
    """Those that the emulator gave up on: the next one began while they still ran, and what they did then was lost."""
    for invocation, next_one in zip(invocations, [*invocations[1:], None], strict=True):
        if next_one and (invocation.end is None or invocation.end > next_one.start):
            error = {
                "ErrorType": TIMED_OUT,
                "ErrorMessage": f"RequestId: {invocation.request_id} Error: Task timed out",
            }
            yield replace(invocation, end=None, output=None, error=error)
        else:
            yield invocation


def iso(value: Any) -> str:
    """A datetime as the AWS CLI v2 writes it; for ``json.dumps(default=...)``."""
    return value.isoformat(timespec="milliseconds" if value.microsecond % 1000 == 0 else "microseconds")
