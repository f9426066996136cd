"""Child contexts: named and not, nested, failing, waiting inside, with a serdes or a sub-type of their own."""

from __future__ import annotations

from decimal import Decimal

from aws_durable_execution_sdk_python import (
    ChildContextError,
    durable_execution,
    durable_with_child_context,
)
from aws_durable_execution_sdk_python.config import ChildConfig, Duration
from aws_durable_execution_sdk_python.serdes import JsonSerDes

from corpus.case import ONCE, Answer, Boom, case, ran, retry


def note(context, name, value=None):
    return context.step(lambda _: ran(name) and value, name=name)


@durable_with_child_context
def two_steps(context, left, right=0):
    return note(context, "left", left) + note(context, "right", right)


@case()
@durable_execution
def children_one(event, context):
    return context.run_in_child_context(two_steps(1, 2), name="pair")


@case()
@durable_execution
def children_named_by_their_function(event, context):
    return context.run_in_child_context(two_steps(3, right=4))


@case()
@durable_execution
def children_unnamed(event, context):
    return context.run_in_child_context(lambda child: note(child, "in", 7))


@case()
@durable_execution
def children_several_of_one_name(event, context):
    return [context.run_in_child_context(two_steps(n), name="same") for n in range(3)]


@case()
@durable_execution
def children_without_operations(event, context):
    return context.run_in_child_context(lambda child: "nothing durable in here", name="empty")


@case()
@durable_execution
def children_that_return_nothing(event, context):
    return [
        context.run_in_child_context(lambda child: note(child, "in"), name="none"),
        note(context, "after", 1),
    ]


@case()
@durable_execution
def children_three_deep(event, context):
    def deepest(child):
        return [note(child, "deepest", 3)]

    def middle(child):
        return [
            note(child, "middle", 2),
            *child.run_in_child_context(deepest, name="deepest"),
            note(child, "back", 4),
        ]

    def outer(child):
        return [note(child, "outer", 1), *child.run_in_child_context(middle, name="middle")]

    return context.run_in_child_context(outer, name="outer")


@case()
@durable_execution
def children_that_wait_inside(event, context):
    def slow(child):
        before = note(child, "before", 1)
        child.wait(Duration.from_minutes(3), name="inside")
        return before + note(child, "after", 2)

    return context.run_in_child_context(slow, name="slow") + note(context, "last", 10)


@case()
@durable_execution
def children_that_retry_inside(event, context):
    def flaky(step):
        if ran("flaky") < 3:
            raise Boom("again")
        return "ok"

    def inner(child):
        return [note(child, "before", 1), child.step(flaky, name="flaky", config=retry(4, 2))]

    return context.run_in_child_context(inner, name="retrying")


@case(answers={"deep": [Answer(25, result="yes")]})
@durable_execution
def children_that_wait_for_a_callback_inside(event, context):
    def call(child):
        return child.run_in_child_context(
            lambda inner: inner.wait_for_callback(lambda callback_id, step: ran("ask") and None, name="deep"),
            name="inner",
        )

    return context.run_in_child_context(call, name="outer")


@case(status="FAILED")
@durable_execution
def children_that_fail(event, context):
    def broken(child):
        note(child, "before")
        raise Boom("inside the child")

    context.run_in_child_context(broken, name="broken")


@case()
@durable_execution
def children_that_fail_and_are_caught(event, context):
    def broken(child):
        note(child, "before")
        raise Boom("inside the child")

    try:
        context.run_in_child_context(broken, name="broken")
    except ChildContextError as error:
        return [str(error), error.error_type, note(context, "undo", "undone")]


@case()
@durable_execution
def children_whose_step_fails(event, context):
    def bad(step):
        ran("bad")
        raise Boom("in a step")

    def broken(child):
        child.step(bad, name="bad", config=ONCE)

    try:
        context.run_in_child_context(
            lambda outer: outer.run_in_child_context(broken, name="inner"), name="outer"
        )
    except ChildContextError as error:
        cause = error.__cause__
        return [str(error), error.error_type, type(cause).__name__]


@case()
@durable_execution
def children_that_handle_their_own_errors(event, context):
    def broken(child):
        raise ValueError("deep")

    def outer(child):
        try:
            child.run_in_child_context(broken, name="broken")
        except ChildContextError:
            return note(child, "handled", "handled")

    return context.run_in_child_context(outer, name="outer")


@case()
@durable_execution
def children_of_a_sub_type_of_their_own(event, context):
    return context.run_in_child_context(two_steps(1), name="saga", config=ChildConfig(sub_type="Saga"))


@case()
@durable_execution
def children_with_a_serdes(event, context):
    got = context.run_in_child_context(
        lambda child: {"n": note(child, "n", 5)}, name="json", config=ChildConfig(serdes=JsonSerDes())
    )
    rich = context.run_in_child_context(lambda child: (Decimal("1.10"), b"\x00"), name="rich")
    return [got, str(rich[0]), type(rich).__name__]


@case()
@durable_execution
def children_in_a_saga(event, context):
    undo = []
    try:
        for part in ("flight", "hotel", "car"):

            def book(child, part=part):
                if part == "car":
                    raise Boom("no car")
                return note(child, f"book-{part}", part)

            context.run_in_child_context(book, name=part)
            undo.append(part)
    except ChildContextError:
        return [note(context, f"cancel-{part}", f"cancelled {part}") for part in reversed(undo)]


@case(status="RUNNING", ended_by_the_handler=False, look_after_seconds=100)
@durable_execution
def children_suspended_inside(event, context):
    def slow(child):
        note(child, "before", 1)
        child.wait(Duration.from_hours(1), name="inside")

    context.run_in_child_context(lambda outer: outer.run_in_child_context(slow, name="slow"), name="outer")
