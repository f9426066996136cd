"""A trip is booked: child contexts within child contexts, each a part of the trip that is finished as a whole.

A child context that is complete answers from its checkpoint; what is inside it does not run again.
"""

import time

from aws_durable_execution_sdk_python import (
    ChildContextError,
    DurableContext,
    StepContext,
    durable_execution,
    durable_step,
    durable_with_child_context,
)
from aws_durable_execution_sdk_python.config import ChildConfig, Duration, StepConfig
from aws_durable_execution_sdk_python.retries import RetryPresets


class NoRoom(Exception):
    """The hotel is full."""


@durable_step
def reserve(step: StepContext, what: str) -> str:
    time.sleep(0.1 + len(what) / 100)
    if what == "Hotel Central":
        raise NoRoom(f"{what} has no room left")
    return f"{what}: {sum(map(ord, what)) % 9000 + 1000}"


@durable_with_child_context
def book_leg(context: DurableContext, start: str, end: str) -> dict:
    train = context.step(reserve(f"train {start}-{end}"), name="reserve-train")
    # Seats can be chosen a moment after the train is booked.
    context.wait(Duration.from_seconds(20), name="until-seats-open")
    seat = context.step(reserve(f"seat {start}-{end}"), name="reserve-seat")
    return {"train": train, "seat": seat}


@durable_with_child_context
def book_trains(context: DurableContext, start: str, end: str) -> list[dict]:
    outbound = context.run_in_child_context(book_leg(start, end), name="outbound")
    inbound = context.run_in_child_context(book_leg(end, start), name="inbound")
    return [outbound, inbound]


@durable_with_child_context
def book_hotel(context: DurableContext, hotel: str) -> str:
    # A full hotel stays full: without a strategy of its own the step would be tried six times.
    once = StepConfig(retry_strategy=RetryPresets.none())
    room = context.step(reserve(hotel), name="reserve-room", config=once)
    context.step(reserve(f"breakfast at {hotel}"), name="reserve-breakfast")
    return room


@durable_execution
def handler(event: dict, context: DurableContext) -> dict:
    trains = context.run_in_child_context(book_trains(event["from"], event["to"]), name="trains")

    room = None
    for attempt, hotel in enumerate(event["hotels"], 1):
        try:
            room = context.run_in_child_context(book_hotel(hotel), name=f"hotel-{attempt}")
            break
        except ChildContextError as error:
            context.logger.info("%s: %s", hotel, error)

    # A virtual context groups steps without an operation of its own.
    papers = context.run_in_child_context(
        lambda child: [child.step(reserve(f"paper {n}"), name=f"print-{n}") for n in (1, 2)],
        name="papers",
        config=ChildConfig(is_virtual=True),
    )
    return {"trains": trains, "room": room, "papers": len(papers)}
