"""The handler itself: what decorates it, what it is made of, what it does besides operations."""

from __future__ import annotations

import functools
import logging

from aws_durable_execution_sdk_python import durable_execution
from aws_durable_execution_sdk_python.config import Duration
from aws_durable_execution_sdk_python.plugin import DurableInstrumentationPlugin

from corpus.case import case, ran

logger = logging.getLogger("corpus.handlers")


def note(context, name, value=None):
    return context.step(lambda _: ran(name) and value, name=name)


def loudly(function):
    """A decorator around the Lambda handler, as tracing libraries have them."""

    @functools.wraps(function)
    def wrapper(event, context):
        logger.debug("in")
        try:
            return function(event, context)
        finally:
            logger.debug("out")

    return wrapper


def without_wraps(function):
    def wrapper(event, context):
        return function(event, context)

    return wrapper


def checked(function):
    """A decorator inside: around the user's function, under durable_execution."""

    @functools.wraps(function)
    def wrapper(event, context):
        return {"checked": True, "result": function(event or {}, context)}

    return wrapper


@case()
@loudly
@durable_execution
def handlers_decorated(event, context):
    return note(context, "in", 1)


@case()
@loudly
@loudly
@durable_execution
@checked
def handlers_decorated_on_both_sides(event, context):
    return note(context, "in", 1)


@case("handlers_decorated_without_wraps", module=__name__)
@without_wraps
@durable_execution
def handlers_decorated_without_wraps(event, context):
    return note(context, "in", 1)


@case()
@durable_execution()
def handlers_of_an_empty_call(event, context):
    return note(context, "in", 1)


class Counting(DurableInstrumentationPlugin):
    """A plugin of the user's own; it only counts."""

    seen: list[str] = []

    def on_operation_start(self, info):
        self.seen.append(info.name)


class CountingFactory:
    def create_plugin(self, info):
        return Counting()


@case()
@durable_execution(plugins=[CountingFactory()])
def handlers_with_a_plugin(event, context):
    context.wait(Duration.from_seconds(1), name="rest")
    return note(context, "in", 1)


def two_things(event, context, *, times):
    return [note(context, f"in-{n}", n) for n in range(times)]


handlers_of_a_partial = case("handlers_of_a_partial", module=__name__)(
    durable_execution(functools.partial(two_things, times=2))
)


class Service:
    """A class whose method is the durable function."""

    def __init__(self, factor):
        self.factor = factor

    def handle(self, event, context):
        return self.factor * note(context, "in", 21)

    def __call__(self, event, context):
        return self.factor + note(context, "in", 21)


handlers_of_a_method = case("handlers_of_a_method", module=__name__)(durable_execution(Service(2).handle))


def make(name):
    @durable_execution
    def made(event, context):
        return [name, note(context, name, event)]

    return made


handlers_of_a_closure = case("handlers_of_a_closure", module=__name__, input="event")(make("closure"))

handlers_of_a_lambda = case("handlers_of_a_lambda", module=__name__)(
    durable_execution(lambda event, context: note(context, "in", "lambda"))
)


@case()
@durable_execution
def handlers_that_log(event, context):
    context.logger.info("begin")
    note(context, "one", 1)
    context.logger.warning("after one: %s", "argument", extra={"order": 7})
    context.wait(Duration.from_seconds(2))
    try:
        raise ValueError("shown")
    except ValueError:
        context.logger.exception("an exception")
    logger.info("by a logger of its own")
    return note(context, "two", 2)


@case()
@durable_execution
def handlers_with_a_logger_of_their_own(event, context):
    class Mine:
        def __init__(self):
            self.lines = []

        def debug(self, msg, *args, extra=None):
            pass

        info = warning = error = exception = debug

    context.set_logger(Mine())
    context.logger.info("to mine")
    return note(context, "in", 1)


@case(input={"n": 3})
@durable_execution
def handlers_of_generators_and_helpers(event, context):
    def numbers():
        for n in range(event["n"]):
            yield note(context, f"gen-{n}", n)

    first, *rest = numbers()
    return {"first": first, "rest": rest, "sorted": sorted((note(context, f"key-{x}", -x) for x in rest))}


@case()
@durable_execution
def handlers_that_look_at_the_contexts(event, context):
    lambda_context = context.lambda_context
    return {
        "arn": context.execution_context.durable_execution_arn.startswith("arn:aws:lambda:"),
        "function": lambda_context.function_name,
        "in": note(context, "in", 1),
    }


@case()
@durable_execution
def handlers_with_match_and_walrus(event, context):
    results = []
    while (n := note(context, "next", len(results))) < 3:
        match n:
            case 0:
                results.append("zero")
            case 1 | 2:
                results.append(f"some {n}")
    return results


class Meter:
    """Module state that a handler reads and writes: allowed, if it does not steer."""

    calls = 0


@case()
@durable_execution
def handlers_with_state_outside(event, context):
    Meter.calls += 1
    context.wait(Duration.from_seconds(3))
    return note(context, "in", 1)
