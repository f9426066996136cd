"""Whole little applications, in which several things meet."""

from __future__ import annotations

import json
import random
import time
import uuid
from datetime import UTC, datetime

from aws_durable_execution_sdk_python import (
    CallbackTimeoutError,
    StepError,
    durable_execution,
    durable_step,
    durable_with_child_context,
)
from aws_durable_execution_sdk_python.config import (
    CompletionConfig,
    Duration,
    JitterStrategy,
    MapConfig,
    NestingType,
    ParallelConfig,
    StepConfig,
    WaitForCallbackConfig,
)
from aws_durable_execution_sdk_python.waits import (
    WaitForConditionConfig,
    WaitStrategyConfig,
    create_wait_strategy,
)

from corpus.case import ONCE, Answer, Boom, case, die_here, ran, retry


def note(context, name, value=None):
    return context.step(lambda _: ran(name) and value, name=name)


@case()
@durable_execution
def mixed_chance_and_time_in_steps(event, context):
    order = context.step(lambda _: ran("id") and str(uuid.uuid4()), name="id")
    at = context.step(lambda _: ran("at") and datetime.now(UTC), name="at")
    dice = [context.step(lambda _: ran("dice") and random.randint(1, 6), name="dice") for _ in range(5)]
    context.wait(Duration.from_seconds(5))
    return [len(order), at.tzinfo is not None, sum(dice) >= 5, dice]


def double(event, context):
    ran("double")
    return event * 2


@case(plain={"double": double}, answers={"approve": [Answer(50, result='{"by": "lee"}')]})
@durable_execution
def mixed_every_kind_of_operation(event, context):
    first = note(context, "first", 1)
    context.wait(Duration.from_seconds(5), name="rest")
    answer = json.loads(
        context.wait_for_callback(lambda callback_id, step: ran("submit") and None, name="approve")
    )
    doubled = context.invoke("double", first, name="double")
    strategy = create_wait_strategy(
        WaitStrategyConfig(
            should_continue_polling=lambda n: n < 2,
            initial_delay=Duration.from_seconds(5),
            jitter_strategy=JitterStrategy.NONE,
        )
    )
    polled = context.wait_for_condition(
        lambda n, step: ran("check") and n + 1, WaitForConditionConfig(strategy, 0), name="poll"
    )
    mapped = context.map([1, 2], lambda child, n, i, ns: note(child, "item", n), name="map").get_results()
    both = context.parallel(
        [lambda child: note(child, "l", 1), lambda child: note(child, "r", 2)], name="both"
    )
    inner = context.run_in_child_context(lambda child: note(child, "inner", 9), name="inner")
    return [first, answer, doubled, polled, mapped, both.get_results(), inner]


@durable_step
def charge(step, order, cents):
    if ran("charge") < 3:
        raise Boom("gateway")
    return {"order": order, "cents": cents, "attempt": step.attempt}


@durable_with_child_context
def fulfil(context, order):
    picked = note(context, "pick", ["a", "b"])
    packed = context.map(
        picked, lambda child, part, i, parts: note(child, f"pack-{part}", part.upper()), name="pack"
    )
    return packed.get_results()


@case(execution_timeout=864_000, input={"order": "o1"}, answers={"confirm": [Answer(80, result="ok")]})
@durable_execution
def mixed_an_order(event, context):
    paid = context.step(charge(event["order"], 995), name="charge", config=retry(5, 2, 4))
    try:
        config = WaitForCallbackConfig(timeout=Duration.from_minutes(2))
        context.wait_for_callback(lambda callback_id, step: ran("mail") and None, "confirm", config)
    except CallbackTimeoutError:
        return note(context, "refund", "refunded")
    parts = context.run_in_child_context(fulfil(event["order"]), name="fulfil")
    context.wait(Duration.from_hours(24), name="deliver")
    return [paid, parts, note(context, "done", "done")]


@case(input={"order": "o2"})
@durable_execution
def mixed_an_order_nobody_confirms(event, context):
    paid = context.step(charge(event["order"], 995), name="charge", config=retry(5, 2, 4))
    try:
        config = WaitForCallbackConfig(timeout=Duration.from_minutes(2))
        context.wait_for_callback(lambda callback_id, step: ran("mail") and None, "confirm", config)
    except CallbackTimeoutError as error:
        return [paid["attempt"], str(error), note(context, "refund", "refunded")]


