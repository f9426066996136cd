"""A payment: the card is charged, and a gateway that does not answer is asked again, a little later each time.

Charging is the one step here that must never happen twice by accident: at most once per attempt. After the last
attempt the basket is released and the execution fails.
"""

import time

from aws_durable_execution_sdk_python import (
    DurableContext,
    StepContext,
    StepError,
    durable_execution,
    durable_step,
)
from aws_durable_execution_sdk_python.config import Duration, StepConfig, StepSemantics
from aws_durable_execution_sdk_python.retries import (
    JitterStrategy,
    RetryStrategyConfig,
    create_retry_strategy,
)


class GatewayTimeout(Exception):
    """The gateway did not answer. Another attempt may succeed."""


class CardDeclined(Exception):
    """The bank said no. Another attempt would hear the same."""


class PaymentFailed(Exception):
    """The basket could not be paid."""


CHARGE = StepConfig(
    step_semantics=StepSemantics.AT_MOST_ONCE_PER_RETRY,
    retry_strategy=create_retry_strategy(
        RetryStrategyConfig(
            max_attempts=4,
            initial_delay=Duration.from_seconds(5),
            backoff_rate=3,
            jitter_strategy=JitterStrategy.NONE,
            retryable_error_types=[GatewayTimeout],
        )
    ),
)


class Gateway:
    """Stands in for the payment provider."""

    up = False

    def charge(self, key: str, cents: int) -> str:
        time.sleep(0.15)
        if not self.up:
            raise GatewayTimeout(f"no answer to charge {key} of {cents} cents within 150 ms")
        return f"ch_{key}"


gateway = Gateway()


@durable_step
def price_basket(step: StepContext, items: list[dict]) -> int:
    time.sleep(0.12)
    return sum(item["cents"] * item["count"] for item in items)


@durable_step
def charge_card(step: StepContext, basket_id: str, cents: int) -> str:
    step.logger.info("attempt %s", step.attempt)
    return gateway.charge(f"{basket_id}-{step.attempt}", cents)


@durable_step
def release_basket(step: StepContext, basket_id: str) -> str:
    time.sleep(0.13)
    return f"{basket_id} released"


@durable_execution
def handler(event: dict, context: DurableContext) -> dict:
    basket_id = event["basketId"]
    cents = context.step(price_basket(event["items"]), name="price-basket")
    if cents == 0:
        return {"basketId": basket_id, "state": "FREE"}

    try:
        charge_id = context.step(charge_card(basket_id, cents), name="charge-card", config=CHARGE)
    except StepError as error:
        context.logger.warning("basket %s not paid: %s", basket_id, error)
        context.step(release_basket(basket_id), name="release-basket")
        raise PaymentFailed(f"basket {basket_id}: {error.error_type}") from error

    return {"basketId": basket_id, "state": "PAID", "charge": charge_id, "cents": cents}
