"""Virtual contexts: no operation of their own, but their place in the ids of what is inside."""

from __future__ import annotations

from aws_durable_execution_sdk_python import ChildContextError, durable_execution
from aws_durable_execution_sdk_python.config import ChildConfig, Duration

from corpus.case import ONCE, Boom, case, ran, retry

VIRTUAL = ChildConfig(is_virtual=True)


def note(context, name, value=None):
    return context.step(lambda _: ran(name) and value, name=name)


@case()
@durable_execution
def virtual_one(event, context):
    return context.run_in_child_context(
        lambda child: [note(child, "a", 1), note(child, "b", 2)], "v", VIRTUAL
    )


@case()
@durable_execution
def virtual_between_steps(event, context):
    before = note(context, "before", 1)
    inside = context.run_in_child_context(lambda child: note(child, "inside", 2), "v", VIRTUAL)
    return [before, inside, note(context, "after", 3)]


@case()
@durable_execution
def virtual_without_operations(event, context):
    return context.run_in_child_context(lambda child: "plain", "v", VIRTUAL)


@case()
@durable_execution
def virtual_in_virtual(event, context):
    def outer(child):
        inner = child.run_in_child_context(lambda deep: note(deep, "deep", 1), "inner", VIRTUAL)
        return [inner, note(child, "outer", 2)]

    return context.run_in_child_context(outer, "outer", VIRTUAL)


@case()
@durable_execution
def virtual_in_a_child_and_a_child_in_it(event, context):
    def innermost(child):
        return note(child, "innermost", 1)

    def virtual(child):
        return [note(child, "virtual", 2), child.run_in_child_context(innermost, "innermost")]

    def outer(child):
        return [note(child, "outer", 3), child.run_in_child_context(virtual, "virtual", VIRTUAL)]

    return context.run_in_child_context(outer, "outer")


@case()
@durable_execution
def virtual_that_waits(event, context):
    def slow(child):
        first = note(child, "first", 1)
        child.wait(Duration.from_seconds(50), name="inside")
        return first + note(child, "second", 2)

    return context.run_in_child_context(slow, "v", VIRTUAL)


@case()
@durable_execution
def virtual_that_retries(event, context):
    def flaky(step):
        if ran("flaky") < 2:
            raise Boom("again")
        return "ok"

    return context.run_in_child_context(lambda child: child.step(flaky, "flaky", retry(3, 5)), "v", VIRTUAL)


@case()
@durable_execution
def virtual_that_fails_and_is_caught(event, context):
    def bad(step):
        ran("bad")
        raise Boom("in a virtual context")

    try:
        context.run_in_child_context(lambda child: child.step(bad, "bad", ONCE), "v", VIRTUAL)
    except ChildContextError as error:
        return [str(error), error.error_type, note(context, "after", 1)]


@case(status="FAILED")
@durable_execution
def virtual_that_fails(event, context):
    def bad(child):
        note(child, "before")
        raise Boom("in a virtual context")

    context.run_in_child_context(bad, "v", VIRTUAL)
