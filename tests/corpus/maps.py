"""Maps: every size, concurrency, completion, nesting, names, waits and failures inside."""

from __future__ import annotations

import time

from aws_durable_execution_sdk_python import (
    ChildContextError,
    ValidationError,
    complete_batch,
    continue_batch,
    durable_execution,
)
from aws_durable_execution_sdk_python.config import (
    CompletionConfig,
    CompletionOutcome,
    Duration,
    MapConfig,
    NestingType,
)

from corpus.case import ONCE, Answer, Boom, case, ran, retry


def square(context, item, index, items):
    return context.step(lambda _: ran("square") and item * item, name="square")


def plain(context, item, index, items):
    return [item, index, len(items)]


def odd_ones_fail(context, item, index, items):
    def work(step):
        ran("work")
        if item % 2:
            raise Boom(f"item {item} is odd")
        return item

    return context.step(work, name="work", config=ONCE)


def summary(result):
    return {
        "reason": result.completion_reason.value,
        "status": result.status.value,
        "items": [
            [item.index, item.status.value, item.result, item.error and item.error.message]
            for item in result.all
        ],
    }


def counts(result):
    """Where it is chance which items were running: only what is certain."""
    return [result.completion_reason.value, result.success_count, result.failure_count]


@case()
@durable_execution
def maps_five(event, context):
    return context.map([1, 2, 3, 4, 5], square, name="squares").get_results()


@case()
@durable_execution
def maps_nothing(event, context):
    return summary(context.map([], square, name="empty"))


@case()
@durable_execution
def maps_one(event, context):
    return summary(context.map([9], square, name="single"))


@case()
@durable_execution
def maps_without_a_name(event, context):
    return context.map(["a", "b"], plain).get_results()


@case()
@durable_execution
def maps_with_keywords(event, context):
    return context.map(
        inputs=[3, 4], func=square, name="kw", config=MapConfig(max_concurrency=5)
    ).get_results()


@case()
@durable_execution
def maps_one_at_a_time(event, context):
    return context.map([1, 2, 3, 4], square, "serial", MapConfig(max_concurrency=1)).get_results()


@case()
@durable_execution
def maps_two_at_a_time(event, context):
    return context.map(list(range(7)), square, "pairs", MapConfig(max_concurrency=2)).get_results()


@case()
@durable_execution
def maps_sixty(event, context):
    return sum(context.map(list(range(60)), square, "sixty", MapConfig(max_concurrency=8)).get_results())


@case()
@durable_execution
def maps_flat(event, context):
    config = MapConfig(nesting_type=NestingType.FLAT)
    return context.map([1, 2, 3], square, "flat", config).get_results()


@case()
@durable_execution
def maps_flat_one_at_a_time(event, context):
    config = MapConfig(nesting_type=NestingType.FLAT, max_concurrency=1)

    def two(child, item, index, items):
        return square(child, item, index, items) + square(child, item + 1, index, items)

    return context.map([1, 2, 3], two, "flat", config).get_results()


@case()
@durable_execution
def maps_flat_that_wait(event, context):
    def slow(child, item, index, items):
        child.step(lambda _: ran("before"), name="before")
        child.wait(Duration.from_seconds(10 * (item + 1)), name="rest")
        return child.step(lambda _: ran("after") and item, name="after")

    return context.map([0, 1, 2], slow, "flat", MapConfig(nesting_type=NestingType.FLAT)).get_results()


@case()
@durable_execution
def maps_with_names_of_their_own(event, context):
    config = MapConfig(item_namer=lambda item, index: f"{item}-{index}")
    return context.map(["ann", "bob"], plain, "people", config).get_results()


@case()
@durable_execution
def maps_that_wait(event, context):
    def slow(child, item, index, items):
        before = child.step(lambda _: ran("before") and item, name="before")
        child.wait(Duration.from_minutes(item + 1), name="rest")
        return before + child.step(lambda _: ran("after") and 100, name="after")

    return context.map([0, 1, 2], slow, name="slow").get_results()


@case()
@durable_execution
def maps_that_wait_one_at_a_time(event, context):
    def slow(child, item, index, items):
        child.wait(Duration.from_seconds(5), name="rest")
        return child.step(lambda _: ran("after") and item, name="after")

    return context.map([0, 1, 2], slow, "slow", MapConfig(max_concurrency=1)).get_results()


@case()
@durable_execution
def maps_that_retry(event, context):
    def flaky(child, item, index, items):
        def work(step):
            if ran(f"work {item}") <= item:
                raise Boom(f"item {item}")
            return item

        return child.step(work, name="work", config=retry(5, 3))

    return context.map([0, 1, 2], flaky, name="flaky").get_results()


@case(status="FAILED")
@durable_execution
def maps_that_fail_fast(event, context):
    result = context.map([0, 2, 3, 4], odd_ones_fail, "fast", MapConfig(max_concurrency=1))
    result.throw_if_error()


@case()
@durable_execution
def maps_that_fail_fast_and_report(event, context):
    return summary(context.map([0, 2, 3, 4, 6], odd_ones_fail, "fast", MapConfig(max_concurrency=1)))


