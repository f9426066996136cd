"""The invoice run of a month, about 2,900 operations: as large as one execution may reasonably be (3,000 is the limit).

Twenty regions, one child context each; in it, for every customer, one step makes the invoice and one sends it.
"""

from aws_durable_execution_sdk_python import (
    DurableContext,
    StepContext,
    durable_execution,
    durable_step,
    durable_with_child_context,
)
from aws_durable_execution_sdk_python.config import Duration


@durable_step
def list_regions(step: StepContext, count: int) -> list[str]:
    return [f"region-{number:02}" for number in range(1, count + 1)]


@durable_step
def make_invoice(step: StepContext, region: str, customer: int) -> int:
    """In cents."""
    return 1_000 + customer * 37 % 911


@durable_step
def send_invoice(step: StepContext, region: str, customer: int, cents: int) -> int:
    """The number of the letter."""
    return customer


@durable_with_child_context
def invoice_region(context: DurableContext, region: str, customers: int) -> int:
    total = 0
    for customer in range(1, customers + 1):
        cents = context.step(make_invoice(region, customer), name=f"make-{customer}")
        context.step(send_invoice(region, customer, cents), name=f"send-{customer}")
        total += cents
    return total


@durable_execution
def handler(event: dict, context: DurableContext) -> dict:
    regions = context.step(list_regions(event["regions"]), name="list-regions")
    totals = {}
    for number, region in enumerate(regions, 1):
        totals[region] = context.run_in_child_context(invoice_region(region, event["customers"]), name=region)
        if number % 5 == 0:
            # The mail service takes so many letters an hour.
            context.wait(Duration.from_hours(1), name=f"mail-limit-{number // 5}")
    report = context.step(lambda _: f"{sum(totals.values()) / 100:.2f} EUR", name="report")
    return {"month": event["month"], "report": report}
