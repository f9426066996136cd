"""An order that has another durable function reserve its stock, and a plain one price it: chained invokes.

The execution sleeps while the other functions work, for as long as that takes.
"""

import time

from aws_durable_execution_sdk_python import (
    DurableContext,
    InvokeError,
    StepContext,
    durable_execution,
    durable_step,
)


@durable_step
def confirm(step: StepContext, order_id: str, cents: int) -> str:
    time.sleep(0.15)
    return f"order {order_id} confirmed for {cents / 100:.2f} EUR"


def price(event: dict, context: object) -> dict:
    """A plain Lambda function, ``price``."""
    time.sleep(0.2)
    return {"cents": sum(249 * item["count"] for item in event["items"])}


@durable_execution
def handler(event: dict, context: DurableContext) -> dict:
    order_id, items = event["orderId"], event["items"]
    quote = context.invoke("price", {"items": items}, name="price-items")

    try:
        stock = context.invoke("reserve-stock:1", {"orderId": order_id, "items": items}, name="reserve-stock")
    except InvokeError as error:
        return {"orderId": order_id, "state": "SOLD_OUT", "reason": str(error)}

    confirmation = context.step(confirm(order_id, quote["cents"]), name="confirm")
    return {"orderId": order_id, "state": "CONFIRMED", "shelves": stock["shelves"], "text": confirmation}
