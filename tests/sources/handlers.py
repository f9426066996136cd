"""Durable functions that the tests of this room run."""

from __future__ import annotations

from typing import Any

from aws_durable_execution_sdk_python import DurableContext, durable_execution
from aws_durable_execution_sdk_python.config import Duration, StepConfig
from aws_durable_execution_sdk_python.retries import RetryStrategyConfig, create_retry_strategy

QUICKLY = StepConfig(
    retry_strategy=create_retry_strategy(
        RetryStrategyConfig(max_attempts=2, initial_delay=Duration.from_seconds(1))
    )
)


@durable_execution
def orders(event: dict[str, Any], context: DurableContext) -> dict[str, Any]:
    for number in range(event["steps"]):
        context.step(
            lambda _, number=number: {"number": number, "email": f"ann{number}@example.com"},
            name=f"step-{number}",
        )
    if event.get("invoke"):
        context.invoke("stock", {"sku": "a"}, name="stock")
    if event.get("callback"):
        context.create_callback("acceptance").result()
    if event.get("fail"):
        context.step(refuse, name="refuse", config=QUICKLY)
    return {"ordered": event["steps"]}


def refuse(_: Any) -> None:
    raise ValueError("no such card")


@durable_execution
def stock(event: dict[str, Any], context: DurableContext) -> str:
    return context.step(lambda _: f"reserved {event['sku']}", name="reserve")
