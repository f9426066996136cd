"""Callbacks: created and awaited, answered soon or late, failed, timed out, kept alive; and wait_for_callback."""

from __future__ import annotations

import json

from aws_durable_execution_sdk_python import (
    CallbackError,
    CallbackExternalError,
    CallbackSubmitterError,
    CallbackTimeoutError,
    durable_execution,
    durable_wait_for_callback,
)
from aws_durable_execution_sdk_python.config import CallbackConfig, Duration, WaitForCallbackConfig
from aws_durable_execution_sdk_python.lambda_service import ErrorObject
from aws_durable_execution_sdk_python.serdes import JsonSerDes

from corpus.case import Answer, Boom, case, ran, retry

REFUSED = ErrorObject("not this time", "Refused", '{"code": 7}', ["line 1", "line 2"])


def submit(callback_id, context):
    ran("submit")


@case(answers={"approval": [Answer(40, result='{"ok": true}')]})
@durable_execution
def callbacks_answered(event, context):
    callback = context.create_callback(name="approval")
    return json.loads(callback.result())


@case(answers={"approval": [Answer(40, result="plain text, not JSON")]})
@durable_execution
def callbacks_with_plain_text(event, context):
    return context.create_callback(name="approval").result()


@case(answers={"approval": [Answer(40)]})
@durable_execution
def callbacks_answered_with_nothing(event, context):
    return {"got": context.create_callback(name="approval").result()}


@case(answers={None: [Answer(5, result="unnamed")]})
@durable_execution
def callbacks_unnamed(event, context):
    return context.create_callback().result()


@case(answers={"approval": [Answer(40, result='{"level": 3}')]})
@durable_execution
def callbacks_with_a_serdes(event, context):
    callback = context.create_callback("approval", CallbackConfig(serdes=JsonSerDes()))
    return callback.result()["level"]


@case(answers={"approval": [Answer(100, result="yes")]})
@durable_execution
def callbacks_with_work_in_between(event, context):
    callback = context.create_callback(name="approval")
    told = context.step(lambda _: [ran("tell"), len(callback.callback_id) > 10], name="tell")
    context.wait(Duration.from_seconds(10), name="meanwhile")
    more = context.step(lambda _: ran("more"), name="more")
    return [told, more, callback.result()]


@case(answers={"approval": [Answer(3, result="early")]})
@durable_execution
def callbacks_answered_before_they_are_awaited(event, context):
    callback = context.create_callback(name="approval")
    context.wait(Duration.from_minutes(1), name="long")
    return callback.result()


@case(answers={"approval": [Answer(0, result="at once")]})
@durable_execution
def callbacks_answered_in_the_same_invocation(event, context):
    import time

    callback = context.create_callback(name="approval")
    context.step(lambda _: time.sleep(0.15) or ran("slow"), name="slow")
    return callback.result()


@case(answers={"approval": [Answer(20, error=REFUSED)]}, status="FAILED")
@durable_execution
def callbacks_failed(event, context):
    return context.create_callback(name="approval").result()


@case(answers={"approval": [Answer(20, error=REFUSED)]})
@durable_execution
def callbacks_failed_and_caught(event, context):
    try:
        context.create_callback(name="approval").result()
    except CallbackExternalError as error:
        return [str(error), error.data, error.stack_trace]


@case(answers={"approval": [Answer(20, error=ErrorObject(None, None, None, None))]})
@durable_execution
def callbacks_failed_without_a_word(event, context):
    try:
        context.create_callback(name="approval").result()
    except CallbackError as error:
        return [type(error).__name__, str(error)]


@case()
@durable_execution
def callbacks_timed_out(event, context):
    try:
        context.create_callback("approval", CallbackConfig(timeout=Duration.from_minutes(2))).result()
    except CallbackTimeoutError as error:
        return str(error)


@case(status="FAILED")
@durable_execution
def callbacks_timed_out_and_uncaught(event, context):
    context.create_callback("approval", CallbackConfig(timeout=Duration.from_hours(3))).result()