@case()
@durable_execution
def maps_that_take_all_failures(event, context):
    config = MapConfig(completion_config=CompletionConfig.all_completed())
    return summary(context.map([0, 1, 2, 3], odd_ones_fail, "all", config))


@case()
@durable_execution
def maps_that_tolerate_one_failure(event, context):
    config = MapConfig(max_concurrency=1, completion_config=CompletionConfig(tolerated_failure_count=1))
    return summary(context.map([0, 1, 2, 3, 4, 5], odd_ones_fail, "tolerant", config))


@case()
@durable_execution
def maps_that_tolerate_a_share(event, context):
    config = MapConfig(completion_config=CompletionConfig(tolerated_failure_percentage=50), max_concurrency=2)
    return summary(context.map([0, 1, 2, 4], odd_ones_fail, "share", config))


@case()
@durable_execution
def maps_until_two_succeed(event, context):
    config = MapConfig(max_concurrency=1, completion_config=CompletionConfig(min_successful=2))
    return summary(context.map([1, 2, 3, 4, 5, 6], odd_ones_fail, "enough", config))


@case()
@durable_execution
def maps_until_the_first_with_others_running(event, context):
    def race(child, item, index, items):
        if item:
            child.wait(Duration.from_hours(item), name="slow")
        return child.step(lambda _: ran("ran") and item, name="run")

    config = MapConfig(completion_config=CompletionConfig.first_successful())
    result = context.map([2, 0, 3], race, "race", config)
    return [
        result.completion_reason.value,
        result.get_results(),
        context.step(lambda _: ran("z"), name="after"),
    ]


@case()
@durable_execution
def maps_until_i_say(event, context):
    def enough(status):
        return complete_batch() if status.success_count >= 3 else continue_batch()

    config = MapConfig(max_concurrency=1, completion_config=CompletionConfig(should_complete=enough))
    return summary(context.map(list(range(6)), square, "custom", config))


@case()
@durable_execution
def maps_until_i_say_they_failed(event, context):
    def hopeless(status):
        return complete_batch(CompletionOutcome.FAILED) if status.failure_count >= 2 else continue_batch()

    config = MapConfig(max_concurrency=1, completion_config=CompletionConfig(should_complete=hopeless))
    return summary(context.map([1, 2, 3, 4, 5], odd_ones_fail, "custom", config))


@case()
@durable_execution
def maps_refused(event, context):
    config = MapConfig(completion_config=CompletionConfig(min_successful=9))
    try:
        context.map([1], square, "refused", config)
    except ValidationError as error:
        return str(error)


@case()
@durable_execution
def maps_whose_items_raise_outside_steps(event, context):
    def bad(child, item, index, items):
        if item == 1:
            raise KeyError("missing")
        return item

    config = MapConfig(completion_config=CompletionConfig.all_completed())
    result = context.map([0, 1, 2], bad, "raise", config)
    return [summary(result), [error.type for error in result.get_errors()]]


@case()
@durable_execution
def maps_whose_namer_raises(event, context):
    config = MapConfig(item_namer=lambda item, index: item["name"])
    try:
        context.map([{"name": "a"}, {}], plain, "named", config)
    except ChildContextError as error:
        return [str(error), error.error_type]


@case()
@durable_execution
def maps_of_maps(event, context):
    def row(child, item, index, items):
        return child.map([item, item + 1], square, name="row").get_results()

    return context.map([0, 10], row, name="table").get_results()


@case()
@durable_execution
def maps_of_dicts(event, context):
    people = [{"name": "ann", "age": 3}, {"name": "bob", "age": None}]
    return context.map(
        people, lambda child, item, index, items: {**item, "index": index}, name="dicts"
    ).get_results()


@case()
@durable_execution
def maps_two_in_a_row(event, context):
    first = context.map([1, 2], square, name="first").get_results()
    context.wait(Duration.from_seconds(5))
    return context.map(first, square, name="second").get_results()


@case(answers={"ask-0": [Answer(30, result="a")], "ask-1": [Answer(10, result="b")]})
@durable_execution
def maps_that_wait_for_callbacks(event, context):
    def call(child, item, index, items):
        return child.wait_for_callback(lambda callback_id, step: ran("ask") and None, name=f"ask-{item}")

    return context.map([0, 1], call, name="asks").get_results()


@case()
@durable_execution
def maps_resumed_in_the_same_invocation(event, context):
    """One item waits a second, the other works for longer: the SDK resumes the first without a new invocation."""

    def item(child, seconds, index, items):
        if seconds:
            child.step(lambda _: ran("work") and time.sleep(seconds), name="work")
        else:
            child.wait(Duration.from_seconds(1), name="rest")
        return child.step(lambda _: ran("end") and seconds, name="end")

    return context.map([0, 1.6], item, name="both").get_results()


@case(emulator_like=True)
@durable_execution
def maps_as_the_emulator_clocks_them(event, context):
    config = MapConfig(max_concurrency=2, completion_config=CompletionConfig.all_completed())
    return counts(context.map(list(range(6)), odd_ones_fail, "m", config))
