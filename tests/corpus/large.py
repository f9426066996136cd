"""What is larger than a checkpoint may be (256 KB): ReplayChildren, summaries, envelopes; and large answers."""

from __future__ import annotations

from aws_durable_execution_sdk_python import complete_batch, continue_batch, durable_execution
from aws_durable_execution_sdk_python.config import (
    ChildConfig,
    CompletionConfig,
    Duration,
    MapConfig,
    NestingType,
    ParallelConfig,
)

from corpus.case import ONCE, Boom, case, ran

KB = 1024


def block(context, name, kilobytes):
    return context.step(lambda _: ran(name) and name[0] * (kilobytes * KB), name=name)


@case()
@durable_execution
def large_step(event, context):
    return len(block(context, "step", 200))


@case()
@durable_execution
def large_child(event, context):
    parts = context.run_in_child_context(
        lambda child: [block(child, f"p{n}", 100) for n in range(3)], name="large"
    )
    return [len(part) for part in parts]


@case()
@durable_execution
def large_child_then_a_wait(event, context):
    parts = context.run_in_child_context(
        lambda child: [block(child, f"p{n}", 100) for n in range(3)], name="large"
    )
    context.wait(Duration.from_seconds(30), name="rest")
    return [sum(map(len, parts)), context.step(lambda _: ran("after"), name="after")]


@case()
@durable_execution
def large_child_with_a_summary(event, context):
    config = ChildConfig(summary_generator=lambda parts: f"{len(parts)} parts")
    parts = context.run_in_child_context(
        lambda child: [block(child, f"p{n}", 100) for n in range(3)], name="large", config=config
    )
    context.wait(Duration.from_seconds(30), name="rest")
    return sum(map(len, parts))


@case()
@durable_execution
def large_child_of_a_small_step(event, context):
    """Made large outside of any step: it is made again on each replay."""
    text = context.run_in_child_context(lambda child: block(child, "small", 1) * 300, name="large")
    context.wait(Duration.from_seconds(30), name="rest")
    return len(text)


@case()
@durable_execution
def large_child_in_a_large_child(event, context):
    def inner(child):
        return [block(child, "inner", 200), block(child, "rest", 100)]

    def outer(child):
        return [*child.run_in_child_context(inner, name="inner"), block(child, "outer", 10)]

    parts = context.run_in_child_context(outer, name="outer")
    context.wait(Duration.from_seconds(1))
    return [len(part) for part in parts]


def item(context, kilobytes, index, items):
    return block(context, f"b{index}", kilobytes)


@case()
@durable_execution
def large_map(event, context):
    return [len(text) for text in context.map([100, 100, 100], item, name="large").get_results()]


@case()
@durable_execution
def large_map_then_a_wait(event, context):
    result = context.map([100, 120, 140], item, "large", MapConfig(max_concurrency=1))
    context.wait(Duration.from_seconds(30), name="rest")
    return [len(text) for text in result.get_results()]


@case()
@durable_execution
def large_map_with_a_summary(event, context):
    config = MapConfig(summary_generator=lambda result: f"{result.success_count} blocks")
    result = context.map([100, 120, 140], item, "large", config)
    context.wait(Duration.from_seconds(30), name="rest")
    return [len(text) for text in result.get_results()]


@case()
@durable_execution
def large_map_flat(event, context):
    config = MapConfig(nesting_type=NestingType.FLAT)
    result = context.map([100, 120, 140], item, "large", config)
    context.wait(Duration.from_seconds(30), name="rest")
    return [len(text) for text in result.get_results()]


@case()
@durable_execution
def large_map_of_large_items(event, context):
    def two(child, kilobytes, index, items):
        return [block(child, f"a{index}", kilobytes), block(child, f"b{index}", kilobytes)]

    result = context.map([150, 150], two, "large", MapConfig(max_concurrency=1))
    context.wait(Duration.from_seconds(30), name="rest")
    return [[len(part) for part in parts] for parts in result.get_results()]


@case()
@durable_execution
def large_map_with_failures(event, context):
    def odd(child, kilobytes, index, items):
        def work(step):
            ran("work")
            if index == 1:
                raise Boom("the second")
            return "x" * (kilobytes * KB)

        return child.step(work, name="work", config=ONCE)

    config = MapConfig(completion_config=CompletionConfig.all_completed(), max_concurrency=1)
    result = context.map([150, 1, 150], odd, "large", config)
    context.wait(Duration.from_seconds(30), name="rest")
    return [[entry.index, entry.status.value] for entry in result.all]


@case()
@durable_execution
def large_map_that_ends_early(event, context):
    config = MapConfig(completion_config=CompletionConfig(min_successful=2), max_concurrency=1)
    result = context.map([150, 150, 150, 150], item, "early", config)
    context.wait(Duration.from_seconds(30), name="rest")
    return [result.completion_reason.value, [entry.index for entry in result.all]]


@case()
@durable_execution
def large_map_that_ends_when_i_say(event, context):
    def enough(status):
        return complete_batch() if status.success_count >= 2 else continue_batch()

    config = MapConfig(completion_config=CompletionConfig(should_complete=enough), max_concurrency=1)
    result = context.map([150, 150, 150, 150], item, "early", config)
    context.wait(Duration.from_seconds(30), name="rest")
    return [result.completion_reason.value, [entry.index for entry in result.all]]


@case()
@durable_execution
def large_parallel(event, context):
    branches = [lambda child: block(child, "left", 150), lambda child: block(child, "right", 150)]
    result = context.parallel(branches, name="large")
    context.wait(Duration.from_seconds(30), name="rest")
    return [len(text) for text in result.get_results()]


@case()
@durable_execution
def large_parallel_first_of_two(event, context):
    def slow(child):
        child.wait(Duration.from_hours(5), name="slow")

    config = ParallelConfig(completion_config=CompletionConfig.first_successful())
    result = context.parallel([slow, lambda child: block(child, "quick", 300)], "large", config)
    context.wait(Duration.from_seconds(30), name="rest")
    return [[entry.index, entry.status.value] for entry in result.all]


@case()
@durable_execution
def large_virtual(event, context):
    config = ChildConfig(is_virtual=True)
    parts = context.run_in_child_context(
        lambda child: [block(child, f"p{n}", 120) for n in range(3)], "v", config
    )
    context.wait(Duration.from_seconds(30), name="rest")
    return sum(map(len, parts))


@case()
@durable_execution
def large_result(event, context):
    """Beyond the 6 MB of a response: the SDK checkpoints it, and returns nothing."""
    piece = block(context, "piece", 64)
    return piece * 100


@case(input={"blob": "i" * (200 * KB)})
@durable_execution
def large_input(event, context):
    return [len(event["blob"]), context.step(lambda _: ran("s"), name="s")]


@case(status="FAILED")
@durable_execution
def large_error(event, context):
    context.step(lambda _: ran("s"), name="s")
    raise Boom("e" * (300 * KB))


@case(status="FAILED", ended_by_the_handler=False)
@durable_execution
def large_error_beyond_a_response(event, context):
    """Beyond 6 MB the SDK checkpoints the error, which is too large for that: five invocations fail with it."""
    context.step(lambda _: ran("s"), name="s")
    raise Boom("e" * (6 * KB * KB + KB))


@case(page_bytes=300 * KB)
@durable_execution
def large_state_in_pages(event, context):
    sizes = [len(block(context, f"n{n}", 120)) for n in range(6)]
    context.wait(Duration.from_seconds(30), name="rest")
    return sizes
