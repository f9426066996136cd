"""Every kind of operation inside every kind of context, and a wait after it, so that what is complete is replayed."""

from __future__ import annotations

from functools import partial

from aws_durable_execution_sdk_python import durable_execution
from aws_durable_execution_sdk_python.config import (
    ChildConfig,
    Duration,
    MapConfig,
    NestingType,
    ParallelConfig,
)
from aws_durable_execution_sdk_python.waits import WaitForConditionConfig, WaitForConditionDecision

from corpus.case import Answer, Boom, case, ran, retry

KB = 1024


def note(context, name, value):
    return context.step(lambda _: ran(name) and value, name=name)


# --- what is inside: each takes a context and a number that makes names differ -------------------------------------


def a_step(context, n):
    return note(context, f"step-{n}", n)


def a_retry(context, n):
    def flaky(step):
        if ran(f"flaky-{n}") < 2:
            raise Boom("once")
        return n

    return context.step(flaky, name=f"flaky-{n}", config=retry(3, 4))


def a_wait(context, n):
    context.wait(Duration.from_seconds(10 + n), name=f"wait-{n}")
    return note(context, f"waited-{n}", n)


def a_callback(context, n):
    callback = context.create_callback(name=f"answer-{n}")
    note(context, f"told-{n}", n)
    return callback.result()


def a_submitter(context, n):
    return context.wait_for_callback(
        lambda callback_id, step: ran(f"submit-{n}") and None, name=f"answer-{n}"
    )


def an_invoke(context, n):
    return context.invoke("double", n, name=f"invoke-{n}")


def a_condition(context, n):
    def strategy(state, attempts):
        if state < 2:
            return WaitForConditionDecision.continue_waiting(Duration.from_seconds(5))
        return WaitForConditionDecision.stop_polling()

    config = WaitForConditionConfig(strategy, 0)
    return context.wait_for_condition(
        lambda state, step: ran("check") and state + 1, config, name=f"poll-{n}"
    )


def a_child(context, n):
    return context.run_in_child_context(
        lambda child: [a_step(child, n), a_step(child, n + 10)], name=f"child-{n}"
    )


def a_virtual_child(context, n):
    config = ChildConfig(is_virtual=True)
    return context.run_in_child_context(
        lambda child: [a_step(child, n), a_step(child, n + 10)], f"v-{n}", config
    )


def a_map(context, n):
    return context.map([n, n + 1], lambda child, x, i, xs: a_step(child, x), name=f"map-{n}").get_results()


def a_flat_parallel(context, n):
    config = ParallelConfig(nesting_type=NestingType.FLAT, max_concurrency=1)
    branches = [lambda child: a_step(child, n), lambda child: a_wait(child, n)]
    return context.parallel(branches, f"flat-{n}", config).get_results()


def an_error(context, n):
    def bad(step):
        ran(f"bad-{n}")
        raise Boom(f"number {n}")

    try:
        context.step(bad, name=f"bad-{n}", config=retry(1))
    except Exception as error:
        return [str(error), note(context, f"handled-{n}", n)]


# --- where it is: each takes the handler's context and something inside --------------------------------------------


def in_a_child(context, inside):
    return context.run_in_child_context(lambda child: inside(child, 1), name="outer")


def in_a_virtual_child(context, inside):
    return context.run_in_child_context(lambda child: inside(child, 1), "outer", ChildConfig(is_virtual=True))


def in_a_large_child(context, inside):
    def body(child):
        return [inside(child, 1), "x" * (300 * KB)]

    return context.run_in_child_context(body, name="outer")[0]


def in_a_map(nesting, concurrency, context, inside):
    config = MapConfig(nesting_type=nesting, max_concurrency=concurrency)
    return context.map([1, 2], lambda child, n, i, ns: inside(child, n), "outer", config).get_results()


def in_a_large_map(context, inside):
    def item(child, n, index, numbers):
        return [inside(child, n), "x" * (150 * KB)]

    return [
        kept for kept, _ in context.map([1, 2], item, "outer", MapConfig(max_concurrency=1)).get_results()
    ]


def in_a_parallel(nesting, context, inside):
    branches = [partial(lambda n, child: inside(child, n), n) for n in (1, 2)]
    return context.parallel(branches, "outer", ParallelConfig(nesting_type=nesting)).get_results()


INSIDES = (
    a_step,
    a_retry,
    a_wait,
    a_callback,
    a_submitter,
    an_invoke,
    a_condition,
    a_child,
    a_virtual_child,
    a_map,
    a_flat_parallel,
    an_error,
)
PLACES = {
    "in_a_child": in_a_child,
    "in_a_virtual_child": in_a_virtual_child,
    "in_a_large_child": in_a_large_child,
    "in_a_map": partial(in_a_map, NestingType.NESTED, None),
    "in_a_flat_map": partial(in_a_map, NestingType.FLAT, None),
    "in_a_flat_serial_map": partial(in_a_map, NestingType.FLAT, 1),
    "in_a_large_map": in_a_large_map,
    "in_a_parallel": partial(in_a_parallel, NestingType.NESTED),
    "in_a_flat_parallel": partial(in_a_parallel, NestingType.FLAT),
}


def handler_of(place, inside):
    @durable_execution
    def handler(event, context):
        got = place(context, inside)
        context.wait(Duration.from_minutes(1), name="after")
        return [got, note(context, "last", "last")]

    return handler


def double(event, context):
    ran("double")
    return event * 2


for place_name, place in PLACES.items():
    for inside in INSIDES:
        case(
            f"matrix_{inside.__name__}_{place_name}",
            module=__name__,
            answers={f"answer-{n}": [Answer(15 * n, result=f"answer {n}")] for n in (1, 2)},
            plain={"double": double},
        )(handler_of(place, inside))
