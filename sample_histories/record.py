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
from aws_durable_execution_sdk_python_testing.web.serialization import JSONSerializer

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


def write(name: str, recording: Recording, separators: tuple[str, str] = (", ", ": ")) -> None:
    """One event a line: a person can still read it, and git can still compare it."""
    arn = json.dumps(recording.arn)
    events = ",\n".join(
        json.dumps(event, default=iso, separators=separators) for event in recording.history["Events"]
    )
    save(name, recording, f'{{"DurableExecutionArn": {arn}, "Events": [\n{events}\n]}}\n')


def write_raw(name: str, recording: Recording) -> None:
    """As the emulator's HTTP server answers: compact, epoch seconds, only the events."""
    body = JSONSerializer().to_bytes({"Events": recording.raw["Events"]})
    save(name, recording, body.decode())


def save(name: str, recording: Recording, text: str) -> None:
    path = HERE / f"{name}.json"
    path.write_text(text, encoding="utf-8")
    events = len(recording.history["Events"])
    print(f"{path.name:26} {recording.status:10} {events:5} events {len(text) / 1e3:8.1f} kB")


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


def raw_emulator() -> None:
    espresso = app("espresso")
    answers = {
        "barista-acceptance": [Answer(20, result='{"barista": "Ben"}')],
        "drink-ready": [Answer(70, result='{"bar": "bar 1"}')],
    }
    with RecordingRunner(espresso.handler, answers=answers, lambda_like=False) as runner:
        by_virtual_time(espresso, runner)
        recording = runner.record(ORDER, function_name="espresso", execution_name="order-402")
    write_raw("raw_emulator", recording)


# --- one application each -----------------------------------------------------------------------------------------


def payment_failed() -> None:
    items = [{"item": "beans", "cents": 1290, "count": 2}, {"item": "filter", "cents": 450, "count": 1}]
    with RecordingRunner(app("payment").handler) as runner:
        recording = runner.record(
            {"basketId": "b-77", "items": items}, function_name="payment", execution_name="basket-77"
        )
    write("payment_failed", recording)


def map_200() -> None:
    with RecordingRunner(app("map_items").handler) as runner:
        recording = runner.record(
            {"album": "lisbon", "photos": 200}, function_name="thumbnails", execution_name="album-lisbon"
        )
    write("map_200", recording)


def chained_invoke() -> None:
    order = app("order")
    event = {"orderId": "o-9", "items": [{"item": "kettle", "count": 1}, {"item": "cups", "count": 6}]}
    with RecordingRunner(order.handler) as runner:
        runner.register_function("price", order.price)
        runner.register_durable_function("reserve-stock", app("reserve_stock").handler)
        recording = runner.record(event, function_name="order", execution_name="order-9")
    write("chained_invoke", recording)
    write("chained_invoke_child", recording.children[0])


def poll_job() -> None:
    with RecordingRunner(app("poll_job").handler) as runner:
        recording = runner.record({"video": "keynote"}, function_name="transcode", execution_name="keynote")
    write("poll_job", recording)


def nested() -> None:
    event = {"from": "Porto", "to": "Lisbon", "hotels": ["Hotel Central", "Pensao Sol"]}
    with RecordingRunner(app("nested").handler) as runner:
        recording = runner.record(event, function_name="book-trip", execution_name="trip-lisbon")
    write("nested", recording)


def large_2900() -> None:
    event = {"month": "2026-10", "regions": 20, "customers": 72}
    with RecordingRunner(app("large").handler) as runner:
        recording = runner.record(event, function_name="invoice-run", execution_name="invoices-2026-10")
    write("large_2900", recording, separators=(",", ":"))


def suspended() -> None:
    event = {"employee": "kim", "manager": "lee", "receipts": [{"cents": 4200}, {"cents": 1850}]}
    with RecordingRunner(app("suspended").handler, look_after_seconds=2 * 86_400) as runner:
        recording = runner.record(
            event, function_name="expenses", execution_name="expenses-kim", execution_timeout=30 * 86_400
        )
    write("suspended", recording)


def shipping_v1() -> None:
    event = {"orderId": "s-31", "grams": 800, "address": "12 harbour street"}
    with RecordingRunner(app("shipping_v1").handler) as runner:
        recording = runner.record(event, function_name="shipping", execution_name="parcel-31")
    write("shipping_v1", recording)


SAMPLES: tuple[Callable[[], None], ...] = (
    espresso_completed,
    espresso_timed_out,
    espresso_cancelled,
    raw_emulator,
    payment_failed,
    map_200,
    chained_invoke,
    poll_job,
    nested,
    large_2900,
    suspended,
    shipping_v1,
)


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
