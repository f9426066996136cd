"""Handlers that every line of the SDK takes, how each execution goes, and changes of them."""

from __future__ import annotations

from dataclasses import dataclass

PRELUDE = """\
import json
from aws_durable_execution_sdk_python import durable_execution
from aws_durable_execution_sdk_python.config import *
from aws_durable_execution_sdk_python.retries import RetryStrategyConfig, create_retry_strategy
from aws_durable_execution_sdk_python.serdes import SerDes

RAN = []


def did(what, value):
    RAN.append(what)
    return value


def fails_at_first(context):
    if did("tries", RAN.count("tries")) < 1:
        raise OSError("not yet")
    return "done"


class Other(SerDes):
    def serialize(self, value, _):
        return "other:" + json.dumps(value)

    def deserialize(self, data, _):
        return json.loads(data.removeprefix("other:"))


def seconds(n):
    return Duration.from_seconds(n)

"""

BASES = {
    "steps": """
@durable_execution
def handler(event, context):
    a = context.step(lambda _: did("a", 1), name="a")
    b = context.step(lambda _: did("b", 2), name="b")
    context.wait(seconds(30), name="nap")
    c = context.step(lambda _: did("c", 3), name="c")
    d = context.step(lambda _: did("d", 4), name="d")
    return [a, b, c, d]
""",
    "alike": """
@durable_execution
def handler(event, context):
    one = context.step(lambda _: did("get", "x"), name="get")
    two = context.step(lambda _: did("get", "y"), name="get")
    context.wait(seconds(30))
    return {"one": one, "two": two}
""",
    "retries": """
@durable_execution
def handler(event, context):
    again = StepConfig(retry_strategy=create_retry_strategy(RetryStrategyConfig(max_attempts=3)))
    found = context.step(fails_at_first, name="tries", config=again)
    return [found, context.step(lambda _: did("after", 1), name="after")]
""",
    "outside": """
@durable_execution
def handler(event, context):
    callback = context.create_callback(name="ask", config=CallbackConfig(timeout=seconds(600)))
    answer = callback.result()
    other = context.wait_for_callback(lambda id, _: did("approval submitter", None), name="approval")
    paid = context.invoke("pay", {"n": 1}, name="pay")
    return [answer, other, paid]
""",
    "children": """
def packed(child):
    label = child.step(lambda _: did("label", "l"), name="label")
    child.wait(seconds(5), name="dry")
    return label + child.step(lambda _: did("tape", "t"), name="tape")


@durable_execution
def handler(event, context):
    box = context.run_in_child_context(packed, name="box")
    loose = context.run_in_child_context(
        lambda child: child.step(lambda _: did("loose", 1), name="loose"),
        name="virtual",
        config=ChildConfig(is_virtual=True),
    )
    return [box, loose, context.step(lambda _: did("ship", 2), name="ship")]
""",
    "maps": """
def weigh(child, item, index, items):
    net = child.step(lambda _: did("net", item), name="net")
    child.wait(seconds(5))
    return child.step(lambda _: did("gross", (net or 0) + 1), name="gross")


@durable_execution
def handler(event, context):
    nested = context.map([1, 2, 3], weigh, name="nested").get_results()
    flat = context.map([4, 5], weigh, name="flat", config=MapConfig(nesting_type=NestingType.FLAT)).get_results()
    both = context.parallel(
        [lambda c: c.step(lambda _: did("left", 1), name="left"), ParallelBranch(lambda c: "right", name="right")],
        name="both",
    )
    return [nested, flat, both.get_results(), context.step(lambda _: did("sum", 9), name="sum")]
""",
    "large": """
@durable_execution
def handler(event, context):
    def item(child, size, index, items):
        return child.step(lambda _: did("write", "x" * size), name="write")

    found = context.map([150_000, 150_000], item, name="large").get_results()
    whole = context.run_in_child_context(lambda c: c.step(lambda _: did("half", "y" * 140_000), name="half") * 2)
    context.wait(seconds(5), name="rest")
    return [len(one) for one in (*found, whole)]
""",
}


@dataclass(frozen=True)
class Change:
    """A handler that was edited, and what is found: kinds, each at the line that holds the text."""

    name: str
    base: str
    edits: tuple[tuple[str, str], ...]
    expected: tuple[tuple[str, str], ...]

    @property
    def source(self) -> str:
        source = PRELUDE + BASES[self.base]
        for old, new in self.edits:
            assert source.count(old) == 1, (self.name, old)
            source = source.replace(old, new)
        return source


