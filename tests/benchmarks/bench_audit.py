"""Auditing 2,000 histories of 20 operations each, in histories a second.

At one job and at two, beyond start-up; the memory of the process that replays, early and late; beside the plain SDK's
own replay loop (each waits 0.1 s for the SDK's checkpoint thread to end), and Temporal's Python Replayer over workflow
histories of 20 activities, where `temporalio` is installed (`make bench` does that).
"""

from __future__ import annotations

import json
import logging
import resource
import sys
import tempfile
import time
from pathlib import Path

from aws_durable_execution_sdk_python import durable_execution
from aws_durable_execution_sdk_python.execution import (
    DurableExecutionInvocationInputWithClient,
    InitialExecutionState,
)

import durable_debug as dd
from durable_debug.audits.audit import audit
from durable_debug.history import operation_id
from durable_debug.engine.script import script_for

HISTORIES, OPERATIONS = 2_000, 20
AIM_RATE, AIM_TWO = 400, 1.8

HANDLER = """
from aws_durable_execution_sdk_python import durable_execution

@durable_execution
def handler(event, context):
    found = [context.step(lambda _: n, name=f"step-{n}") for n in range(1, 21)]
    return found[-1]
"""


def document(number: int) -> dict[str, object]:
    """A history of so many steps, as the handler above makes it."""
    at = 1_795_295_156.874 + number

    def event(kind: str, event_id: int, **fields: object) -> dict[str, object]:
        return {
            "EventType": kind,
            "EventId": event_id,
            "EventTimestamp": round(at + event_id / 1000, 3),
            **fields,
        }

    result = {"Payload": '"a result of some characters"', "Truncated": False}
    execution = {"Id": f"9b2ae6c4-6f4f-4b4c-8f46-{number:012}", "Name": f"bench-{number}"}
    given = {"Input": {"Payload": "{}", "Truncated": False}, "ExecutionTimeout": 3600}
    events = [event("ExecutionStarted", 1, **execution, ExecutionStartedDetails=given)]
    for n in range(1, OPERATIONS + 1):
        own = {"Id": operation_id(None, n), "Name": f"step-{n}", "SubType": "Step"}
        events.append(event("StepStarted", 2 * n, **own, StepStartedDetails={}))
        ended = {"Result": result, "RetryDetails": {"CurrentAttempt": 1}}
        events.append(event("StepSucceeded", 2 * n + 1, **own, StepSucceededDetails=ended))
    events.append(
        event(
            "ExecutionSucceeded", len(events) + 1, **execution, ExecutionSucceededDetails={"Result": result}
        )
    )
    return {"Events": events}


def audited(handler: str, paths: list[Path], jobs: int) -> float:
    """Histories a second beyond start-up: what the further histories cost over the first few."""
    few = paths[: 20 * jobs]
    start = time.perf_counter()
    audit(handler, few, n_jobs=jobs, progress=False).raise_for_divergence()
    between = time.perf_counter()
    audit(handler, paths, n_jobs=jobs, progress=False).raise_for_divergence()
    end = time.perf_counter()
    return (len(paths) - len(few)) / ((end - between) - (between - start))


def plain_loop(path: Path, rounds: int = 10) -> float:
    """Replays a second of the SDK alone, over the state that a history leaves."""
    space: dict[str, object] = {}
    exec(HANDLER, space)
    handler = durable_execution(space["handler"].__wrapped__)
    script = script_for(dd.load(path))
    logging.getLogger("aws_durable_execution_sdk_python").setLevel(logging.CRITICAL)
    start = time.perf_counter()
    for _ in range(rounds):
        event = DurableExecutionInvocationInputWithClient(
            script.arn.arn, "token", InitialExecutionState(script.operations, ""), service_client=Silent()
        )
        assert handler(event, None)["Status"] == "SUCCEEDED"
    return rounds / (time.perf_counter() - start)


class Silent:
    """A service that nothing is sent to."""

    def checkpoint(self, *_: object, **__: object) -> None:
        raise AssertionError("a replay sends nothing")

    get_execution_state = checkpoint


def peers() -> dict[str, float]:
    """Replays a second of Temporal's Replayer, in its sandbox and without."""
    try:
        from tests.benchmarks.temporal import replays_a_second
    except ModuleNotFoundError as error:
        if error.name != "temporalio":
            raise
        return {}
    return {
        f"Temporal's replay_workflows, {how}": replays_a_second(sandboxed=sandboxed)
        for how, sandboxed in (("sandboxed", True), ("unsandboxed", False))
    }


def megabytes() -> float:
    """The most memory that any process started from here has had."""
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * unit / 1e6


def main() -> None:
    """Print the rates."""
    with tempfile.TemporaryDirectory() as directory:
        folder = Path(directory)
        (folder / "app.py").write_text(HANDLER)
        handler = f"{folder / 'app.py'}:handler"
        paths = [folder / f"{number:04}.json" for number in range(HISTORIES)]
        for number, path in enumerate(paths):
            path.write_text(json.dumps(document(number)))
        audit(handler, paths[:200], n_jobs=1, progress=False)
        early = megabytes()
        rates = {jobs: audited(handler, paths, jobs) for jobs in (1, 2)}
        late = megabytes()
        loop = plain_loop(paths[0])
    print(f"{rates[1]:8.0f} /s  audit, 1 job (aim: at least {AIM_RATE})")
    print(f"{rates[2]:8.0f} /s  audit, 2 jobs: {rates[2] / rates[1]:.2f} times 1 (aim: at least {AIM_TWO})")
    print(f"{loop:8.1f} /s  the SDK's own replay in a loop: {rates[1] / loop:.0f} times slower than 1 job")
    for name, rate in peers().items():
        print(f"{rate:8.1f} /s  {name}: {rates[1] / rate:.0f} times slower than 1 job")
    print(
        f"{early:8.0f} MB  most of a replaying process after 200 histories, {late:.0f} MB after {HISTORIES:,}"
    )


if __name__ == "__main__":
    main()
