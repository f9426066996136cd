"""Chained invokes: of durable and plain functions, with payloads, serdes and tenants, failing, timing out, unknown."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from aws_durable_execution_sdk_python import InvokeError, durable_execution
from aws_durable_execution_sdk_python.config import CallbackConfig, Duration, InvokeConfig
from aws_durable_execution_sdk_python.serdes import EXTENDED_TYPES_SERDES

from corpus.case import Answer, Boom, case, ran


def double(event, context):
    ran("double")
    return {"n": 2 * event["n"]}


def echo(event, context):
    ran("echo")
    return event


def nothing(event, context):
    ran("nothing")


def fails(event, context):
    ran("fails")
    raise Boom("the plain function fails")


@durable_execution
def child(event, context):
    first = context.step(lambda _: ran("child") and event["n"] + 1, name="first")
    context.wait(Duration.from_seconds(30), name="rest")
    return context.step(lambda _: first * 10, name="second")


@durable_execution
def failing_child(event, context):
    context.step(lambda _: ran("failing child"), name="before")
    raise Boom("the child fails")


@durable_execution
def endless_child(event, context):
    context.wait(Duration.from_days(3), name="endless")


@durable_execution
def asking_child(event, context):
    return context.create_callback(
        "child-approval", CallbackConfig(timeout=Duration.from_minutes(1))
    ).result()


@durable_execution
def grandparent(event, context):
    return context.invoke("child", {"n": event["n"]}, name="grandchild") + 1


@case(plain={"double": double})
@durable_execution
def invokes_a_plain_function(event, context):
    return context.invoke("double", {"n": 21}, name="double")["n"]


@case(durable={"child": child})
@durable_execution
def invokes_a_durable_function(event, context):
    return context.invoke("child", {"n": 4}, name="child")


@case(plain={"double": double}, durable={"child": child})
@durable_execution
def invokes_several_in_a_row(event, context):
    n = context.invoke("double", {"n": 1}, name="double")["n"]
    n = context.invoke("child:1", {"n": n}, name="child")
    context.step(lambda _: ran("between"), name="between")
    return context.invoke(function_name="double", payload={"n": n}, name="double")


@case(plain={"echo": echo, "nothing": nothing})
@durable_execution
def invokes_with_every_payload(event, context):
    payloads = [None, False, 0, "", "text", [], {}, {"a": [1, {"b": None}]}]
    echoed = [context.invoke("echo", payload) for payload in payloads]
    return [echoed, context.invoke("nothing", {"ignored": True}, name="nothing")]


@case(plain={"echo": echo})
@durable_execution
def invokes_by_arn(event, context):
    return context.invoke(
        "arn:aws:lambda:eu-west-1:123456789012:function:echo:1", {"by": "arn"}, name="by-arn"
    )


@case(plain={"echo": echo})
@durable_execution
def invokes_with_serdes(event, context):
    config = InvokeConfig(serdes_payload=EXTENDED_TYPES_SERDES, serdes_result=EXTENDED_TYPES_SERDES)
    got = context.invoke("echo", {"day": date(2026, 11, 21), "price": Decimal("2.50")}, "rich", config)
    return [got["day"].isoformat(), str(got["price"])]


@case(plain={"echo": echo})
@durable_execution
def invokes_for_a_tenant(event, context):
    return context.invoke("echo", {"for": "blue"}, name="tenant", config=InvokeConfig(tenant_id="blue"))


@case(plain={"fails": fails}, status="FAILED")
@durable_execution
def invokes_a_function_that_fails(event, context):
    return context.invoke("fails", {}, name="fails")


@case(durable={"failing": failing_child})
@durable_execution
def invokes_a_child_that_fails_and_catches(event, context):
    try:
        context.invoke("failing", {}, name="failing")
    except InvokeError as error:
        return [str(error), error.error_type, context.step(lambda _: ran("after"), name="after")]


@case()
@durable_execution
def invokes_a_function_that_is_not_there(event, context):
    try:
        context.invoke("nobody", {"n": 1}, name="nobody")
    except InvokeError as error:
        return error.error_type


@case(durable={"endless": endless_child}, child_timeout=600)
@durable_execution
def invokes_a_child_that_times_out(event, context):
    try:
        context.invoke("endless", {}, name="endless")
    except InvokeError as error:
        return [str(error), error.error_type]


@case(durable={"asking": asking_child}, answers={"child-approval": [Answer(20, result="granted")]})
@durable_execution
def invokes_a_child_that_waits_for_a_callback(event, context):
    return context.invoke("asking", {}, name="asking")


@case(durable={"child": child, "grandparent": grandparent})
@durable_execution
def invokes_through_two_generations(event, context):
    return context.invoke("grandparent", {"n": 6}, name="parent")


@case(plain={"double": double}, durable={"child": child, "failing": failing_child})
@durable_execution
def invokes_in_parallel(event, context):
    result = context.parallel(
        [
            lambda branch: branch.invoke("double", {"n": 3}, name="double")["n"],
            lambda branch: branch.invoke("child", {"n": 3}, name="child"),
            lambda branch: branch.step(lambda _: ran("own"), name="own"),
        ],
        name="fan-out",
    )
    return result.get_results()


@case(
    durable={"endless": endless_child},
    child_timeout=86_400,
    status="RUNNING",
    ended_by_the_handler=False,
    look_after_seconds=3_600,
)
@durable_execution
def invokes_and_waits_still(event, context):
    return context.invoke("endless", {}, name="endless")
