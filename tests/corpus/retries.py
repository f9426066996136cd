"""Steps that are tried again: succeed in the end, give up, are not retried, and with_retry around several operations."""

from __future__ import annotations

from aws_durable_execution_sdk_python import (
    ChildContextError,
    StepError,
    WithRetryConfig,
    durable_execution,
    with_retry,
)
from aws_durable_execution_sdk_python.config import Duration, StepConfig, StepSemantics
from aws_durable_execution_sdk_python.retries import (
    LinearRetryStrategyConfig,
    RetryDecision,
    RetryPresets,
    RetryStrategyConfig,
    create_linear_retry_strategy,
    create_retry_strategy,
)

from corpus.case import Boom, case, ran, retry


def fails(name, times, result="done"):
    def run(step):
        if ran(name) <= times:
            raise Boom(f"{name} fails for the {RAN_ORDINALS[step.attempt]} time")
        return result

    return run


RAN_ORDINALS = ["zeroth", "first", "second", "third", "fourth", "fifth", "sixth", "seventh"]


@case()
@durable_execution
def retries_succeed_in_the_end(event, context):
    return context.step(fails("flaky", 2), name="flaky", config=retry(5, 2, 4))


@case(status="FAILED")
@durable_execution
def retries_exhausted(event, context):
    return context.step(fails("broken", 9), name="broken", config=retry(3))


@case()
@durable_execution
def retries_exhausted_and_caught(event, context):
    try:
        return context.step(fails("broken", 9), name="broken", config=retry(3))
    except StepError as error:
        undone = context.step(lambda _: ran("undo"), name="undo")
        return {"error": str(error), "type": error.error_type, "undone": undone}


@case(status="FAILED")
@durable_execution
def retries_of_another_error_only(event, context):
    config = StepConfig(
        retry_strategy=create_retry_strategy(
            RetryStrategyConfig(max_attempts=4, retryable_error_types=[TimeoutError])
        )
    )
    return context.step(fails("unlisted", 9), name="unlisted", config=config)


@case()
@durable_execution
def retries_by_a_function_of_mine(event, context):
    def strategy(error, attempt):
        return (
            RetryDecision.retry(Duration.from_seconds(7 * attempt))
            if attempt < 4
            else RetryDecision.no_retry()
        )

    return context.step(fails("mine", 3), name="mine", config=StepConfig(retry_strategy=strategy))


@case()
@durable_execution
def retries_linear(event, context):
    strategy = create_linear_retry_strategy(LinearRetryStrategyConfig(max_attempts=4))
    return context.step(fails("linear", 2), name="linear", config=StepConfig(retry_strategy=strategy))


@case()
@durable_execution
def retries_by_default(event, context):
    return context.step(fails("default", 1), name="default")


@case()
@durable_execution
def retries_preset_fixed(event, context):
    strategy = RetryPresets.fixed(Duration.from_minutes(10))
    return context.step(fails("fixed", 2), name="fixed", config=StepConfig(retry_strategy=strategy))


@case()
@durable_execution
def retries_of_an_at_most_once_step(event, context):
    strategy = retry(3).retry_strategy
    config = StepConfig(retry_strategy=strategy, step_semantics=StepSemantics.AT_MOST_ONCE_PER_RETRY)
    return context.step(fails("charge", 2), name="charge", config=config)


@case()
@durable_execution
def retries_between_other_steps(event, context):
    before = context.step(fails("before", 0, 1), name="before")
    flaky = context.step(fails("between", 1, 2), name="between", config=retry(2, 30))
    after = context.step(fails("after", 1, 3), name="after", config=retry(2))
    return before + flaky + after


@case()
@durable_execution
def retries_of_a_whole_block(event, context):
    def block(child, attempt):
        started = child.step(lambda _: ran("start"), name="start")
        child.step(fails("finish", 1), name="finish", config=retry(1))
        return [started, attempt]

    strategy = retry(3, 4).retry_strategy
    return with_retry(context, block, WithRetryConfig(retry_strategy=strategy), name="block")


@case()
@durable_execution
def retries_of_a_block_without_a_context(event, context):
    def block(same, attempt):
        return same.step(fails("inline", 2), name=f"inline-{attempt}", config=retry(1))

    strategy = retry(4).retry_strategy
    config = WithRetryConfig(retry_strategy=strategy, wrap_with_run_in_child_context=False)
    return with_retry(context, block, config)


@case()
@durable_execution
def retries_of_a_block_exhausted(event, context):
    def block(child, attempt):
        return child.step(fails("hopeless", 9), name="hopeless", config=retry(1))

    config = WithRetryConfig(retry_strategy=retry(2).retry_strategy)
    try:
        with_retry(context, block, config, name="block")
    except ChildContextError as error:
        return [type(error.__cause__).__name__, error.error_type, str(error)]
