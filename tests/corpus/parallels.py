"""Parallels: branches of every kind, names, concurrency, completion, nesting in each other."""

from __future__ import annotations

import time

from aws_durable_execution_sdk_python import (
    ParallelBranch,
    complete_batch,
    continue_batch,
    durable_execution,
    durable_parallel_branch,
)
from aws_durable_execution_sdk_python.config import (
    CompletionConfig,
    Duration,
    NestingType,
    ParallelConfig,
)

from corpus.case import ONCE, Answer, Boom, case, ran, retry
from corpus.maps import summary


def note(context, name, value=None):
    return context.step(lambda _: ran(name) and value, name=name)


def branch(name, value=None, wait=None, fail=False):
    def run(context):
        if wait:
            context.wait(Duration.from_seconds(wait), name=f"wait-{name}")
        if fail:
            context.step(broken, name=f"broken-{name}", config=ONCE)
        return note(context, name, value)

    return run


def broken(step):
    ran("broken")
    raise Boom("a branch fails")


@durable_parallel_branch(name="named")
def named(context, value, times=1):
    return [note(context, f"{value}-{n}", value) for n in range(times)]


@durable_parallel_branch()
def nameless(context):
    return note(context, "nameless", "n")


@case()
@durable_execution
def parallels_two(event, context):
    return context.parallel([branch("a", 1), branch("b", 2)], name="both").get_results()


@case()
@durable_execution
def parallels_none(event, context):
    return summary(context.parallel([], name="none"))


@case()
@durable_execution
def parallels_unnamed(event, context):
    return context.parallel(functions=[branch("a", 1), branch("b", 2), branch("c", 3)]).get_results()


@case()
@durable_execution
def parallels_of_decorated_branches(event, context):
    return context.parallel([named("x", times=2), nameless(), named("y")], name="decorated").get_results()


@case()
@durable_execution
def parallels_of_named_branches(event, context):
    branches = [ParallelBranch(branch("a", 1), name="first"), ParallelBranch(branch("b", 2))]
    return context.parallel(branches, name="named").get_results()


@case()
@durable_execution
def parallels_one_at_a_time(event, context):
    branches = [branch("a", 1), branch("b", 2), branch("c", 3)]
    return context.parallel(branches, "serial", ParallelConfig(max_concurrency=1)).get_results()


@case()
@durable_execution
def parallels_two_at_a_time_that_wait(event, context):
    branches = [branch(name, name, wait=20) for name in "abcde"]
    return context.parallel(branches, "bounded", ParallelConfig(max_concurrency=2)).get_results()


@case()
@durable_execution
def parallels_that_wait_differently(event, context):
    branches = [branch("now", 1), branch("soon", 2, wait=5), branch("late", 3, wait=3_600)]
    return [context.parallel(branches, name="waits").get_results(), note(context, "after", 4)]


@case()
@durable_execution
def parallels_flat(event, context):
    config = ParallelConfig(nesting_type=NestingType.FLAT)
    return context.parallel([branch("a", 1), branch("b", 2, wait=7)], "flat", config).get_results()


@case()
@durable_execution
def parallels_flat_in_a_child(event, context):
    config = ParallelConfig(nesting_type=NestingType.FLAT, max_concurrency=1)

    def inner(child):
        before = note(child, "before", 0)
        return [before, *child.parallel([branch("a", 1), branch("b", 2)], "flat", config).get_results()]

    return context.run_in_child_context(inner, name="child")


@case()
@durable_execution
def parallels_with_a_failure(event, context):
    config = ParallelConfig(max_concurrency=1)
    return summary(
        context.parallel([branch("a", 1), branch("b", fail=True), branch("c", 3)], "fails", config)
    )


@case(status="FAILED")
@durable_execution
def parallels_with_a_failure_thrown(event, context):
    result = context.parallel(
        [branch("a", 1), branch("b", fail=True)], "fails", ParallelConfig(max_concurrency=1)
    )
    result.throw_if_error()


@case()
@durable_execution
def parallels_with_failures_taken(event, context):
    config = ParallelConfig(completion_config=CompletionConfig.all_completed())
    branches = [branch("a", 1), branch("b", fail=True), branch("c", 3), branch("d", fail=True)]
    return summary(context.parallel(branches, "taken", config))


