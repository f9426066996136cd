"""Expenses wait for a manager: an execution that is suspended, for days if need be, until somebody decides.

It creates the callback first and waits for it last; in between it does what can be done without the answer.
"""

import json
import time

from aws_durable_execution_sdk_python import DurableContext, StepContext, durable_execution, durable_step
from aws_durable_execution_sdk_python.config import CallbackConfig, Duration


@durable_step
def check_receipts(step: StepContext, receipts: list[dict]) -> int:
    """The sum, in cents."""
    time.sleep(0.19)
    return sum(receipt["cents"] for receipt in receipts)


@durable_step
def write_to_manager(step: StepContext, manager: str, cents: int, callback_id: str) -> str:
    time.sleep(0.22)
    return f"asked {manager} about {cents / 100:.2f} EUR"


@durable_execution
def handler(event: dict, context: DurableContext) -> dict:
    approval = context.create_callback(
        name="manager-approval", config=CallbackConfig(timeout=Duration.from_days(14))
    )
    cents = context.step(check_receipts(event["receipts"]), name="check-receipts")
    # A manager who decides in a hurry regrets it: the mail goes out after a while.
    context.wait(Duration.from_minutes(5), name="grace-period")
    context.step(write_to_manager(event["manager"], cents, approval.callback_id), name="write-to-manager")

    decision = json.loads(approval.result())  # suspends here until the manager answers
    if not decision["approved"]:
        return {"state": "REFUSED", "why": decision["why"]}
    paid = context.step(lambda _: f"{cents / 100:.2f} EUR to {event['employee']}", name="pay-out")
    return {"state": "PAID", "text": paid}
