"""Replaying and debugging, measured beside the SDK's own replay loop and beside Temporal's Python Replayer.

All the ratios of one line come from one run of this process, turn and turn about. A replay is of a `History` that is
loaded already; the SDK's loop is given its state ready-made, too.
"""

from __future__ import annotations

import gc
import json
import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, Callable

import durable_debug as dd
from aws_durable_execution_sdk_python import DurableContext, durable_execution
from aws_durable_execution_sdk_python.execution import (
    DurableExecutionInvocationInputWithClient,
    InitialExecutionState,
)
from aws_durable_execution_sdk_python.lambda_service import Operation
from aws_durable_execution_sdk_python.serdes import serialize
from aws_durable_execution_sdk_python.state import ExecutionState, _Signal
from durable_debug.engine.runners import record
from durable_debug.history import operation_id
from durable_debug.options import Options

SAMPLES = Path(__file__).parent.parent.parent / "sample_histories"
ARN = "arn:aws:lambda:eu-west-1:111122223333:function:bench:1/durable-execution/bench/{}"


@durable_execution
def handler(event: dict, context: DurableContext) -> dict:
    total = 0
    last = None
    for number in range(1, event["steps"] + 1):
        last = context.step(lambda _: {"n": number}, name=f"step-{number}")
        total += last["n"]
    return last


def history_of(steps: int) -> dd.History:
    """A history of as many steps as the handler takes, each with a payload of 130 characters."""
    at = 1_795_295_156.874
    execution = {"Id": "9b2ae6c4-6f4f-4b4c-8f46-0b1d3c1a7c11", "Name": "bench"}

    def event(kind: str, number: int, **fields: Any) -> dict[str, Any]:
        return {
            "EventType": kind,
            "EventId": number,
            "EventTimestamp": round(at + number / 1000, 3),
            **fields,
        }

    def payload(text: str | None) -> dict[str, Any]:
        return {"Payload": text, "Truncated": False}

    given = {"Input": payload(json.dumps({"steps": steps})), "ExecutionTimeout": 3600}
    events = [event("ExecutionStarted", 1, **execution, ExecutionStartedDetails=given)]
    value: dict[str, Any] = {}
    for n in range(1, steps + 1):
        own = {"Id": operation_id(None, n), "Name": f"step-{n}", "SubType": "Step"}
        value = {"n": n, "text": "x" * 80}
        result = payload(serialize(None, value, own["Id"], ARN))  # as the SDK writes it
        done = {"Result": result, "RetryDetails": {"CurrentAttempt": 1}}
        events.append(event("StepStarted", 2 * n, **own, StepStartedDetails={}))
        events.append(event("StepSucceeded", 2 * n + 1, **own, StepSucceededDetails=done))
    ended = {"Result": payload(json.dumps(value))}
    events.append(event("ExecutionSucceeded", len(events) + 1, **execution, ExecutionSucceededDetails=ended))
    return dd.load({"Events": events, "DurableExecutionArn": ARN.format(execution["Id"])})


class Nowhere:
    """A service client that is never asked for anything in a replay."""

    def checkpoint(self, *_: Any, **__: Any) -> Any:
        raise AssertionError("checkpoint")

    get_execution_state = checkpoint


class LambdaContext:
    aws_request_id = "bench"
    function_name = "bench"

    def get_remaining_time_in_millis(self) -> int:
        return 900_000


def quickest(functions: dict[str, Callable[[], Any]], rounds: int) -> dict[str, tuple[float, float]]:
    """The quickest of so many turns of each, in seconds by the clock and of processor time."""
    best = dict.fromkeys(functions, (float("inf"), float("inf")))
    for _ in range(rounds):
        for name, function in functions.items():
            gc.collect()
            clock, cpu = time.perf_counter(), time.process_time()
            function()
            taken = time.perf_counter() - clock, time.process_time() - cpu
            best[name] = min(best[name][0], taken[0]), min(best[name][1], taken[1])
    return best


def sdk_pass(history: dd.History, handler: Callable[..., Any] = handler) -> Callable[[], Any]:
    """The SDK's own replay of a history's last state."""
    operations = [Operation.from_dict(wire) for wire in history.final_state()]

    def run() -> None:
        event = DurableExecutionInvocationInputWithClient(
            history.arn, "token", InitialExecutionState(operations, ""), service_client=Nowhere()
        )
        assert handler(event, LambdaContext())["Status"] == "SUCCEEDED"

    return run


def without_shutdown_wait(run: Callable[[], Any]) -> Callable[[], Any]:
    """The same with the SDK's checkpoint thread woken when it is told to end, instead of sleeping out its 0.1 s."""

    def woken() -> None:
        stop = ExecutionState.stop_checkpointing

        def stop_checkpointing(self: ExecutionState) -> None:
            stop(self)
            self._checkpoint_queue.put(_Signal.REFRESH_WAKE)

        ExecutionState.stop_checkpointing = stop_checkpointing  # type: ignore[method-assign]
        try:
            run()
        finally:
            ExecutionState.stop_checkpointing = stop  # type: ignore[method-assign]

    return woken


class EveryStop:
    """Writes down each call: where, and every variable as a debugger would show it. It never holds."""

    def __init__(self) -> None:
        self.stops: list[Any] = []

    def __call__(self, call: Any, frame: Any) -> None:
        self.stops.append((call.position, frame.place.line, frame.variables()))