@case()
@durable_execution
def parallels_first_of_three(event, context):
    config = ParallelConfig(completion_config=CompletionConfig.first_successful())
    branches = [branch("slow", 1, wait=900), branch("fast", 2), branch("slower", 3, wait=9_000)]
    result = context.parallel(branches, "race", config)
    return [result.completion_reason.value, result.get_results(), note(context, "after", 1)]


@case()
@durable_execution
def parallels_first_of_three_then_a_wait(event, context):
    """The losers are still waiting when the execution goes on: their waits end, and nobody looks."""
    config = ParallelConfig(completion_config=CompletionConfig.first_successful())
    branches = [branch("slow", 1, wait=60), branch("fast", 2), branch("slower", 3, wait=100)]
    result = context.parallel(branches, "race", config)
    context.wait(Duration.from_seconds(200), name="outlast")
    return [result.get_results(), note(context, "after", 1)]


@case(answers={"ask": [Answer(300, result="late answer")]})
@durable_execution
def parallels_callback_or_timeout(event, context):
    def call(child):
        return child.wait_for_callback(lambda callback_id, step: ran("ask") and None, name="ask")

    config = ParallelConfig(completion_config=CompletionConfig.first_successful())
    result = context.parallel([call, branch("timeout", "gave up", wait=120)], "either", config)
    return result.get_results()


@case()
@durable_execution
def parallels_until_i_say(event, context):
    def quorum(status):
        done = sum(item.status is not None and item.status.value == "SUCCEEDED" for item in status.items[:2])
        return complete_batch() if done == 2 else continue_batch()

    config = ParallelConfig(max_concurrency=1, completion_config=CompletionConfig(should_complete=quorum))
    return summary(context.parallel([branch(name, name) for name in "abcd"], "quorum", config))


@case()
@durable_execution
def parallels_in_parallels(event, context):
    def pair(name):
        return lambda child: child.parallel(
            [branch(f"{name}1", 1), branch(f"{name}2", 2)], name=name
        ).get_results()

    return context.parallel([pair("x"), pair("y")], name="outer").get_results()


@case()
@durable_execution
def parallels_of_maps_in_children(event, context):
    def cube(child, item, index, items):
        return note(child, f"cube-{item}", item**3)

    def left(child):
        return child.run_in_child_context(
            lambda inner: inner.map([1, 2], cube, name="cubes").get_results(), name="l"
        )

    def right(child):
        child.wait(Duration.from_seconds(30), name="rest")
        return child.map([3, 4], cube, name="cubes").get_results()

    return context.run_in_child_context(
        lambda child: child.parallel([left, right], name="sides").get_results(), name="all"
    )


@case()
@durable_execution
def parallels_with_retries(event, context):
    def flaky(name, times):
        def work(step):
            if ran(name) <= times:
                raise Boom(name)
            return name

        return lambda child: child.step(work, name=name, config=retry(5, 4))

    return context.parallel([flaky("one", 1), flaky("two", 2), flaky("none", 0)], name="flaky").get_results()


@case()
@durable_execution
def parallels_resumed_in_the_same_invocation(event, context):
    def busy(child):
        return child.step(lambda _: ran("busy") and time.sleep(1.7), name="busy")

    def short(child):
        child.wait(Duration.from_seconds(1), name="short")
        return note(child, "short", "resumed")

    return context.parallel([busy, short], name="mixed").get_results()


@case()
@durable_execution
def parallels_of_two_hundred_short_branches(event, context):
    config = ParallelConfig(nesting_type=NestingType.FLAT, max_concurrency=20)
    branches = [branch(f"b{n}", n) for n in range(200)]
    return sum(context.parallel(branches, "many", config).get_results())


@case(status="RUNNING", ended_by_the_handler=False, look_after_seconds=600)
@durable_execution
def parallels_half_done(event, context):
    branches = [branch("now", 1), branch("later", 2, wait=100_000), branch("soon", 3, wait=50)]
    return context.parallel(branches, name="half").get_results()
