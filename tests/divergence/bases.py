"""Small durable functions that the mutations are made of: source text, and how each execution goes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from corpus.case import Answer

PRELUDE = """\
import json
import random
import time
from aws_durable_execution_sdk_python import durable_execution
from aws_durable_execution_sdk_python.config import *
from aws_durable_execution_sdk_python.exceptions import ChildContextError as ChildError
from aws_durable_execution_sdk_python.retries import RetryStrategyConfig, create_retry_strategy
from aws_durable_execution_sdk_python.serdes import JsonSerDes, SerDes
from aws_durable_execution_sdk_python.waits import WaitForConditionConfig, WaitForConditionDecision

RAN = []


def did(what, value=None):
    RAN.append(what)
    return value


class Refused(Exception):
    pass


def attempts(n):
    return StepConfig(retry_strategy=create_retry_strategy(RetryStrategyConfig(max_attempts=n)))


class Other(SerDes):
    def serialize(self, value, _):
        return "other:" + json.dumps(value)

    def deserialize(self, data, _):
        if not data.startswith("other:"):
            raise ValueError("not written by Other")
        return json.loads(data[6:])


seconds = Duration.from_seconds


"""


@dataclass(frozen=True)
class Base:
    """A handler's source, without the prelude, and its execution."""

    body: str
    input: Any = None
    status: str = "SUCCEEDED"
    answers: Mapping[str | None, Any] = field(default_factory=dict)
    plain: Mapping[str, Callable[..., Any]] = field(default_factory=dict)
    look_after_seconds: float | None = None

    @property
    def source(self) -> str:
        return PRELUDE + self.body


BASES: dict[str, Base] = {}

BASES["steps"] = Base("""\
@durable_execution
def handler(event, context):
    a = context.step(lambda _: did("a", 1), name="a")
    b = context.step(lambda _: did("b", 2), name="b")
    c = context.step(lambda _: did("c", 3), name="c")
    d = context.step(lambda _: did("d", 4), name="d")
    return {"sum": a + c}
""")

BASES["unnamed"] = Base("""\
@durable_execution
def handler(event, context):
    a = context.step(lambda _: did("a", 1))
    context.wait(seconds(30))
    b = context.step(lambda _: did("b", 2))
    callback = context.create_callback()
    return [a, b]
""")

BASES["waits"] = Base("""\
@durable_execution
def handler(event, context):
    context.step(lambda _: did("open"), name="open")
    context.wait(seconds(60), name="cool-down")
    context.step(lambda _: did("stir"), name="stir")
    context.wait(seconds(120), name="rest")
    context.wait(seconds(30), name="rest")
    context.step(lambda _: did("close"), name="close")
    return "served"
""")

PRICES = {"price": lambda event, _=None: 10, "stock": lambda event, _=None: 3}

BASES["invokes"] = Base(
    """\
@durable_execution
def handler(event, context):
    order = context.step(lambda _: did("read", {"id": 7}), name="read")
    price = context.invoke("price", {"order": order["id"]}, name="price")
    stock = context.invoke("stock", {"order": order["id"], "n": 1}, name="stock")
    more = context.invoke("stock", {"order": order["id"], "n": 2}, name="stock")
    context.step(lambda _: did("note"), name="note")
    return {"price": price, "stock": [stock, more]}
""",
    plain=PRICES,
)

BASES["tenants"] = Base(
    """\
@durable_execution
def handler(event, context):
    price = context.invoke("price", {"order": 1}, name="price", config=InvokeConfig(tenant_id="blue"))
    return price
""",
    plain=PRICES,
)

BASES["callback"] = Base(
    """\
@durable_execution
def handler(event, context):
    callback = context.create_callback(
        name="approval",
        config=CallbackConfig(timeout=seconds(600), heartbeat_timeout=seconds(60)),
    )
    context.step(lambda _: did("ask"), name="ask")
    answer = callback.result()
    context.step(lambda _: did("book"), name="book")
    return {"answer": answer}
""",
    answers={"approval": [Answer(20, '"yes"')]},
)

BASES["wait_for_callback"] = Base(
    """\
@durable_execution
def handler(event, context):
    context.step(lambda _: did("cook"), name="cook")
    answer = context.wait_for_callback(
        lambda callback_id, _: did("submit"),
        name="barista",
        config=WaitForCallbackConfig(timeout=seconds(120)),
    )
    context.step(lambda _: did("serve"), name="serve")
    return answer
""",
    answers={"barista": [Answer(20, '"done"')]},
)

BASES["condition"] = Base("""\
def until_ready(state, attempt):
    if state < 2:
        return WaitForConditionDecision.continue_waiting(seconds(10))
    return WaitForConditionDecision.stop_polling()


@durable_execution
def handler(event, context):
    context.step(lambda _: did("submit"), name="submit")
    n = context.wait_for_condition(lambda state, _: did("check") or state + 1, WaitForConditionConfig(until_ready, 0), name="ready")
    context.step(lambda _: did("fetch"), name="fetch")
    return n
""")

