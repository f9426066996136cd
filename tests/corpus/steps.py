"""Steps: names, argument styles, results, sub-types, semantics."""

from __future__ import annotations

from functools import partial

from aws_durable_execution_sdk_python import StepContext, durable_execution, durable_step
from aws_durable_execution_sdk_python.config import StepConfig, StepSemantics

from corpus.case import case, ran


@durable_step
def add(step: StepContext, left: int, right: int = 1) -> int:
    ran("add")
    return left + right


def body(value):
    def run(step):
        ran("body")
        return value

    return run


@case(input={"x": 5})
@durable_execution
def steps_one(event, context):
    return context.step(body(event["x"]), name="only")


@case(input={"x": 5})
@durable_execution
def steps_three_in_a_row(event, context):
    first = context.step(add(event["x"]), name="first")
    second = context.step(add(first, 10), name="second")
    third = context.step(add(second, right=100), name="third")
    return [first, second, third]


@case()
@durable_execution
def steps_unnamed(event, context):
    return [context.step(body(n)) for n in range(3)]


@case()
@durable_execution
def steps_named_by_their_function(event, context):
    return context.step(add(1, 2)) + context.step(add(3))


@case()
@durable_execution
def steps_of_the_same_name(event, context):
    return [context.step(body(n * n), name="square") for n in range(6)]


@case()
@durable_execution
def steps_all_keywords(event, context):
    return context.step(func=body("k"), name="keywords", config=StepConfig())


@case()
@durable_execution
def steps_all_positional(event, context):
    return context.step(body("p"), "positional", StepConfig())


@case()
@durable_execution
def steps_from_a_lambda(event, context):
    return context.step(lambda _: ran("lambda"), name="lambda")


@case()
@durable_execution
def steps_from_a_partial(event, context):
    def work(power, step):
        ran("partial")
        return 2**power

    return context.step(partial(work, 9), name="partial")


class Adder:
    def __init__(self, amount):
        self.amount = amount

    def __call__(self, step):
        ran("callable")
        return self.amount + 1

    def method(self, step):
        ran("method")
        return self.amount + 2


@case()
@durable_execution
def steps_from_a_callable_object(event, context):
    return context.step(Adder(1), name="object") + context.step(Adder(10).method, name="method")


@case()
@durable_execution
def steps_every_plain_result(event, context):
    values = [
        None,
        False,
        True,
        0,
        -1,
        1.5,
        "",
        "text",
        [],
        [1, [2, [3]]],
        {},
        {"a": {"b": [None, {"c": ""}]}},
    ]
    got = [context.step(body(value), name=f"value-{n}") for n, value in enumerate(values)]
    assert got == values
    return got


@case()
@durable_execution
def steps_nothing_to_return(event, context):
    context.step(body(None), name="nothing")


@case()
@durable_execution
def steps_none_at_all(event, context):
    return {"nothing": "durable", "event": event}


@case(input=[1, 2, 3])
@durable_execution
def steps_with_a_list_for_an_event(event, context):
    return sum(context.step(body(number), name="number") for number in event)


@case()
@durable_execution
def steps_of_a_sub_type_of_their_own(event, context):
    config = StepConfig(sub_type="LlmCall")
    return [context.step(body(n), name=f"ask-{n}", config=config) for n in range(2)]


@case()
@durable_execution
def steps_at_most_once(event, context):
    config = StepConfig(step_semantics=StepSemantics.AT_MOST_ONCE_PER_RETRY)
    return context.step(body("charged"), name="charge", config=config)


@case()
@durable_execution
def steps_in_a_loop_with_a_condition(event, context):
    total = 0
    while total < 40:
        total = context.step(add(total, 10 if total % 20 else 7), name=f"from-{total}")
    return total


@case()
@durable_execution
def steps_that_read_the_step_context(event, context):
    def look(step):
        ran("look")
        step.logger.info("attempt %s", step.attempt)
        return step.attempt

    return context.step(look, name="look")


@case(input={"emoji": "☕", "rtl": "שלום", "quote": '"<script>alert(1)</script>'})
@durable_execution
def steps_with_odd_characters(event, context):
    echoed = context.step(body(event), name="☕ <b>order</b> \"quoted\" 'n' more")
    return echoed


@case(emulator_like=True)
@durable_execution
def steps_as_the_emulator_names_them(event, context):
    return [context.step(body(n), name=f"n{n}") for n in range(4)]


@case(page_bytes=60)
@durable_execution
def steps_with_paged_state(event, context):
    from aws_durable_execution_sdk_python.config import Duration

    first = [context.step(body("x" * 30), name=f"page-{n}") for n in range(8)]
    context.wait(Duration.from_seconds(3))
    return len(first) + context.step(body(1), name="after")
