"""A parcel is shipped: the PRESENT version.

Two changes since shipping_v1.py, each harmless to new executions and fatal to one that is under way: an address is
checked before anything is packed (every operation after it moves one place), and "pack" has become "pack-parcel".
"""

import time

from aws_durable_execution_sdk_python import DurableContext, StepContext, durable_execution, durable_step
from aws_durable_execution_sdk_python.config import Duration


@durable_step
def reserve_stock(step: StepContext, order_id: str) -> str:
    time.sleep(0.15)
    return f"shelf for {order_id}"


@durable_step
def check_address(step: StepContext, address: str) -> str:
    time.sleep(0.2)
    return address.title()


@durable_step
def pack(step: StepContext, order_id: str, weight_grams: int) -> dict:
    time.sleep(0.3)
    return {"parcel": f"p-{order_id}", "grams": weight_grams + 120}


@durable_step
def hand_over(step: StepContext, parcel: dict, address: str) -> str:
    time.sleep(0.15)
    return f"track-{parcel['parcel']}"


@durable_execution
def handler(event: dict, context: DurableContext) -> dict:
    order_id = event["orderId"]
    shelf = context.step(reserve_stock(order_id), name="reserve-stock")
    address = context.step(check_address(event["address"]), name="check-address")
    parcel = context.step(pack(order_id, event["grams"]), name="pack-parcel")
    context.wait(Duration.from_hours(4), name="until-pick-up")
    tracking = context.step(hand_over(parcel, address), name="hand-over")
    return {"orderId": order_id, "shelf": shelf, "address": address, "tracking": tracking}