@case()
@durable_execution
def mixed_pipeline_of_maps(event, context):
    pages = context.map(
        [1, 2, 3], lambda child, n, i, ns: note(child, f"page-{n}", [n, n * 10]), name="pages"
    )
    numbers = [number for page in pages.get_results() for number in page]
    config = MapConfig(max_concurrency=2, nesting_type=NestingType.FLAT)
    return sum(
        context.map(numbers, lambda child, n, i, ns: note(child, "work", n), "numbers", config).get_results()
    )


@case()
@durable_execution
def mixed_flat_in_nested_in_flat(event, context):
    flat = ParallelConfig(nesting_type=NestingType.FLAT, max_concurrency=1)

    def innermost(name):
        return lambda child: [note(child, f"{name}-1", 1), note(child, f"{name}-2", 2)]

    def middle(child):
        return child.parallel(
            [innermost("a"), innermost("b")], "nested", ParallelConfig(max_concurrency=1)
        ).get_results()

    def outer(child):
        return child.parallel([innermost("c"), innermost("d")], "flat", flat).get_results()

    return context.parallel([middle, outer], "outer", flat).get_results()


@case()
@durable_execution
def mixed_branches_with_everything(event, context):
    def flaky(step):
        if ran("flaky") == 1:
            raise Boom("once")
        return "flaky"

    def retrying(child):
        return child.step(flaky, name="flaky", config=retry(3, 8))

    def waiting(child):
        child.wait(Duration.from_seconds(20), name="wait")
        return note(child, "waited", "waited")

    def nested(child):
        return child.run_in_child_context(
            lambda deep: deep.map(
                [1, 2], lambda item, n, i, ns: note(item, "deep", n), name="deep"
            ).get_results(),
            name="nested",
        )

    def failing(child):
        try:
            child.step(lambda _: ran("bad") and 1 / 0, name="bad", config=ONCE)
        except StepError as error:
            return [error.error_type, note(child, "handled", 1)]

    return context.parallel([retrying, waiting, nested, failing], name="all").get_results()


@case(deaths=("middle",))
@durable_execution
def mixed_crash_among_branches(event, context):
    def slow(child):
        child.wait(Duration.from_seconds(10), name="wait")
        die_here("middle")
        return note(child, "slow", 1)

    return context.parallel([slow, lambda child: note(child, "fast", 2)], name="both").get_results()


@case(execution_timeout=864_000)
@durable_execution
def mixed_long_loop_of_waits_and_maps(event, context):
    total = 0
    for day in range(4):
        batch = context.map([day, day + 1], lambda child, n, i, ns: note(child, "n", n), name=f"day-{day}")
        total += sum(batch.get_results())
        context.wait(Duration.from_days(1), name="night")
    return total


@case()
@durable_execution
def mixed_early_end_and_stragglers(event, context):
    """The first branch to be done ends the parallel while another is in the middle of its step."""

    def straggler(child):
        return child.step(lambda _: ran("straggler") and time.sleep(0.3), name="straggler")

    config = ParallelConfig(completion_config=CompletionConfig.first_successful())
    result = context.parallel([straggler, lambda child: note(child, "quick", 1)], "race", config)
    context.wait(Duration.from_seconds(5), name="rest")
    return [result.get_results(), note(context, "after", 2)]


@case()
@durable_execution
def mixed_five_hundred_steps(event, context):
    return sum(note(context, f"s{n}", n) for n in range(500))


@case()
@durable_execution
def mixed_custom_step_types(event, context):
    think = StepConfig(sub_type="Think")
    act = StepConfig(sub_type="Act")
    thoughts = []
    for turn in range(3):
        thought = context.step(lambda _: ran("think") and f"thought {turn}", name="think", config=think)
        thoughts.append(context.step(lambda _: ran("act") and thought.upper(), name="act", config=act))
    return thoughts


@case(answers={"a": [Answer(10, result="a")], "b": [Answer(500, result="b")]})
@durable_execution
def mixed_callbacks_in_a_race(event, context):
    def call(name):
        return lambda child: child.wait_for_callback(lambda callback_id, step: ran(name) and None, name=name)

    config = ParallelConfig(completion_config=CompletionConfig.first_successful())
    winner = context.parallel([call("a"), call("b")], "race", config).get_results()
    context.wait(Duration.from_minutes(20), name="outlast")
    return [winner, note(context, "after", 1)]
