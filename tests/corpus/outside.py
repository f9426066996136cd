"""What bodies do to the handler around them, codecs that are never the same twice, inputs that can be read once."""

from __future__ import annotations

import base64
import contextvars
import json
import os
import tempfile
import uuid

from aws_durable_execution_sdk_python import WithRetryConfig, durable_execution, with_retry
from aws_durable_execution_sdk_python.config import (
    ChildConfig,
    CompletionConfig,
    Duration,
    InvokeConfig,
    MapConfig,
    NestingType,
    ParallelBranch,
    ParallelConfig,
)
from aws_durable_execution_sdk_python.serdes import SerDes

from corpus.case import case, ran

WHERE = contextvars.ContextVar("where", default="nowhere")


def number(context, name, value):
    return context.step(lambda _: ran(name) and value, name=name)


def nap(context):
    context.wait(Duration.from_seconds(5), name="nap")


# ---- what a body changes outside of it is not so once its context has ended


@case()
@durable_execution
def outside_a_child_fills_a_list_of_the_handler(event, context):
    seen = []
    context.run_in_child_context(lambda child: seen.append(number(child, "one", 1)), name="child")
    nap(context)
    return seen


@case()
@durable_execution
def outside_a_map_fills_a_dict_of_the_handler(event, context):
    seen = {}

    def item(child, value, index, items):
        seen[str(value)] = number(child, f"n{value}", value)

    context.map([1, 2], item, name="map", config=MapConfig(max_concurrency=1))
    nap(context)
    return seen


@case()
@durable_execution
def outside_branches_set_a_context_variable(event, context):
    def item(child, value, index, items):
        WHERE.set(f"item {value}")
        return number(child, WHERE.get(), value)

    context.map([1, 2], item, name="map")
    return number(context, f"after {WHERE.get()}", 3)


@case()
@durable_execution
def outside_children_return_one_list_that_grows(event, context):
    grown = []

    def child(inner):
        grown.append(number(inner, f"n{len(grown)}", len(grown)))
        return grown

    return [context.run_in_child_context(child, name=f"child-{n}") for n in range(3)]


@case()
@durable_execution
def outside_flat_items_return_what_is_changed_later(event, context):
    orders = [{"id": 1}, {"id": 2}]

    def item(child, order, index, items):
        order["price"] = number(child, f"price {order['id']}", 5)
        return order

    config = MapConfig(nesting_type=NestingType.FLAT)
    found = context.map(orders, item, name="map", config=config).get_results()
    for order in orders:
        order["done"] = True
    return found


# ---- what a child gives cannot be written


@case()
@durable_execution
def outside_a_child_returns_what_cannot_be_written(event, context):
    try:
        context.run_in_child_context(lambda child: {number(child, "one", 1)}, name="set")
    except Exception as error:  # noqa: BLE001
        told = type(error).__name__
    nap(context)
    return told


@case()
@durable_execution
def outside_a_flat_branch_returns_what_cannot_be_written(event, context):
    config = ParallelConfig(completion_config=CompletionConfig.all_completed(), nesting_type=NestingType.FLAT)
    found = context.parallel([lambda _: object, lambda c: number(c, "one", 1)], name="p", config=config)
    nap(context)
    return len(found.get_results())


@case()
@durable_execution
def outside_a_summary_cannot_be_made(event, context):
    def no_summary(result):
        raise ValueError("no summary")

    try:
        config = ChildConfig(summary_generator=no_summary)
        context.run_in_child_context(lambda _: "x" * 300_000, name="large", config=config)
    except Exception as error:  # noqa: BLE001
        told = str(error)
    nap(context)
    return told


# ---- what is never the same twice


class Sealed(SerDes):
    """Writes something else each time, as encryption does, and can be read back."""

    def serialize(self, value, context):
        return json.dumps(
            {"nonce": uuid.uuid4().hex, "sealed": base64.b64encode(json.dumps(value).encode()).decode()}
        )

    def deserialize(self, data, context):
        return json.loads(base64.b64decode(json.loads(data)["sealed"]))


class Stored(SerDes):
    """Puts the value in a file and writes where."""

    def serialize(self, value, context):
        path = f"{tempfile.gettempdir()}/durable-debug-{os.getpid()}-{uuid.uuid4().hex}"
        with open(path, "w") as file:  # noqa: PTH123
            json.dump(value, file)
        os.unlink(path)  # noqa: PTH108 - the test needs no more of it
        return json.dumps({"path": path})

    def deserialize(self, data, context):
        return json.loads(data)


@case(plain={"target": lambda event, _=None: ran("target") and 1})
@durable_execution
def outside_an_invoke_with_a_sealed_payload(event, context):
    return context.invoke("target", {"a": 1}, name="call", config=InvokeConfig(serdes_payload=Sealed()))


@case(plain={"target": lambda event, _=None: ran("target") and 1})
@durable_execution
def outside_an_invoke_with_a_stored_payload(event, context):
    return context.invoke("target", {"a": 1}, name="call", config=InvokeConfig(serdes_payload=Stored()))


@case()
@durable_execution
def outside_a_child_with_a_stored_result(event, context):
    config = ChildConfig(serdes=Stored())
    context.run_in_child_context(lambda child: number(child, "one", 1), name="child", config=config)
    nap(context)
    return "done"


@case()
@durable_execution
def outside_pauses_drawn_by_chance(event, context):
    def attempt(child, n):
        if number(child, f"try {n}", n) < 3:
            raise ValueError("again")
        return n

    return with_retry(context, attempt, WithRetryConfig(), name="block")


# ---- inputs that can be read once


@case()
@durable_execution
def outside_a_map_over_a_generator(event, context):
    squares = (n * n for n in range(3))
    return context.map(squares, lambda c, x, i, _: number(c, f"s{i}", x), name="map").get_results()


@case()
@durable_execution
def outside_a_parallel_of_a_generator(event, context):
    branches = (lambda c, n=n: number(c, f"s{n}", n) for n in range(3))
    return context.parallel(branches, name="parallel").get_results()


@case()
@durable_execution
def outside_a_namer_that_counts(event, context):
    count = iter(range(100))

    def item(child, value, index, items):
        nap(child)
        return number(child, f"s{index}", value)

    config = MapConfig(item_namer=lambda value, index: f"{next(count)}-{value}")
    return context.map([4, 5, 6], item, name="map", config=config).get_results()


class Counted:
    """Has a length, and can be gone through once."""

    def __init__(self, items):
        self.items, self.length = iter(items), len(items)

    def __len__(self):
        return self.length

    def __iter__(self):
        return self.items


@case(status="RUNNING", ended_by_the_handler=False, look_after_seconds=3)
@durable_execution
def outside_a_running_map_over_what_can_be_read_once(event, context):
    def item(child, value, index, items):
        nap(child)
        return number(child, f"s{index}", value)

    return context.map(Counted([4, 5]), item, name="map").get_results()


class Numbered(ParallelBranch):
    """A branch class of the user's own."""

    def __init__(self, n):
        super().__init__(func=lambda context: context.wait(Duration.from_seconds(20)), name=f"branch {n}")


@case(status="RUNNING", ended_by_the_handler=False, look_after_seconds=3)
@durable_execution
def outside_a_running_parallel_of_own_branches(event, context):
    return len(context.parallel([Numbered(1), Numbered(2)], name="parallel").get_results())


@case()
@durable_execution
def outside_what_the_lambda_context_gives(event, context):
    context.lambda_context.log("hello")
    return number(context, "one", 1)
