"""Small handlers, each with one edit: where a change is easily missed, told twice, or put down to another line."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

HEAD = """
import uuid
from aws_durable_execution_sdk_python import StepError, durable_execution
from aws_durable_execution_sdk_python.config import (
    ChildConfig, CompletionConfig, Duration, MapConfig, NestingType, StepConfig
)
from aws_durable_execution_sdk_python.serdes import SerDes

seconds = Duration.from_seconds


class Unreadable(SerDes):
    def serialize(self, value, context):
        return "1"

    def deserialize(self, data, context):
        raise ValueError("not mine")


def box(context, name="box", value=1):
    return context.step(lambda _: value, name=name)

"""
HANDLER = "@durable_execution\ndef handler(event, context):\n"


@dataclass(frozen=True)
class Small:
    """A handler, an edit, and what is to be found: kind, a piece of the line, occurrences."""

    source: str
    old: str
    new: str
    expected: tuple[tuple[str, str, int], ...]
    facts: dict[str, Any] = field(default_factory=dict)

    @property
    def changed(self) -> str:
        """The source after the edit."""
        assert self.source.count(self.old) == 1, self.old
        return self.source.replace(self.old, self.new)


SMALL: dict[str, Small] = {}


def small(name: str, source: str, old: str, new: str, *expected: tuple[str, str, int], **facts: Any) -> None:
    """Enter one."""
    SMALL[name] = Small(HEAD + source, old, new, expected, facts)


COLLECTING = """    return [context.step(lambda _: n, name=f"do-{n}") for n in ("a", "b")]
"""
small(
    "insert_into_a_loop_that_collects",
    HANDLER + COLLECTING,
    '("a", "b")',
    '("a", "x", "b")',
    ("unexpected", "do-", 1),
)
small(
    "reorder_equal_names_in_a_loop_that_collects",
    HANDLER + '    return [context.invoke("f", {"n": n}, name="call") for n in ("a", "b")]\n',
    '("a", "b")',
    '("b", "a")',
    ("reordered", "call", 1),
    plain={"f": lambda event, _=None: event["n"]},
)
small(
    "rename_what_decides_on_the_next",
    HANDLER
    + """    def item(child, n, i, _):
        amount = child.step(lambda _: n, name="assess")
        if amount > 90:
            raise ValueError("too high")
        child.step(lambda _: 1, name="pay")
        return amount
    config = MapConfig(completion_config=CompletionConfig.all_completed())
    context.map([10, 99], item, name="claims", config=config)
""",
    '"assess"',
    '"judge"',
    ("renamed", '"judge"', 2),
)
small(
    "rename_what_decides_in_a_loop",
    HANDLER
    + """    turn = 0
    while True:
        call = context.step(lambda _: ["look", "calc", "end"][turn], name=f"think-{turn}")
        if call == "end":
            return turn
        context.step(lambda _: 0, name={"look": "look", "calc": "calc"}[call] + f"-{turn}")
        turn += 1
""",
    'f"think-',
    'f"plan-',
    ("renamed", "plan-", 3),
)
small(
    "rename_in_a_chain_of_twelve",
    HANDLER
    + """    cursor = 0
    while cursor is not None:
        page = context.step(lambda _: {"next": cursor + 1 if cursor < 11 else None}, name=f"fetch-{cursor}")
        cursor = page["next"]
""",
    'f"fetch-',
    'f"load-',
    ("renamed", "load-", 12),
)
small(
    "retype_what_ends_a_loop",
    HANDLER
    + """    ok, tries = False, 0
    while not ok:
        tries += 1
        ok = context.step(lambda _: tries >= 2, name=f"health-{tries}")
    box(context, "go")
""",
    "context.step(lambda _: tries >= 2, name",
    'context.invoke("health", {}, name',
    ("retyped", "health-", 2),
)
small(
    "name_made_by_chance",
    HANDLER
    + """    box(context, "a")
    found = context.step(lambda _: {"n": 2}, name="b")
    for i in range(found["n"]):
        box(context, f"turn-{i}")
