"""Errors: of the handler, of operations, caught and not, with causes, data, odd classes; and SDK's own kinds."""

from __future__ import annotations

from aws_durable_execution_sdk_python import (
    ChildContextError,
    DurableOperationError,
    ExecutionError,
    StepError,
    durable_execution,
)
from aws_durable_execution_sdk_python.config import CompletionConfig, Duration, MapConfig

from corpus.case import ONCE, Boom, case, ran, retry


def bad(text="in a step"):
    def run(step):
        ran("bad")
        raise Boom(text)

    return run


def note(context, name, value=None):
    return context.step(lambda _: ran(name) and value, name=name)


class Teapot(Boom):
    """With a constructor of its own, so that nobody can build it again from its message."""

    def __init__(self, temperature, *, sugar):
        super().__init__(f"teapot at {temperature} with {sugar}")
        self.temperature = temperature


@case(status="FAILED")
@durable_execution
def errors_of_the_handler(event, context):
    note(context, "before")
    raise Boom("the handler fails")


@case(status="FAILED")
@durable_execution
def errors_before_anything(event, context):
    return event["missing"]


@case(status="FAILED")
@durable_execution
def errors_without_a_message(event, context):
    note(context, "before")
    raise Boom


@case(status="FAILED")
@durable_execution
def errors_with_a_cause(event, context):
    try:
        context.step(bad(), name="bad", config=ONCE)
    except StepError as error:
        raise ValueError("because of a step") from error


@case(status="FAILED")
@durable_execution
def errors_of_a_step(event, context):
    context.step(bad(), name="bad", config=ONCE)


@case(status="FAILED")
@durable_execution
def errors_after_a_wait(event, context):
    note(context, "before")
    context.wait(Duration.from_seconds(10), name="rest")
    note(context, "after")
    raise TimeoutError("too late")


@case()
@durable_execution
def errors_of_a_class_of_their_own(event, context):
    def pour(step):
        ran("pour")
        raise Teapot(90, sugar="none")

    try:
        context.step(pour, name="pour", config=ONCE)
    except DurableOperationError as error:
        return [type(error).__name__, error.error_type, str(error)]


@case()
@durable_execution
def errors_swallowed(event, context):
    try:
        context.step(bad(), name="bad", config=ONCE)
    except Exception:
        pass
    return note(context, "on", "went on")


@case()
@durable_execution
def errors_with_finally(event, context):
    log = []
    try:
        try:
            context.step(bad(), name="bad", config=ONCE)
        finally:
            log.append(note(context, "finally", "finally"))
    except StepError:
        log.append("caught")
    return log


@case()
@durable_execution
def errors_that_decide_the_way(event, context):
    for attempt in range(3):
        try:
            context.step(bad(f"attempt {attempt}"), name=f"try-{attempt}", config=retry(2))
        except StepError as error:
            last = str(error)
            context.wait(Duration.from_seconds(60), name=f"cool-{attempt}")
    return last


@case()
@durable_execution
def errors_through_three_contexts(event, context):
    def deep(child):
        child.step(bad("deep"), name="bad", config=ONCE)

    def middle(child):
        child.run_in_child_context(deep, name="deep")

    try:
        context.run_in_child_context(middle, name="middle")
    except ChildContextError as error:
        chain = []
        cause = error
        while cause:
            chain.append(type(cause).__name__)
            cause = cause.__cause__
        return chain


@case()
@durable_execution
def errors_in_a_map_in_a_child(event, context):
    def item(child, number, index, items):
        if number == 2:
            child.step(bad(f"item {number}"), name="bad", config=ONCE)
        return note(child, "good", number)

    def outer(child):
        config = MapConfig(completion_config=CompletionConfig.all_completed(), max_concurrency=1)
        return child.map([1, 2, 3], item, "items", config)

    result = context.run_in_child_context(outer, name="outer")
    return [[error.type, error.message] for error in result.get_errors()] + [result.get_results()]


@case(status="FAILED")
@durable_execution
def errors_of_the_execution(event, context):
    """The SDK's own way to say: fail, and do not try again."""
    note(context, "before")
    raise ExecutionError("no use in trying again")


@case(status="FAILED")
@durable_execution
def errors_of_what_cannot_be_returned(event, context):
    note(context, "before")
    return {"a": object()}


@case(status="FAILED")
@durable_execution
def errors_of_groups(event, context):
    problems = []
    for n in range(2):
        try:
            context.step(bad(f"problem {n}"), name=f"p{n}", config=ONCE)
        except StepError as error:
            problems.append(error)
    raise ExceptionGroup("several", problems)


@case(status="FAILED", emulator_like=True)
@durable_execution
def errors_as_the_emulator_tells_them(event, context):
    note(context, "before")
    context.step(bad(), name="bad", config=retry(2))
