"""The function ``reserve-stock``, which order.py invokes: a durable function like any other, with a history of its own."""

import time

from aws_durable_execution_sdk_python import DurableContext, StepContext, durable_execution, durable_step
from aws_durable_execution_sdk_python.config import Duration


@durable_step
def find_shelf(step: StepContext, item: str) -> str:
    time.sleep(0.14)
    return f"{item[0].upper()}-{len(item):02}"


@durable_execution
def handler(event: dict, context: DurableContext) -> dict:
    shelves = [context.step(find_shelf(item["item"]), name=f"find-{item['item']}") for item in event["items"]]
    # The warehouse takes its orders twice a minute.
    context.wait(Duration.from_seconds(30), name="next-round")
    picked = context.step(lambda _: sum(item["count"] for item in event["items"]), name="pick")
    return {"orderId": event["orderId"], "shelves": shelves, "picked": picked}
