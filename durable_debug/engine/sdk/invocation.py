"""One invocation of a handler through the SDK."""

from __future__ import annotations

import functools
import os
from typing import TYPE_CHECKING, Any, cast

from aws_durable_execution_sdk_python import durable_execution
from aws_durable_execution_sdk_python.execution import (
    InitialExecutionState,
)

from durable_debug.engine import capture
from durable_debug.engine.guard import guarded, unguarded
from durable_debug.engine.sdk.contexts import adopt
from durable_debug.engine.sdk.copies import snapshot
from durable_debug.engine.sdk.frames import users_code
from durable_debug.engine.sdk.service import InvocationEvent, NoAws, Service
from durable_debug.engine.sdk.state import ReplayState

if TYPE_CHECKING:
    from collections.abc import Callable

    from aws_durable_execution_sdk_python.context import DurableContext
    from aws_durable_execution_sdk_python.lambda_service import (
        Operation,
    )

    from durable_debug.engine.ongoing_pass import OngoingPass


def invoke(  # noqa: PLR0913
    func: Callable[[Any, DurableContext], Any],
    around: Callable[[Callable[..., Any]], Callable[..., Any]] | None,
    *,
    arn: str,
    operations: list[Operation],
    ongoing: OngoingPass,
    lambda_context: Any,
) -> dict[str, Any]:
    """Run a handler once, in this thread and those that the SDK makes, and give the invocation's output.

    Parameters
    ----------
    func
        The user's own function, from inside `durable_execution`.
    around
        Puts the user's other decorators around a durable handler; None if there are none.
    operations
        What the service sends at the invocation's start, the EXECUTION operation first.

    Raises
    ------
    BaseException
        Whatever ends the invocation without an output, `ReplayStop` and SystemExit included.
    """

    @functools.wraps(func)
    def seen(event: Any, context: DurableContext) -> Any:
        ReplayState.spare(context.state)
        root = adopt(context, ongoing)
        if ongoing.veil is not None:
            event = ongoing.veil.over(event)

        ongoing.seen.note_thread()
        capture.attach(ongoing)
        with users_code(ongoing):
            try:
                result = func(event, root)
            except Exception as error:
                ongoing.seen.error = error
                if ongoing.rules.observer is not None:
                    with unguarded():
                        ongoing.rules.observer.raised(error)
                raise
        # Of an aligned pass it is looked at again, and a module may hold it.
        ongoing.seen.returned = (snapshot(result) if ongoing.rules.matcher is not None else result,)
        return result

    hidden = os.environ.pop("DURABLE_EXECUTION_PLUGINS", None)  # instrumentation has no part in a replay
    try:
        durable = durable_execution(seen, boto3_client=cast("Any", NoAws()), plugins=[])
    finally:
        if hidden is not None:
            os.environ["DURABLE_EXECUTION_PLUGINS"] = hidden
    event = InvocationEvent(
        durable_execution_arn=arn,
        checkpoint_token="replay",  # noqa: S106
        initial_execution_state=InitialExecutionState(operations, ""),
        service_client=cast("Any", Service(ongoing)),
    )
    if around is not None:
        event.update(event.to_json_dict())
        durable = around(durable)
    with guarded(ongoing.scope):  # decorators are the user's code, too
        return cast("dict[str, Any]", durable(event, lambda_context))