BASES["children"] = Base("""\
def pack(child):
    box = child.step(lambda _: did("box", "box"), name="box")
    label = child.run_in_child_context(stick, name="label")
    child.step(lambda _: did("tape"), name="tape")
    return [box, label]


def stick(child):
    child.step(lambda _: did("print"), name="print")
    child.wait(seconds(5), name="dry")
    child.step(lambda _: did("stick"), name="stick")
    return "stuck"


@durable_execution
def handler(event, context):
    context.step(lambda _: did("pick"), name="pick")
    packed = context.run_in_child_context(pack, name="pack")
    context.step(lambda _: did("ship"), name="ship")
    context.wait(seconds(10), name="pause")
    return packed
""")

BASES["open_child"] = Base(
    """\
def pack(child):
    child.step(lambda _: did("box", "box"), name="box")
    child.step(lambda _: did("label"), name="label")
    child.wait(seconds(1000), name="dry")
    child.step(lambda _: did("tape"), name="tape")
    return "packed"


@durable_execution
def handler(event, context):
    context.step(lambda _: did("pick"), name="pick")
    packed = context.run_in_child_context(pack, name="pack")
    return packed
""",
    status="RUNNING",
    look_after_seconds=10,
)

BASES["failed_child"] = Base("""\
def risky(child):
    child.step(lambda _: did("try"), name="try")
    raise Refused("too late")


@durable_execution
def handler(event, context):
    context.step(lambda _: did("pick"), name="pick")
    try:
        context.run_in_child_context(risky, name="risky")
    except ChildError:
        context.step(lambda _: did("undo"), name="undo")
    return "undone"
""")

BASES["map"] = Base("""\
def weigh(child, item, index, items):
    net = child.step(lambda _: did("net", item * 2), name="net")
    gross = child.step(lambda _: did("gross", net + 1), name="gross")
    return gross


@durable_execution
def handler(event, context):
    items = [1, 2, 3]
    context.step(lambda _: did("start"), name="start")
    result = context.map(items, weigh, name="weigh", config=MapConfig(item_namer=lambda item, index: f"item-{item}"))
    context.step(lambda _: did("end"), name="end")
    return result.get_results()
""")

BASES["flat_map"] = Base("""\
def weigh(child, item, index, items):
    net = child.step(lambda _: did("net", item * 2), name="net")
    child.wait(seconds(3), name="settle")
    return net


@durable_execution
def handler(event, context):
    context.step(lambda _: did("start"), name="start")
    result = context.map([1, 2, 3], weigh, name="weigh", config=MapConfig(nesting_type=NestingType.FLAT))
    context.step(lambda _: did("end"), name="end")
    return result.get_results()
""")

BASES["parallel"] = Base("""\
def count(child):
    n = child.step(lambda _: did("count", 3), name="count")
    return n


def check(child):
    child.step(lambda _: did("check", True), name="check")
    return child.run_in_child_context(lambda inner: inner.step(lambda _: did("deep", 1), name="deep"), name="deeper")


@durable_execution
def handler(event, context):
    both = context.parallel(
        [
            ParallelBranch(count, name="counting"),
            ParallelBranch(check, name="checking"),
        ],
        name="validate",
    )
    context.step(lambda _: did("after"), name="after")
    return both.get_results()
""")

BASES["parallel_lambdas"] = Base("""\
@durable_execution
def handler(event, context):
    both = context.parallel([
        lambda child: child.step(lambda _: did("left", 1), name="left"),
        lambda child: child.step(lambda _: did("right", 2), name="right"),
    ], name="sides")
    context.wait(seconds(5), name="pause")
    return both.get_results()
""")

BASES["virtual"] = Base("""\
def group(child):
    child.step(lambda _: did("one", 1), name="one")
    return child.step(lambda _: did("two", 2), name="two")


@durable_execution
def handler(event, context):
    context.step(lambda _: did("zero"), name="zero")
    two = context.run_in_child_context(group, name="group", config=ChildConfig(is_virtual=True))
    context.step(lambda _: did("three"), name="three")
    return two
""")

BASES["loop"] = Base("""\
@durable_execution
def handler(event, context):
    done = []
    for i in range(3):
        done.append(context.step(lambda _: did("pick", 1), name=f"pick-{i}"))
        context.step(lambda _: did("pack"), name=f"pack-{i}")
    context.step(lambda _: did("ship"), name="ship")
    return "shipped"
""")

BASES["helper"] = Base("""\
def note(context, name, value):
    return context.step(lambda _: did(name, value), name=name)


@durable_execution
def handler(event, context):
    a = note(context, "first", 1)
    b = note(context, "second", 2)
    context.wait(seconds(5), name="pause")
    c = note(context, "third", 3)
    d = note(context, "fourth", 4)
    return [a, d]
""")