A = '    a = context.step(lambda _: did("a", 1), name="a")\n'
B = '    b = context.step(lambda _: did("b", 2), name="b")\n'
D = '    d = context.step(lambda _: did("d", 4), name="d")\n'
NEW = '    context.step(lambda _: did("new", 0), name="new")\n'
ONE = '    one = context.step(lambda _: did("get", "x"), name="get")\n'
TWO = '    two = context.step(lambda _: did("get", "y"), name="get")\n'

CHANGES = [
    Change("rename", "steps", (('2), name="b"', '2), name="bee"'),), (("renamed", '"bee"'),)),
    Change("remove", "steps", ((B, "    b = 2\n"),), (("missing", '3), name="c"|name="nap"|b = 2'),)),
    Change("remove_last", "steps", ((D, "    d = 4\n"),), (("missing", "d = 4|return [|"),)),
    Change("insert", "steps", ((B, NEW + B),), (("unexpected", '"new"'),)),
    Change("insert_last", "steps", ((D, D + NEW),), (("unexpected", '"new"'),)),
    Change("swap", "steps", ((A + B, B + A),), (("reordered", 'name="a"|name="b"'),)),
    Change("swap_alike", "alike", ((ONE + TWO, TWO + ONE),), (("result", "return"),)),
    Change(
        "retype",
        "steps",
        (('context.step(lambda _: did("c", 3), name="c")', 'context.wait(seconds(3), name="c")'),),
        (("retyped", 'name="c"'),),
    ),
    Change("longer_wait", "steps", (("seconds(30)", "seconds(60)"),), (("wait_duration", "seconds(60)"),)),
    Change("other_result", "steps", (("[a, b, c, d]", "[d, c, b, a]"),), (("result", "[d, c, b, a]"),)),
    Change(
        "serdes",
        "steps",
        (('1), name="a")', '1), name="a", config=StepConfig(serdes=Other()))'),),
        (),  # an answer of ours reads what json wrote
    ),
    Change("rename_in_a_map", "maps", (('name="gross"', 'name="brutto"'),), (("renamed", '"brutto"'),)),
    Change("rename_a_map", "maps", (('weigh, name="nested"', 'weigh, name="n"'),), (("renamed", 'name="n"'),)),
    Change("rename_a_callback", "outside", (('name="approval"', 'name="yes"'),), (("renamed", '"yes"'),)),
    Change("other_payload", "outside", (('{"n": 1}', '{"n": 2}'),), (("invoke_payload", '{"n": 2}'),)),
    Change("insert_in_a_child", "children", (('    child.wait(seconds(5), name="dry")\n', '    child.wait(seconds(5), name="dry")\n    child.wait(seconds(1), name="new")\n'),), (("unexpected", '"new"'),)),
    Change("remove_a_child", "children", (('    box = context.run_in_child_context(packed, name="box")\n', '    box = "lt"\n'),), (("missing", 'box = "lt"|loose|run_in_child_context('),)),
]  # fmt: skip

FIRST_OF_MAP = '    net = child.step(lambda _: did("net", item), name="net")\n'

# What only running executions are tried with: what comes behind the first body that would run.
DEPLOYS = [
    Change("insert_at_first", "steps", ((A, NEW + A),), ()),
    Change("insert_two", "steps", ((A, NEW + NEW.replace("new", "newer") + A),), ()),
    Change("insert_and_rename", "steps", ((B, NEW + B), ('4), name="d"', '4), name="dd"')), ()),
    Change("wait_at_first", "steps", ((A, "    context.wait(seconds(1), name=\"first\")\n" + A),), ()),
    Change("no_wait", "steps", (('    context.wait(seconds(30), name="nap")\n', ""),), ()),
    Change("insert_in_branches", "maps", ((FIRST_OF_MAP, FIRST_OF_MAP.replace("    net = ", "    ").replace("net", "tare") + FIRST_OF_MAP),), ()),
    Change("insert_before_a_callback", "outside", (("    answer = callback.result()\n", NEW + "    answer = callback.result()\n"),), ()),
    Change("fewer_items", "maps", (("[1, 2, 3]", "[1, 2]"),), ()),
    Change("new_before_all", "maps", (("    nested = context", NEW + "    nested = context"),), ()),
    Change("module_state", "steps", ((A, "    names = globals().setdefault(\"NAMES\", [])\n    names.append(\"a\")\n" + A.replace('name="a"', "name=names[-1]")),), ()),
]  # fmt: skip