def replayed(history: dd.History) -> Callable[[], Any]:
    def run() -> None:
        assert dd.replay(handler, history).status == "SUCCEEDED"

    return run


def recorded(history: dd.History) -> Callable[[], Any]:
    """One pass through the seam, as a debugger makes it, beside a recording that was made before."""
    first = record(handler, history, Options())

    def run() -> None:
        every = EveryStop()
        held = first.runner.hold(first, None, hangs_after=None)
        assert held.go(every) is None  # it has ended
        assert len(every.stops) == len(first.calls)

    return run


def table(title: str, best: dict[str, tuple[float, float]]) -> None:
    print(title)
    for name, (clock, cpu) in best.items():
        print(f"{clock * 1e3:10.2f} ms  {name} ({cpu * 1e3:.2f} ms of processor time)")


def say(name: str, value: float, aim: str, unit: str = "×") -> None:
    print(f"{value:10.2f} {unit:3} {name}  (aim: {aim})", flush=True)


def small() -> None:
    history = history_of(20)
    document = {"Events": list(history.raw), "DurableExecutionArn": history.arn}
    best = quickest(
        {
            "the SDK's loop": sdk_pass(history),
            "dd.replay": replayed(history),
            "dd.replay(…).ok": lambda: dd.replay(handler, history).ok,
            "dd.replay(…, dd.load(…)).ok": lambda: dd.replay(handler, dd.load(document)).ok,
        },
        rounds=30,
    )
    table("20 operations", best)
    loop = best["the SDK's loop"][0]
    say("as quick as the plain SDK replay loop, 20 operations", loop / best["dd.replay"][0], "at least 30")
    say("the same, loaded anew and compared", loop / best["dd.replay(…, dd.load(…)).ok"][0], "at least 30")


def large() -> None:
    history = history_of(2_899)
    best = quickest(
        {
            "the SDK's own pass": without_shutdown_wait(sdk_pass(history)),
            "dd.replay": replayed(history),
            "dd.replay(…).ok": lambda: dd.replay(handler, history).ok,
            "with every stop recorded": recorded(history),
        },
        rounds=15,
    )
    table("2,900 operations", best)
    clock, cpu = (best["dd.replay"][i] / best["the SDK's own pass"][i] for i in (0, 1))
    say("the SDK's own pass without its shutdown wait, 2,900 operations", clock, "at most 1.3")
    say("the same in processor time", cpu, "at most 1.3")
    say(
        "of a replay, with every stop and its variables recorded",
        best["with every stop recorded"][0] / best["dd.replay"][0],
        "at most 3",
    )


def sample() -> None:
    """The large sample has its operations in completed child contexts, which the SDK alone does not enter."""
    sys.path.insert(0, str(SAMPLES / "apps"))
    import large as app

    history = dd.load(SAMPLES / "large_2900.json")
    best = quickest(
        {
            "the SDK's own pass (28 operations asked for)": without_shutdown_wait(
                sdk_pass(history, app.handler)
            ),
            "dd.replay(…, enter=False)": lambda: dd.replay(app.handler, history, enter=False),
            "dd.replay (2,906 operations asked for)": lambda: dd.replay(app.handler, history),
        },
        rounds=7,
    )
    table("large_2900.json", best)


def back() -> None:
    with dd.debug(handler, history_of(2_899)) as dbg:
        dbg.goto(index=2_890)
        taken = []
        for _ in range(9):
            gc.collect()
            start = time.perf_counter()
            dbg.step_back()
            taken.append(time.perf_counter() - start)
        say(
            "step_back near the end of 2,900 operations, median",
            statistics.median(taken) * 1e3,
            "at most 150",
            "ms",
        )
        dbg.restart()
        start = time.perf_counter()
        while dbg.stop.kind != "end":
            dbg.step_in()
        say(
            "to step through all 2,900 operations one by one",
            (time.perf_counter() - start) * 1e3,
            "none",
            "ms",
        )


def imports() -> None:
    def new_process(code: str) -> Callable[[], Any]:
        return lambda: subprocess.run([sys.executable, "-c", code], check=True)

    best = quickest({"bare": new_process("pass"), "ours": new_process("import durable_debug")}, rounds=7)
    say("to import durable_debug", best["ours"][0] - best["bare"][0], "at most 0.35", "s")


def temporal() -> None:
    """Beside them, replays a second of Temporal's Python Replayer on histories of 20 activities."""
    history = history_of(20)
    start = time.perf_counter()
    for _ in range(100):
        dd.replay(handler, history)
    say("replays a second, 20 operations", 100 / (time.perf_counter() - start), "none", "/s")
    try:
        from tests.benchmarks.temporal import replays_a_second
    except ModuleNotFoundError as error:
        if error.name != "temporalio":
            raise
        print("temporalio is not installed here: `make bench` does that")
        return
    for sandboxed in (True, False):
        how = "sandboxed" if sandboxed else "unsandboxed"
        say(f"of Temporal's Replayer, {how}", replays_a_second(sandboxed=sandboxed), "none", "/s")


def main() -> None:
    small()
    large()
    sample()
    back()
    imports()
    temporal()


if __name__ == "__main__":
    main()
