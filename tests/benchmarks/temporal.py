"""The peer: Temporal's Python Replayer over workflow histories of 20 activities, the shape of our 20 steps."""

from __future__ import annotations

import asyncio
import base64
import time
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

from temporalio import workflow
from temporalio.client import WorkflowHistory
from temporalio.worker import Replayer, UnsandboxedWorkflowRunner

ACTIVITIES = 20


@workflow.defn(name="Steps")
class Steps:
    @workflow.run
    async def run(self) -> str:
        result = ""
        for n in range(1, ACTIVITIES + 1):
            result = await workflow.execute_activity(
                f"step-{n}", start_to_close_timeout=timedelta(seconds=10)
            )
        return result


def history(number: int) -> WorkflowHistory:
    """A completed execution of the workflow above, as the server's JSON has it."""
    events: list[dict[str, Any]] = []
    queue = {"taskQueue": {"name": "bench", "kind": "TASK_QUEUE_KIND_NORMAL"}}
    encoded = [
        base64.b64encode(text.encode()).decode() for text in ("json/plain", '"a result of some characters"')
    ]
    result = {"result": {"payloads": [{"metadata": {"encoding": encoded[0]}, "data": encoded[1]}]}}

    def add(kind: str, **attributes: Any) -> str:
        first, *rest = kind.split("_")
        key = f"{first.lower()}{''.join(part.title() for part in rest)}EventAttributes"
        at = f"2026-11-21T10:{len(events) // 60:02}:{len(events) % 60:02}Z"
        events.append(
            {
                "eventId": str(len(events) + 1),
                "eventTime": at,
                "eventType": f"EVENT_TYPE_{kind}",
                key: attributes,
            }
        )
        return str(len(events))

    def workflow_task() -> dict[str, str]:
        scheduled = {
            "scheduledEventId": add("WORKFLOW_TASK_SCHEDULED", **queue, startToCloseTimeout="10s", attempt=1)
        }
        started = add("WORKFLOW_TASK_STARTED", **scheduled, requestId="r")
        return {
            "workflowTaskCompletedEventId": add(
                "WORKFLOW_TASK_COMPLETED", **scheduled, startedEventId=started
            )
        }

    run = f"run-{number}"
    ids = {"originalExecutionRunId": run, "firstExecutionRunId": run}
    add(
        "WORKFLOW_EXECUTION_STARTED",
        workflowType={"name": "Steps"},
        **queue,
        **ids,
        workflowTaskTimeout="10s",
        attempt=1,
    )
    completed = workflow_task()
    for n in range(1, ACTIVITIES + 1):
        what = {"activityId": str(n), "activityType": {"name": f"step-{n}"}}
        scheduled = {
            "scheduledEventId": add(
                "ACTIVITY_TASK_SCHEDULED", **what, **queue, **completed, startToCloseTimeout="10s"
            )
        }
        started = add("ACTIVITY_TASK_STARTED", **scheduled, requestId="r", attempt=1)
        add("ACTIVITY_TASK_COMPLETED", **scheduled, startedEventId=started, **result)
        completed = workflow_task()
    add("WORKFLOW_EXECUTION_COMPLETED", **result, **completed)
    return WorkflowHistory.from_json(f"workflow-{number}", {"events": events})


def replays_a_second(count: int = 100, *, sandboxed: bool) -> float:
    """Replays of `replay_workflows` in a second; each must do what its history says."""
    histories = [history(number) for number in range(count)]
    options: dict[str, Any] = {} if sandboxed else {"workflow_runner": UnsandboxedWorkflowRunner()}

    async def each() -> AsyncIterator[WorkflowHistory]:
        for one in histories:
            yield one

    async def measured() -> float:
        replayer = Replayer(workflows=[Steps], **options)
        await replayer.replay_workflows(each())  # the first start of its core
        start = time.perf_counter()
        await replayer.replay_workflows(each())
        return count / (time.perf_counter() - start)

    return asyncio.run(measured())