BASES["large"] = Base("""\
def bulk(child):
    parts = [child.step(lambda _: did("part", "x" * 200_000), name=f"part-{i}") for i in range(2)]
    child.step(lambda _: did("check"), name="check")
    return "".join(parts)


@durable_execution
def handler(event, context):
    text = context.run_in_child_context(bulk, name="bulk")
    context.wait(seconds(5), name="pause")
    context.step(lambda _: did("after"), name="after")
    return len(text)
""")

BASES["suspended"] = Base(
    """\
@durable_execution
def handler(event, context):
    a = context.step(lambda _: did("a", 1), name="a")
    b = context.step(lambda _: did("b", 2), name="b")
    callback = context.create_callback(name="approval", config=CallbackConfig(timeout=seconds(86_000)))
    context.step(lambda _: did("ask"), name="ask")
    answer = callback.result()
    context.step(lambda _: did("book"), name="book")
    return answer
""",
    status="RUNNING",
    look_after_seconds=100,
)

BASES["retrying"] = Base("""\
def flaky(_):
    did("flaky")
    if RAN.count("flaky") < 3:
        raise Refused("not yet")
    return "ok"


@durable_execution
def handler(event, context):
    context.step(lambda _: did("before"), name="before")
    ok = context.step(flaky, name="flaky", config=attempts(5))
    context.wait(seconds(3), name="pause")
    context.step(lambda _: did("after"), name="after")
    return ok
""")

BASES["failing"] = Base(
    """\
@durable_execution
def handler(event, context):
    a = context.step(lambda _: did("a", 1), name="a")
    b = context.step(lambda _: did("b", 2), name="b")
    if b > 1:
        raise Refused("b is too large")
    context.step(lambda _: did("c"), name="c")
    return a
""",
    status="FAILED",
)

BASES["compensated"] = Base("""\
def broken(_):
    raise Refused("no money")


@durable_execution
def handler(event, context):
    context.step(lambda _: did("reserve"), name="reserve")
    try:
        context.step(broken, name="charge", config=attempts(1))
    except Exception as error:
        context.step(lambda _: did("release"), name="release")
        return {"status": "cancelled"}
    return {"status": "paid"}
""")

BASES["guarded"] = Base("""\
@durable_execution
def handler(event, context):
    a = context.step(lambda _: did("a", 1), name="a")
    try:
        b = context.step(lambda _: did("b", 2), name="b")
    except Exception:
        b = 0
    return {"b": b}
""")

BASES["branching"] = Base("""\
@durable_execution
def handler(event, context):
    n = context.step(lambda _: did("count", 5), name="count")
    if n > 3:
        context.step(lambda _: did("bulk"), name="bulk")
        context.wait(seconds(5), name="bulk-pause")
    else:
        context.step(lambda _: did("single"), name="single")
        context.wait(seconds(5), name="single-pause")
    context.step(lambda _: did("end"), name="end")
    return n
""")

BASES["multi_line"] = Base(
    """\
@durable_execution
def handler(event, context):
    a = context.step(
        lambda _: did("a", 1),
        name="a",
    )
    b = context.step(
        lambda _: did("b", 2),
        name="b",
    )
    price = context.invoke(
        "price",
        {
            "order": a,
            "note": "as agreed",
        },
        name="price",
    )
    return [a, b, price]
""",
    plain=PRICES,
)

BASES["many"] = Base("""\
def weigh(child, item, index, items):
    net = child.step(lambda _: did("net", item * 2), name="net")
    return net


@durable_execution
def handler(event, context):
    result = context.map(list(range(200)), weigh, name="weigh")
    context.step(lambda _: did("end"), name="end")
    return sum(result.get_results())
""")

BASES["race"] = Base("""\
def quick(child):
    return child.step(lambda _: did("quick", "q"), name="quick")


def slow(child):
    child.wait(seconds(5000), name="long")
    return child.step(lambda _: did("slow", "s"), name="slow")


@durable_execution
def handler(event, context):
    first = context.parallel([quick, slow], name="race", config=ParallelConfig(completion_config=CompletionConfig(min_successful=1)))
    context.wait(seconds(5), name="pause")
    context.step(lambda _: did("after"), name="after")
    return first.get_results()
""")

BASES["legs"] = Base("""\
def out(child):
    return child.step(lambda _: did("fly", 1), name="fly")


def back(child):
    return child.step(lambda _: did("sail", 2), name="sail")


@durable_execution
def handler(event, context):
    one = context.run_in_child_context(out, name="leg")
    two = context.run_in_child_context(back, name="leg")
    context.step(lambda _: did("end"), name="end")
    return "there"
""")
