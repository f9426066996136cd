"""Invocations that end badly: the process dies, Lambda tries again; interrupted steps; errors that ask for a retry."""

from __future__ import annotations

import time

from aws_durable_execution_sdk_python import (
    InvocationError,
    RetryableSerDesError,
    StepError,
    durable_execution,
)
from aws_durable_execution_sdk_python.config import Duration, StepConfig, StepSemantics
from aws_durable_execution_sdk_python.serdes import JsonSerDes

from corpus.case import Answer, ProcessDied, case, die_here, ran, retry


def note(context, name, value=None, config=None):
    return context.step(lambda _: ran(name) and value, name=name, config=config)


def dies(name, times, result="survived"):
    """A body in which the process dies, so many times."""

    def run(step):
        if ran(name) <= times:
            raise ProcessDied(name)
        return result

    return run


@case()
@durable_execution
def crashes_in_a_step(event, context):
    before = note(context, "before", 1)
    return [before, context.step(dies("dies", 1), name="dies"), note(context, "after", 2)]


@case()
@durable_execution
def crashes_twice_in_a_step(event, context):
    return [note(context, "before", 1), context.step(dies("dies", 2), name="dies")]


@case(deaths=("between",))
@durable_execution
def crashes_between_steps(event, context):
    first = note(context, "first", 1)
    die_here("between")
    return first + note(context, "second", 2)


@case(deaths=("at once",))
@durable_execution
def crashes_before_anything(event, context):
    die_here("at once")
    return note(context, "first", 1)


@case(deaths=("end",))
@durable_execution
def crashes_before_it_returns(event, context):
    total = note(context, "first", 1) + note(context, "second", 2)
    die_here("end")
    return total


@case(deaths=("after the wait",))
@durable_execution
def crashes_after_a_wait(event, context):
    note(context, "first", 1)
    context.wait(Duration.from_minutes(1), name="rest")
    die_here("after the wait")
    return note(context, "second", 2)


AT_MOST_ONCE = StepConfig(
    step_semantics=StepSemantics.AT_MOST_ONCE_PER_RETRY, retry_strategy=retry(3, 5).retry_strategy
)
NEVER_AGAIN = StepConfig(
    step_semantics=StepSemantics.AT_MOST_ONCE_PER_RETRY, retry_strategy=retry(1).retry_strategy
)


@case()
@durable_execution
def crashes_in_an_at_most_once_step(event, context):
    """Interrupted: not run again as it was, but tried anew by the retry strategy."""
    return [
        note(context, "before", 1),
        context.step(dies("charge", 1, "charged"), name="charge", config=AT_MOST_ONCE),
    ]


@case()
@durable_execution
def crashes_in_an_at_most_once_step_without_retry(event, context):
    try:
        return context.step(dies("charge", 1), name="charge", config=NEVER_AGAIN)
    except StepError as error:
        return [type(error).__name__, error.error_type, note(context, "look-up", "was it charged?")]


@case()
@durable_execution
def crashes_in_a_child(event, context):
    def inner(child):
        return [note(child, "before", 1), child.step(dies("dies", 1), name="dies")]

    return [context.run_in_child_context(inner, name="child"), note(context, "after", 2)]


@case()
@durable_execution
def crashes_in_a_map_item(event, context):
    def item(child, number, index, items):
        return child.step(dies(f"item {number}", 1 if number == 1 else 0, number), name="work")

    return context.map([0, 1, 2], item, name="items").get_results()


@case()
@durable_execution
def crashes_in_a_retried_step(event, context):
    def work(step):
        n = ran("work")
        if n == 1:
            raise ValueError("first")
        if n == 2:
            raise ProcessDied("second")
        return [n, step.attempt]

    return context.step(work, name="work", config=retry(4, 3))


@case(status="FAILED", ended_by_the_handler=False)
@durable_execution
def crashes_for_ever(event, context):
    """Lambda gives up after some attempts, and the execution fails."""
    note(context, "before", 1)
    return context.step(dies("dies", 99), name="dies")


@case(invocation_timeout=1)
@durable_execution
def crashes_by_the_time_limit_of_an_invocation(event, context):
    """Lambda ends an invocation that takes too long; what it still does counts for nothing."""

    def slow(step):
        if ran("slow") == 1:
            time.sleep(1.4)
        return "in time"

    return [note(context, "before", 1), context.step(slow, name="slow"), note(context, "after", 2)]


class Unwell(JsonSerDes):
    def serialize(self, value, serdes_context):
        if ran("serialize") == 1:
            raise RetryableSerDesError("the key server is down")
        return super().serialize(value, serdes_context)


@case(deaths=("ask",))
@durable_execution
def crashes_by_an_invocation_error(event, context):
    """The SDK's own way to say: this invocation failed, try it again."""
    first = note(context, "first", 1)
    try:
        die_here("ask")
    except ProcessDied:
        raise InvocationError("try me again") from None
    return first + note(context, "second", 2)


@case()
@durable_execution
def crashes_of_a_serdes(event, context):
    def body(step):
        ran("body")
        return {"n": 1}

    return context.step(body, name="keyed", config=StepConfig(serdes=Unwell()))


@case(answers={"ask": [Answer(30, result="yes")]}, deaths=("after the answer",))
@durable_execution
def crashes_after_an_answer(event, context):
    answer = context.wait_for_callback(lambda callback_id, step: ran("ask") and None, name="ask")
    die_here("after the answer")
    return [answer, note(context, "after", 1)]


@case(answers={"ask": [Answer(30, result="yes")]})
@durable_execution
def crashes_in_a_submitter(event, context):
    def submit(callback_id, step):
        if ran("submit") == 1:
            raise ProcessDied("submit")

    return context.wait_for_callback(submit, name="ask")


@case(deaths=("mid",), emulator_like=True)
@durable_execution
def crashes_as_the_emulator_forgets_them(event, context):
    first = note(context, "first", 1)
    die_here("mid")
    return first + note(context, "second", 2)
