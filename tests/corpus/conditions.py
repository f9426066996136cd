"""wait_for_condition: met at once, later, never; with rich state, serdes, errors in the check."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

from aws_durable_execution_sdk_python import WaitForConditionError, durable_execution
from aws_durable_execution_sdk_python.config import Duration, JitterStrategy
from aws_durable_execution_sdk_python.serdes import JsonSerDes
from aws_durable_execution_sdk_python.waits import (
    WaitForConditionConfig,
    WaitForConditionDecision,
    WaitStrategyConfig,
    create_wait_strategy,
)

from corpus.case import Boom, case, ran


def until(condition, attempts=10, delay=5, rate=1):
    return create_wait_strategy(
        WaitStrategyConfig(
            should_continue_polling=lambda state: not condition(state),
            max_attempts=attempts,
            initial_delay=Duration.from_seconds(delay),
            backoff_rate=rate,
            jitter_strategy=JitterStrategy.NONE,
        )
    )


def count_up(state, context):
    ran("check")
    return state + 1


@case()
@durable_execution
def conditions_met_at_once(event, context):
    return context.wait_for_condition(
        count_up, WaitForConditionConfig(until(lambda n: n >= 1), 0), name="once"
    )


@case()
@durable_execution
def conditions_met_in_the_end(event, context):
    config = WaitForConditionConfig(wait_strategy=until(lambda n: n >= 4, rate=2), initial_state=0)
    return context.wait_for_condition(check=count_up, config=config, name="later")


@case()
@durable_execution
def conditions_unnamed(event, context):
    return context.wait_for_condition(count_up, WaitForConditionConfig(until(lambda n: n >= 2), 0))


@case()
@durable_execution
def conditions_by_a_strategy_of_mine(event, context):
    def strategy(state, attempts):
        if state["ready"]:
            return WaitForConditionDecision.stop_polling()
        return WaitForConditionDecision.continue_waiting(Duration.from_minutes(attempts))

    def look(state, step):
        ran("look")
        step.logger.info("attempt %s", step.attempt)
        return {"ready": step.attempt == 3, "seen": [*state["seen"], step.attempt]}

    config = WaitForConditionConfig(strategy, {"ready": False, "seen": []})
    return context.wait_for_condition(look, config, "mine")


@case()
@durable_execution
def conditions_of_rich_state(event, context):
    start = (datetime(2026, 11, 21, tzinfo=UTC), Decimal("0.10"), {"0": b""})

    def more(state, step):
        ran("more")
        when, price, tags = state
        return (when + timedelta(days=1), price * 2, {**tags, str(step.attempt): b"x" * step.attempt})

    config = WaitForConditionConfig(until(lambda state: state[1] > 1, delay=60), start)
    when, price, tags = context.wait_for_condition(more, config, name="rich")
    return [when.isoformat(), str(price), {key: value.decode() for key, value in tags.items()}]


@case()
@durable_execution
def conditions_with_a_serdes(event, context):
    config = WaitForConditionConfig(until(lambda n: n >= 3), 0, serdes=JsonSerDes())
    return context.wait_for_condition(count_up, config, name="json")


@case(status="FAILED")
@durable_execution
def conditions_never_met(event, context):
    return context.wait_for_condition(
        count_up, WaitForConditionConfig(until(lambda n: False, 3), 0), name="never"
    )


@case()
@durable_execution
def conditions_never_met_and_caught(event, context):
    try:
        context.wait_for_condition(
            count_up, WaitForConditionConfig(until(lambda n: False, 2), 0), name="never"
        )
    except WaitForConditionError as error:
        return [str(error), context.step(lambda _: ran("after"), name="after")]


@case()
@durable_execution
def conditions_whose_check_fails(event, context):
    def broken(state, step):
        if ran("check") == 2:
            raise Boom("the job is gone")
        return state

    try:
        context.wait_for_condition(broken, WaitForConditionConfig(until(lambda n: False), "x"), name="gone")
    except WaitForConditionError as error:
        return [str(error), error.error_type]


@case()
@durable_execution
def conditions_in_parallel(event, context):
    def wait(target):
        config = WaitForConditionConfig(until(lambda n: n >= target, delay=target), 0)
        return lambda child: child.wait_for_condition(count_up, config, name=f"to-{target}")

    return context.parallel([wait(1), wait(2), wait(3)], name="all").get_results()


@case()
@durable_execution
def conditions_in_a_child_then_a_step(event, context):
    def inner(child):
        return child.wait_for_condition(
            count_up, WaitForConditionConfig(until(lambda n: n >= 2), 0), name="in"
        )

    got = context.run_in_child_context(inner, name="child")
    return context.step(lambda _: ran("after") and got * 100, name="after")


@case(status="RUNNING", ended_by_the_handler=False, look_after_seconds=22)
@durable_execution
def conditions_polled_still(event, context):
    return context.wait_for_condition(
        count_up, WaitForConditionConfig(until(lambda n: n > 9), 0), name="still"
    )


@case(emulator_like=True)
@durable_execution
def conditions_as_the_emulator_keeps_them(event, context):
    """Its raw history has lost what the polls returned."""
    return context.wait_for_condition(
        count_up, WaitForConditionConfig(until(lambda n: n >= 3), 0), name="raw"
    )
