"""Bodies of ended contexts, entered for the eye only: what they ask for is seen, and answers nothing.

Lambda does not run them; the handler is answered from the context's own checkpoint, here as there.
"""

from __future__ import annotations

import contextlib
import dataclasses
from typing import TYPE_CHECKING, Any, Self, cast

from aws_durable_execution_sdk_python.constants import CHECKPOINT_SIZE_LIMIT_BYTES
from aws_durable_execution_sdk_python.exceptions import SuspendExecution
from aws_durable_execution_sdk_python.lambda_service import (
    OperationStatus,
)
from aws_durable_execution_sdk_python.serdes import deserialize, serialize

from durable_debug.engine.guard import harmless
from durable_debug.engine.ongoing_pass import LeaveBody
from durable_debug.engine.sdk.answering import AnsweringContext
from durable_debug.engine.sdk.copies import snapshot
from durable_debug.engine.sdk.frames import users_code
from durable_debug.engine.sdk.payloads import TERMINAL

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from aws_durable_execution_sdk_python.config import (
        ChildConfig,
    )
    from aws_durable_execution_sdk_python.context import DurableContext

    from durable_debug.engine.sdk.calls import SdkBody, SdkCall
    from durable_debug.engine.sdk.counter import Counter


class EnteringContext(AnsweringContext):
    """The SDK's context, with what it takes to look into the body of a context that has ended."""

    def _enter_ended(
        self, call: SdkCall, body: Callable[[DurableContext], Any], config: ChildConfig[Any] | None
    ) -> int:
        """Run the body of a completed child context over its recorded operations, for the eye only.

        The answer still comes from the SDK and the checkpoint, as on Lambda.

        Returns
        -------
        int
            How many operations the body asked of this context instead of its own.
        """
        recorded = call.recorded
        if (
            self._silent
            or recorded is None
            or recorded.status not in TERMINAL
            or not self._ongoing.rules.enter
        ):
            return 0
        details = recorded.context_details
        if details is not None and details.replay_children:
            return 0  # the SDK itself runs the body again: that is the look
        counter = self._step_counter
        counter.increment()  # so it was when the body ran
        here = counter.get_current()
        context = self._body_context(call, call.operation_id)
        self._run_ended(call, lambda: body(context))
        asked_here = counter.get_current() - here
        cast("Counter", counter)._counter = here - 1
        if config is not None and config.summary_generator is not None:
            self._settle_summary(call, config)
        return asked_here

    @contextlib.contextmanager
    def _counting_also(self, asked_here: int) -> Iterator[None]:
        try:
            yield
        finally:
            cast("Counter", self._step_counter)._counter += asked_here

    def _settle_summary(self, call: SdkCall, config: ChildConfig[Any]) -> None:
        """Tell a summary from a result, which the events do not.

        A summary is what can't be read as a result; or else the SDK's own rule tells, the size of what the body gives.
        Source: `ChildOperationExecutor.execute`.
        """
        recorded, arn = call.recorded, self.state.durable_execution_arn
        details = recorded.context_details if recorded is not None else None
        if recorded is None or details is None or recorded.status is not OperationStatus.SUCCEEDED:
            return
        is_summary = False
        with harmless():
            try:
                deserialize(config.serdes, details.result or "", call.operation_id, arn)
            except Exception:  # noqa: BLE001 - whatever a codec says to a text that it never wrote
                is_summary = True
            if call.body is not None and call.body.how == "returned":
                with contextlib.suppress(Exception):
                    text = serialize(config.serdes, cast("SdkBody", call.body).value, call.operation_id, arn)
                    is_summary |= text is not None and len(text) > CHECKPOINT_SIZE_LIMIT_BYTES
        if is_summary:
            self.state._operations[call.operation_id] = call.recorded = dataclasses.replace(
                recorded, context_details=dataclasses.replace(details, replay_children=True)
            )
            self._ongoing.here.silence = call.operation_id

    def _run_ended(self, call: SdkCall, body: Callable[[], Any]) -> None:
        local = self._ongoing.here
        counted = self._counted()
        local.inside_ended += 1
        call.entered = True
        try:
            with users_code(self._ongoing):
                call.ended("returned", snapshot(body()))
        except (LeaveBody, SuspendExecution):
            call.ended("left")
        except Exception as error:  # noqa: BLE001 - kept, and told where it matters
            call.ended("raised", error)
        finally:
            local.inside_ended -= 1
            if (
                self._ongoing.rules.matcher is None
            ):  # Lambda does not run this body: whatever it asked of outer contexts is not
                for counter, count in counted:
                    counter._counter = count

    def _counted(self) -> list[tuple[Counter, int]]:
        """The counters of this context and of those around it, as they stand."""
        found: list[tuple[Counter, int]] = []
        context: AnsweringContext | None = self
        while context is not None:
            counter = cast("Counter", context._step_counter)
            found.append((counter, counter.get_current()))
            context = context._outer
        return found

    def _body_context(self, call: SdkCall, operation_id: str, *, virtual: bool = False) -> Self:
        context = super().create_child_context(operation_id, is_virtual=virtual)
        return self._adopted(context, call.position, call)
