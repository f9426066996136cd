"""A parcel comes back to a shop.

The warehouse looks at it and answers a callback, in days. What is whole is refunded; what is damaged is claimed from the
carrier and replaced. After a day in which the customer may object, the return is closed.
"""

import json

from aws_durable_execution_sdk_python import (
    DurableContext,
    StepContext,
    durable_execution,
    durable_step,
    durable_wait_for_callback,
)
from aws_durable_execution_sdk_python.config import Duration, WaitForCallbackConfig
from aws_durable_execution_sdk_python.types import WaitForCallbackContext


@durable_step
def look_up(step: StepContext, order: str) -> dict:
    return {"order": order, "cents": 1000 + 7 * int(order.removeprefix("o-"))}


@durable_wait_for_callback
def ask_warehouse(callback_id: str, context: WaitForCallbackContext, order: dict) -> None:
    """Put the parcel on the warehouse's list. Its answer goes to callback_id."""


@durable_step
def claim_from_carrier(step: StepContext, order: dict) -> str:
    return f"claim-{order['order']}"


@durable_step
def send_again(step: StepContext, order: dict) -> str:
    return f"parcel-{order['order']}"


@durable_step
def refund(step: StepContext, order: dict) -> int:
    return order["cents"]


@durable_step
def tell_customer(step: StepContext, order: dict, text: str) -> None:
    pass


@durable_execution
def handler(event: dict, context: DurableContext) -> dict:
    order = context.step(look_up(event["order"]), name="look-up-order")
    answer = context.wait_for_callback(
        ask_warehouse(order),
        name="inspection",
        config=WaitForCallbackConfig(timeout=Duration.from_days(10)),
    )
    if json.loads(answer)["damaged"]:
        context.step(claim_from_carrier(order), name="claim")
        context.step(send_again(order), name="replace")
        closed = {"order": order["order"], "outcome": "replaced"}
    else:
        cents = context.step(refund(order), name="refund")
        closed = {"order": order["order"], "outcome": "refunded", "cents": cents}
    context.wait(Duration.from_days(1), name="time-to-object")
    context.step(tell_customer(order, f"Your return is {closed['outcome']}."), name="tell-customer")
    return closed
