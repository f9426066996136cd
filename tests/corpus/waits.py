"""Waits: short, long, unnamed, several, before and after everything."""

from __future__ import annotations

from aws_durable_execution_sdk_python import ValidationError, durable_execution
from aws_durable_execution_sdk_python.config import Duration

from corpus.case import case, ran


@case()
@durable_execution
def waits_a_second(event, context):
    context.wait(Duration.from_seconds(1), name="second")
    return "waited"


@case()
@durable_execution
def waits_unnamed_and_by_keyword(event, context):
    context.wait(Duration.from_seconds(2))
    context.wait(duration=Duration(seconds=3))
    return "waited"


@case(execution_timeout=31_622_400)
@durable_execution
def waits_of_every_length(event, context):
    context.wait(Duration.from_minutes(5), name="minutes")
    context.wait(Duration.from_hours(7), name="hours")
    context.wait(Duration.from_days(40), name="days")
    return "at last"


@case()
@durable_execution
def waits_between_steps(event, context):
    first = context.step(lambda _: ran("first"), name="first")
    context.wait(Duration.from_seconds(60), name="between")
    second = context.step(lambda _: ran("second"), name="second")
    context.wait(Duration.from_seconds(90), name="again")
    return first + second


@case()
@durable_execution
def waits_in_a_loop(event, context):
    beats = []
    for beat in range(5):
        context.wait(Duration.from_seconds(10), name="pause")
        beats.append(context.step(lambda _, beat=beat: beat + 0 * ran("beat"), name="beat"))
    return beats


@case()
@durable_execution
def waits_refused(event, context):
    try:
        context.wait(Duration(seconds=0), name="none")
    except ValidationError as error:
        return str(error)


@case(status="RUNNING", ended_by_the_handler=False, look_after_seconds=3_600)
@durable_execution
def waits_still(event, context):
    context.step(lambda _: ran("before"), name="before")
    context.wait(Duration.from_days(1), name="tomorrow")
    return context.step(lambda _: ran("after"), name="after")


@case(status="TIMED_OUT", execution_timeout=600, ended_by_the_handler=False)
@durable_execution
def waits_beyond_the_execution_timeout(event, context):
    context.wait(Duration.from_seconds(30), name="short")
    context.wait(Duration.from_days(1), name="too-long")
    return "never"


@case(emulator_like=True)
@durable_execution
def waits_as_the_emulator_clocks_them(event, context):
    for n in range(3):
        context.wait(Duration.from_seconds(5 + n), name=f"w{n}")
        context.step(lambda _: ran("s"), name=f"s{n}")
    return "done"