HEARTBEAT = CallbackConfig(heartbeat_timeout=Duration.from_seconds(30), timeout=Duration.from_hours(1))


@case()
@durable_execution
def callbacks_without_a_heartbeat(event, context):
    try:
        context.create_callback("alive", HEARTBEAT).result()
    except CallbackTimeoutError as error:
        return str(error)


@case(
    answers={
        "alive": [*(Answer(20 * n, heartbeat=True) for n in range(1, 5)), Answer(95, result="still here")]
    }
)
@durable_execution
def callbacks_kept_alive(event, context):
    return context.create_callback("alive", HEARTBEAT).result()


@case(status="RUNNING", ended_by_the_handler=False, look_after_seconds=600)
@durable_execution
def callbacks_awaited_still(event, context):
    context.step(lambda _: ran("before"), name="before")
    return context.create_callback(name="approval").result()


@case(answers={"one": [Answer(30, result="1")], "two": [Answer(10, result="2")]})
@durable_execution
def callbacks_two_at_once(event, context):
    one, two = context.create_callback(name="one"), context.create_callback(name="two")
    return [one.result(), two.result()]


@case(answers={"approval": [Answer(1, result="sub-typed")]})
@durable_execution
def callbacks_of_a_sub_type_of_their_own(event, context):
    return context.create_callback("approval", CallbackConfig(sub_type="Approval")).result()


@case(answers={"ask": [Answer(40, result="answer")]})
@durable_execution
def callbacks_with_a_submitter(event, context):
    return context.wait_for_callback(submit, name="ask")


@case(answers={"": [Answer(40, result="answer")], "create callback id": [Answer(40, result="answer")]})
@durable_execution
def callbacks_with_an_unnamed_submitter(event, context):
    return context.wait_for_callback(submit)


@durable_wait_for_callback
def send_task(callback_id, context, task, priority=1):
    ran(f"send {task} {priority}")
    context.logger.info("%s", task)


@case(answers={"send_task": [Answer(40, result='{"n": 1}')]})
@durable_execution
def callbacks_with_a_decorated_submitter(event, context):
    config = WaitForCallbackConfig(serdes=JsonSerDes(), timeout=Duration.from_minutes(5))
    return context.wait_for_callback(send_task("sort", priority=3), config=config)


@case(answers={"ask": [Answer(40, result="answer")]})
@durable_execution
def callbacks_with_a_submitter_that_is_retried(event, context):
    def flaky(callback_id, step):
        if ran("flaky submit") < 3:
            raise Boom("the queue is full")

    config = WaitForCallbackConfig(retry_strategy=retry(4, 2).retry_strategy)
    return context.wait_for_callback(flaky, name="ask", config=config)


@case()
@durable_execution
def callbacks_with_a_submitter_that_fails(event, context):
    def broken(callback_id, step):
        ran("broken submit")
        raise Boom("no queue")

    config = WaitForCallbackConfig(retry_strategy=retry(1).retry_strategy)
    try:
        context.wait_for_callback(broken, name="ask", config=config)
    except CallbackSubmitterError as error:
        return [str(error), type(error.__cause__).__name__]


@case()
@durable_execution
def callbacks_with_a_submitter_timed_out(event, context):
    try:
        context.wait_for_callback(submit, "ask", WaitForCallbackConfig(timeout=Duration.from_minutes(2)))
    except CallbackTimeoutError as error:
        context.step(lambda _: ran("compensate"), name="compensate")
        return str(error)


@case(answers={"ask": [Answer(20, error=REFUSED)]})
@durable_execution
def callbacks_with_a_submitter_refused(event, context):
    try:
        context.wait_for_callback(submit, name="ask")
    except CallbackExternalError as error:
        return [str(error), error.data]


@case(answers={"first": [Answer(20, result="a")], "second": [Answer(20, result="b")]}, emulator_like=True)
@durable_execution
def callbacks_as_the_emulator_names_them(event, context):
    return context.wait_for_callback(submit, name="first") + context.wait_for_callback(submit, name="second")
