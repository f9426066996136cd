"""Serverless Espresso: a durable function that looks after one coffee order at a conference.

An attendee orders on a phone. The order is checked against the event's settings and against what the attendee has
had already; then it hangs on the barista's screen. A barista who takes it answers the callback. Nobody does within
two minutes: the order is released again, the attendee is told, and the execution fails. The attendee can also cancel
while the order hangs there.

Everything that touches the outside world happens in a step, so that a replay has its result without doing it again.
"""

import json
import time
from datetime import UTC, datetime, timedelta

from aws_durable_execution_sdk_python import (
    CallbackExternalError,
    CallbackTimeoutError,
    DurableContext,
    StepContext,
    durable_execution,
    durable_parallel_branch,
    durable_step,
    durable_wait_for_callback,
)
from aws_durable_execution_sdk_python.config import (
    Duration,
    ParallelConfig,
    StepConfig,
    WaitForCallbackConfig,
)
from aws_durable_execution_sdk_python.retries import (
    JitterStrategy,
    RetryStrategyConfig,
    create_retry_strategy,
)
from aws_durable_execution_sdk_python.types import WaitForCallbackContext

ACCEPTANCE_TIMEOUT = Duration.from_minutes(2)
COMPLETION_TIMEOUT = Duration.from_minutes(15)

# A throttled read is tried again after 1, 2 and 4 seconds.
LOOKUP = StepConfig(
    retry_strategy=create_retry_strategy(
        RetryStrategyConfig(
            max_attempts=4,
            initial_delay=Duration.from_seconds(1),
            backoff_rate=2,
            jitter_strategy=JitterStrategy.NONE,
        )
    )
)


class OrderRejected(Exception):
    """The order breaks a rule of the event."""


class OrderNotAccepted(Exception):
    """No barista took the order in time."""


class Throttled(Exception):
    """A table has had too many reads in this second."""


class Tables:
    """Stands in for the tables and queues of the real application, so that this one runs anywhere."""

    def __init__(self) -> None:
        self.last_number = 401
        self.throttled_reads = 0  # how many reads fail before one is answered
        self.orders_ahead = 1
        self.orders_had = 1

    def next_number(self) -> int:
        time.sleep(0.24)
        self.last_number += 1
        return self.last_number

    def event_config(self, event_id: str) -> dict:
        time.sleep(0.18)
        if self.throttled_reads:
            self.throttled_reads -= 1
            raise Throttled(f"too many reads of event {event_id!r}")
        return {"open": True, "ordersPerAttendee": 3, "ordersAhead": self.orders_ahead, "secondsPerDrink": 40}

    def orders_of(self, event_id: str, attendee: str) -> int:
        time.sleep(0.31)
        return self.orders_had

    def send(self, message: str) -> None:
        time.sleep(0.16)


tables = Tables()


@durable_step
def initialise_order(step: StepContext, event: dict) -> dict:
    """Draw the order's number. In a step, so that it is drawn once, however often the handler runs."""
    number = tables.next_number()
    step.logger.info("order %s for %s", number, event["attendee"])
    return {"number": number, "attendee": event["attendee"], "drink": event["drink"]}


@durable_parallel_branch(name="event-config")
def read_event_config(context: DurableContext, event_id: str) -> dict:
    return context.step(lambda _: tables.event_config(event_id), name="read-event-config", config=LOOKUP)


@durable_parallel_branch(name="attendee-orders")
def count_attendee_orders(context: DurableContext, event_id: str, attendee: str) -> int:
    return context.step(lambda _: tables.orders_of(event_id, attendee), name="count-orders", config=LOOKUP)


@durable_wait_for_callback
def show_to_barista(callback_id: str, context: WaitForCallbackContext, order: dict) -> None:
    """Put the order on the barista's screen. The "accept" button there answers callback_id."""
    tables.send(f"order {order['number']}: {order['drink']}? {callback_id}")


@durable_wait_for_callback
def start_drink(callback_id: str, context: WaitForCallbackContext, order: dict) -> None:
    """The barista presses "ready" when the cup is on the bar."""
    tables.send(f"order {order['number']}: ready? {callback_id}")


@durable_step
def release_order(step: StepContext, order: dict, reason: str) -> dict:
    """Undo initialise_order: the attendee may order again, and the screen forgets this order."""
    tables.send(f"order {order['number']} released: {reason}")
    return {"number": order["number"], "state": "RELEASED", "reason": reason}


@durable_step
def tell_attendee(step: StepContext, order: dict, text: str) -> None:
    tables.send(f"to {order['attendee']}: {text}")


@durable_execution
def handler(event: dict, context: DurableContext) -> dict:
    order = context.step(initialise_order(event), name="initialise-order")

    # Both look-ups at once; never more than two reads in flight, whatever is added here one day.
    checks = context.parallel(
        [
            read_event_config(event["eventId"]),
            count_attendee_orders(event["eventId"], order["attendee"]),
        ],
        name="validate-order",
        config=ParallelConfig(max_concurrency=2),
    )
    config, orders_had = checks.get_results()
    if not config["open"] or orders_had >= config["ordersPerAttendee"]:
        raise OrderRejected(
            f"{order['attendee']} has had {orders_had} of {config['ordersPerAttendee']} drinks"
        )

    # The clock is read in a step: a replay must see the time that it was, not the time that it is.
    ordered_at = context.step(lambda _: datetime.now(UTC), name="take-time")
    accept_before = ordered_at + timedelta(seconds=ACCEPTANCE_TIMEOUT.to_seconds())
    ready_at = ordered_at + timedelta(seconds=config["ordersAhead"] * config["secondsPerDrink"])
    context.logger.info("order %s could be ready at %s", order["number"], f"{ready_at:%H:%M:%S}")

    try:
        acceptance = context.wait_for_callback(
            show_to_barista(order),
            name="barista-acceptance",
            config=WaitForCallbackConfig(timeout=ACCEPTANCE_TIMEOUT),
        )
    except CallbackTimeoutError as error:
        reason = f"no barista accepted order {order['number']} before {accept_before:%H:%M:%S}"
        context.step(release_order(order, reason), name="release-order")
        context.step(
            tell_attendee(order, "Sorry, we are too busy. Please order again."), name="tell-attendee"
        )
        raise OrderNotAccepted(reason) from error
    except CallbackExternalError as error:  # the attendee's "cancel" button
        released = context.step(release_order(order, str(error)), name="release-order")
        return released | {"state": "CANCELLED"}

    barista = json.loads(acceptance)["barista"]
    context.step(tell_attendee(order, f"{barista} is making your {order['drink']}."), name="tell-attendee")

    ready = context.wait_for_callback(
        start_drink(order),
        name="drink-ready",
        config=WaitForCallbackConfig(timeout=COMPLETION_TIMEOUT),
    )
    bar = json.loads(ready)["bar"]
    context.step(tell_attendee(order, f"Your {order['drink']} is ready at {bar}."), name="tell-attendee")
    return order | {"state": "COMPLETED", "barista": barista, "bar": bar}