""",
    'name="b"',
    'name=f"b-{uuid.uuid4()}"',
    ("nondeterministic", "uuid4", 1),
)
small(
    "end_of_what_a_lambda_calls",
    "def pack(context):\n    box(context)\n    return 5\n\n"
    + HANDLER
    + '    context.run_in_child_context(lambda c: pack(c), name="pack")\n',
    "return 5",
    "return 6",
    ("child_result", "return 6", 1),
)
small(
    "last_step_of_what_a_lambda_calls",
    'def pack(context):\n    box(context)\n    box(context, "tape")\n    return 5\n\n'
    + HANDLER
    + '    context.run_in_child_context(lambda c: pack(c), name="pack")\n',
    '    box(context, "tape")\n',
    "",
    ("missing", "return 5", 1),
)
small(
    "end_of_a_helper_of_two_callers",
    "def pack(context):\n    box(context)\n    return 5\n\n"
    + HANDLER
    + '    context.run_in_child_context(pack, name="one")\n    context.run_in_child_context(pack, name="two")\n',
    "return 5",
    "return 6",
    ("child_result", "return 6", 2),
)
small(
    "last_step_of_a_helper_of_two_callers",
    'def note(context, what):\n    box(context, f"open-{what}")\n    box(context, f"log-{what}")\n\n'
    + HANDLER
    + '    note(context, "a")\n    context.wait(seconds(1), name="pause")\n    note(context, "b")\n    return 1\n',
    '    box(context, f"log-{what}")\n',
    "",
    ("missing", "pause", 2),
)
small(
    "nesting_of_a_map_in_a_helper",
    "def street(context, houses):\n"
    '    return context.map(houses, lambda c, h, i, _: box(c, "knock"), name="houses")\n\n'
    + HANDLER
    + '    context.run_in_child_context(lambda c: street(c, [1, 2]) and 1, name="oak")\n'
    + '    context.run_in_child_context(lambda c: street(c, [3, 4, 5]) and 1, name="elm")\n',
    'name="houses")',
    'name="houses", config=MapConfig(nesting_type=NestingType.FLAT))',
    ("nesting_changed", "houses", 2),
)
FLAT = """    def item(child, n, i, _):
        got = box(child, "get", n)
        box(child, "keep")
        return got
    config = MapConfig(nesting_type=NestingType.FLAT)
    return context.map([1, 2], item, name="map", config=config).get_results()
"""
small("result_of_flat_items", HANDLER + FLAT, "return got", "return got + 1", ("child_result", "got + 1", 2))
small(
    "flat_items_that_raise",
    HANDLER + FLAT,
    'box(child, "keep")',
    'raise ValueError("no")',
    ("child_result", "raise", 2),
)
small(
    "true_instead_of_one",
    HANDLER + '    return {"n": box(context)}\n',
    "box(context)}",
    "bool(box(context))}",
    ("result", "return", 1),
)
small(
    "true_instead_of_one_in_what_is_sent",
    HANDLER + '    context.invoke("f", {"urgent": 1}, name="call")\n',
    '"urgent": 1',
    '"urgent": True',
    ("invoke_payload", "urgent", 1),
    plain={"f": lambda event, _=None: 0},
)
small(
    "an_empty_result",
    HANDLER + '    a = box(context)\n    return {"a": a}\n',
    'return {"a": a}',
    "return {}",
    ("result", "return", 1),
)
small(
    "an_empty_part_of_a_result",
    HANDLER + '    a = box(context)\n    return {"by": {"x": 1}, "a": a}\n',
    '{"x": 1}',
    "{}",
    ("result", "return", 1),
)
small(
    "a_name_made_of_what_cannot_be_read",
    HANDLER + '    a = context.step(lambda _: "ann", name="read")\n    box(context, f"greet-{a}")\n',
    'name="read")',
    'name="read", config=StepConfig(serdes=Unreadable()))',
    ("undeserializable", "read", 1),
)
small(
    "a_wait_before_what_is_yet_to_come",
    HANDLER
    + """    for n in range(3):
        context.wait(Duration.from_hours(5), name=f"night-{n}")
        context.run_in_child_context(lambda c: box(c, "sweep"), name=f"clean-{n}")
""",
    '        context.wait(Duration.from_hours(5), name=f"night-{n}")\n',
    "",
    ("missing", "clean", 2),
    status="RUNNING",
    look_after_seconds=3600 * 8,
)
small(
    "the_last_step_before_what_is_waited_for",
    HANDLER
    + '    callback = context.create_callback(name="ack")\n    box(context, "ask")\n    return callback.result()\n',
    '    box(context, "ask")\n',
    "",
    ("missing", "return", 1),
    status="RUNNING",
    look_after_seconds=3600,
)
small(
    "an_objection_caught_before_another",
    HANDLER
    + """    box(context, "a")
    try:
        box(context, "charge")
    except StepError:
        box(context, "release")
    context.invoke("f", 1, name="quote")
""",
    'box(context, "charge")\n    except StepError',
    'box(context, "pay")\n    except Exception',
    ("renamed", '"pay"', 1),
    ("swallowed", "", 1),
    plain={"f": lambda event, _=None: 0},
)
small(
    "the_handlers_context_in_a_child",
    HANDLER
    + """    def body(child):
        box(child, "inner")
        return 3
    context.run_in_child_context(body, name="group")
    box(context, "after")
