"""Record the sample histories again: ``python sample_histories/record.py [NAME ...]``.

Each sample is one execution of an application in apps/, run by the real SDK against the testing SDK's emulator of
the service (recording.py). The shape of what comes out is always the same; ids and times are new each time.
"""

from __future__ import annotations

import importlib.util
import json
import logging
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType, SimpleNamespace

from aws_durable_execution_sdk_python.lambda_service import ErrorObject

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE))  # so that it runs from anywhere, as a script and when imported by a test

from recording import Answer, Recording, RecordingRunner, iso  # noqa: E402


def app(name: str) -> ModuleType:
    """A fresh copy of apps/NAME.py: each recording begins with the application's stand-ins as they are written."""
    spec = importlib.util.spec_from_file_location(
        name, HERE / "apps" / f"{name}.py"
    )  # errors carry the module's name
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def by_virtual_time(module: ModuleType, runner: RecordingRunner) -> None:
    """Let ``datetime.now`` in the application agree with the times in its history."""
    module.datetime = SimpleNamespace(now=lambda tz: runner.clock.now().astimezone(tz))


def write(name: str, recording: Recording, *, raw: bool = False) -> None:
    """One document a line an event, as a person can still read and git can still compare."""
    document = recording.raw if raw else recording.history
    events = ",\n".join("    " + json.dumps(event, default=iso) for event in document["Events"])
    path = HERE / f"{name}.json"
    path.write_text(
        f'{{\n  "DurableExecutionArn": {json.dumps(document["DurableExecutionArn"])},\n  "Events": [\n{events}\n  ]\n}}\n'
    )
    print(
        f"{path.name:28} {recording.status:10} {len(document['Events']):5} events {path.stat().st_size / 1e3:8.1f} kB"
    )


# --- the espresso order -------------------------------------------------------------------------------------------

ORDER = {"eventId": "reinvent-2026", "attendee": "ines", "drink": "flat white"}


def espresso_completed() -> None:
    espresso = app("espresso")
    espresso.tables.throttled_reads = 2
    answers = {
        "barista-acceptance": [Answer(48, result='{"barista": "Ana"}')],
        "drink-ready": [Answer(95, result='{"bar": "bar 2"}')],
    }
    with RecordingRunner(espresso.handler, answers=answers) as runner:
        by_virtual_time(espresso, runner)
        recording = runner.record(ORDER, function_name="espresso", execution_name="order-402")
    write("espresso_completed", recording)


def espresso_timed_out() -> None:
    espresso = app("espresso")
    espresso.tables.throttled_reads = 1
    espresso.tables.last_number = 417
    espresso.tables.orders_ahead = 9  # six minutes of work in front of it: nobody will look at it within two
    with RecordingRunner(espresso.handler) as runner:
        by_virtual_time(espresso, runner)
        recording = runner.record(
            ORDER | {"attendee": "jo", "drink": "espresso"},
            function_name="espresso",
            execution_name="order-418",
        )
    write("espresso_timed_out", recording)


def espresso_cancelled() -> None:
    espresso = app("espresso")
    cancel = ErrorObject("cancelled by the attendee", "OrderCancelled", None, None)
    with RecordingRunner(
        espresso.handler, answers={"barista-acceptance": [Answer(31, error=cancel)]}
    ) as runner:
        by_virtual_time(espresso, runner)
        recording = runner.record(
            ORDER | {"attendee": "sam", "drink": "cappuccino"},
            function_name="espresso",
            execution_name="order-403",
        )
    write("espresso_cancelled", recording)


SAMPLES: tuple[Callable[[], None], ...] = (espresso_completed, espresso_timed_out, espresso_cancelled)


def main(names: list[str]) -> None:
    logging.disable()  # the applications fail on purpose, and the SDK tells of it at length
    known = {sample.__name__: sample for sample in SAMPLES}
    unknown = [name for name in names if name not in known]
    if unknown:
        sys.exit(f"no sample {', '.join(unknown)}; there are: {', '.join(known)}")
    for name in names or known:
        known[name]()


if __name__ == "__main__":
    main(sys.argv[1:])