""",
    "        return 3\n",
    '        box(context, "leaked")\n        return 3\n',
    ("unexpected", '"leaked"', 1),
)
small(
    "unnamed_branches_in_another_order",
    HANDLER
    + """    def left(child):
        return box(child, "left")
    def right(child):
        child.wait(seconds(2), name="lag")
        return box(child, "right")
    return len(context.parallel([left, right], name="both").get_results())
""",
    "[left, right]",
    "[right, left]",
    ("reordered", "parallel", 1),
)
small(
    "flat_items_in_another_order",
    HANDLER
    + """    def item(child, n, i, _):
        box(child, f"get-{n}")
    config = MapConfig(nesting_type=NestingType.FLAT)
    context.map(["a", "b", "c"], item, name="map", config=config)
""",
    '["a", "b", "c"]',
    '["c", "b", "a"]',
    ("reordered", "map", 1),
)
OWN_SUMMARY = """    def report(child):
        first = box(child, "one", "x" * 200_000)
        second = box(child, "two", "y" * 200_000)
        return first + second
    config = ChildConfig(summary_generator=lambda text: f"{len(text)} characters")
    context.run_in_child_context(report, name="report", config=config)
"""
small(
    "insert_in_a_child_with_a_summary_of_its_own",
    HANDLER + OWN_SUMMARY,
    "        return first + second\n",
    '        third = box(child, "three", "z")\n        return first + second + third\n',
    ("unexpected", '"three"', 1),
)
small(
    "rename_in_a_child_with_a_summary_of_its_own",
    HANDLER + OWN_SUMMARY,
    '"two"',
    '"second"',
    ("renamed", '"second"', 1),
)

# ---- which of two is the old one: each of these rules decides alone

PACK = """    context.step(lambda _: 1, name="pack")
"""
small(
    "insert_before_a_rename",  # the name that is more alike is the old operation's
    HANDLER + PACK,
    PACK,
    """    context.step(lambda _: 1, name="check-address")
    context.step(lambda _: 1, name="pack-parcel")
""",
    ("unexpected", '"check-address"', 1),
    ("renamed", '"pack-parcel"', 1),
)
small(
    "remove_before_a_rename",
    HANDLER
    + PACK
    + """    context.step(lambda _: 1, name="ship")
    return context.step(lambda _: 1, name="end")
""",
    PACK
    + """    context.step(lambda _: 1, name="ship")
""",
    """    context.step(lambda _: 1, name="shipping")
""",
    ("missing", '"shipping"', 1),
    ("renamed", '"shipping"', 1),
)
small(
    "insert_before_a_rename_with_the_same_arguments",  # of names as unlike, the one with the same arguments is
    HANDLER
    + """    context.wait(seconds(5), name="w")
""",
    """    context.wait(seconds(5), name="w")
""",
    """    context.wait(seconds(9), name="a")
    context.wait(seconds(5), name="b")
""",
    ("unexpected", '"a"', 1),
    ("renamed", '"b"', 1),
)
small(
    "exchange_in_a_context_that_moved",  # seen only when the context is known to have moved
    HANDLER
    + """    def first(c):
        c.wait(seconds(1), name="w")
        c.wait(seconds(2), name="w")
    context.run_in_child_context(first, name="first")
    context.run_in_child_context(lambda c: c.step(lambda _: 1, name="x"), name="second")
""",
    """        c.wait(seconds(1), name="w")
        c.wait(seconds(2), name="w")
    context.run_in_child_context(first, name="first")
    context.run_in_child_context(lambda c: c.step(lambda _: 1, name="x"), name="second")
""",
    """        c.wait(seconds(2), name="w")
        c.wait(seconds(1), name="w")
    context.run_in_child_context(lambda c: c.step(lambda _: 1, name="x"), name="second")
    context.run_in_child_context(first, name="first")
""",
    ("reordered", 'name="second"', 1),
    ("reordered", "c.wait(seconds(2)", 1),
)
small(
    "remove_from_a_function_that_a_lambda_calls",  # nothing is gone from the lambda
    """def work(c):
    c.step(lambda _: 1, name="a")
    return c.step(lambda _: 1, name="b")

"""
    + HANDLER
    + """    return context.run_in_child_context(lambda c: work(c), name="box")
""",
    """    c.step(lambda _: 1, name="a")
""",
    "",
    ("missing", 'name="b"', 1),
)
small(
    "rename_in_a_loop_that_goes_by_its_results",  # a turn is known only when the one before is answered
    HANDLER
    + """    n = 0
    while n < 12:
        n = context.step(lambda _: n + 1, name=f"x-{n}")
    return context.step(lambda _: 1, name="end")
""",
    'f"x-{n}"',
    'f"y-{n}"',
    ("renamed", 'f"y-{n}"', 12),
)
