"""Changes to the bases, each with the divergences that it must give: the kind, and the line by a piece of its text."""

from __future__ import annotations

from dataclasses import dataclass

from tests.divergence.bases import BASES


@dataclass(frozen=True)
class Mutation:
    """A change of a handler: pieces of text for others, and what is to be found."""

    name: str
    base: str
    edits: tuple[tuple[str, str], ...]
    expected: tuple[tuple[str, str], ...]  # kind, piece of the line's text

    @property
    def source(self) -> str:
        text = BASES[self.base].source
        for old, new in self.edits:
            assert text.count(old) == 1, f"{self.name}: {old!r} occurs {text.count(old)} times"
            text = text.replace(old, new)
        return text

    def lines(self, piece: str) -> set[int]:
        """Numbers of the lines that hold a piece of text, or one of several told apart by ``|``."""
        found = set()
        for text in piece.split("|"):
            here = [n for n, line in enumerate(self.source.splitlines(), 1) if text in line]
            assert len(here) == 1, f"{self.name}: {text!r} is on lines {here}"
            found.update(here)
        return found

    def lines_of_text(self) -> range:
        """Numbers of all lines."""
        return range(1, len(self.source.splitlines()) + 1)


MUTATIONS: dict[str, Mutation] = {}


def change(name: str, base: str, *edits: tuple[str, str], expected: list[tuple[str, str]]) -> None:
    assert name not in MUTATIONS, name
    MUTATIONS[name] = Mutation(name, base, edits, tuple(expected))


def step(name: str, value: object = None) -> str:
    return f'context.step(lambda _: did("{name}", {value!r}), name="{name}")'


A, B, C, D = (f"    {n} = {step(n, v)}\n" for n, v in (("a", 1), ("b", 2), ("c", 3), ("d", 4)))

# ---- removed

change("remove_first", "steps", (A, "    a = 1\n"), expected=[("missing", 'name="b"')])
change("remove_middle", "steps", (B, ""), expected=[("missing", 'name="c"')])
change("remove_last", "steps", (D, ""), expected=[("missing", "return {")])
change(
    "remove_two_apart",
    "steps",
    (A, "    a = 1\n"),
    (C, "    c = 3\n"),
    expected=[("missing", 'name="b"'), ("missing", 'name="d"')],
)
change("remove_two_together", "steps", (B, ""), (C, "    c = 3\n"), expected=[("missing", 'name="d"')])
change("remove_the_last_two", "steps", (C, "    c = 3\n"), (D, ""), expected=[("missing", "return {")])
change(
    "remove_all",
    "steps",
    (A, ""),
    (B, ""),
    (C, ""),
    (D, ""),
    ("a + c", "4"),
    expected=[("missing", "return {")],
)
change(
    "remove_a_wait",
    "waits",
    ('    context.wait(seconds(60), name="cool-down")\n', ""),
    expected=[("missing", '"stir"')],
)
change(
    "remove_an_invoke",
    "invokes",
    ('context.invoke("price", {"order": order["id"]}, name="price")', "10"),
    expected=[("missing", '"n": 1')],
)
change(
    "remove_a_callback",
    "callback",
    (
        """    callback = context.create_callback(
        name="approval",
        config=CallbackConfig(timeout=seconds(600), heartbeat_timeout=seconds(60)),
    )
""",
        "",
    ),
    ("callback.result()", '"yes"'),
    expected=[("missing", '"ask"')],
)
change(
    "remove_a_wait_for_callback",
    "wait_for_callback",
    (
        """context.wait_for_callback(
        lambda callback_id, _: did("submit"),
        name="barista",
        config=WaitForCallbackConfig(timeout=seconds(120)),
    )""",
        '"done"',
    ),
    expected=[("missing", '"serve"')],
)
change(
    "remove_a_condition",
    "condition",
    (
        'context.wait_for_condition(lambda state, _: did("check") or state + 1, WaitForConditionConfig(until_ready, 0), name="ready")',
        "2",
    ),
    expected=[("missing", '"fetch"')],
)
change(
    "remove_a_child",
    "children",
    ('context.run_in_child_context(pack, name="pack")', '["box", "stuck"]'),
    expected=[("missing", '"ship"')],
)
change(
    "remove_a_map",
    "map",
    (
        'context.map(items, weigh, name="weigh", config=MapConfig(item_namer=lambda item, index: f"item-{item}"))\n',
        "None\n",
    ),
    ("result.get_results()", "[3, 5, 7]"),
    expected=[("missing", '"end"')],
)
change(
    "remove_in_a_child",
    "children",
    ('    child.step(lambda _: did("print"), name="print")\n', ""),
    expected=[("missing", '"dry"')],
)
change(
    "remove_last_in_a_child",
    "children",
    ('    child.step(lambda _: did("stick"), name="stick")\n', ""),
    expected=[("missing", 'return "stuck"')],
)
change(
    "remove_in_a_map",
    "map",
    ('child.step(lambda _: did("net", item * 2), name="net")', "item * 2"),
    expected=[("missing", '"gross"')],
)
change(
    "remove_last_in_a_map",
    "map",
    ('child.step(lambda _: did("gross", net + 1), name="gross")', "net + 1"),
    expected=[("missing", "return gross")],
)
change(
    "remove_in_a_flat_map",
    "flat_map",
    ('    child.wait(seconds(3), name="settle")\n', ""),
    expected=[("missing", "return net")],
)
change(
    "remove_in_a_branch",
    "parallel",
    ('child.step(lambda _: did("check", True), name="check")', "pass"),
    expected=[("missing", "return child.run_in_child_context")],
)
change(
    "remove_in_a_virtual_context",
    "virtual",
    ('    child.step(lambda _: did("one", 1), name="one")\n', ""),
    expected=[("missing", '"two"')],
)
change(
    "remove_in_a_loop",
    "loop",
    ('context.step(lambda _: did("pack"), name=f"pack-{i}")', "pass"),
    expected=[("missing", "pick-{i}")],
)
change(
    "remove_first_in_a_loop",
    "loop",
    ('done.append(context.step(lambda _: did("pick", 1), name=f"pick-{i}"))', "pass"),
    expected=[("missing", "pack-{i}")],
)
change("remove_by_helper", "helper", ('note(context, "second", 2)', "2"), expected=[("missing", '"pause"')])
change(
    "remove_by_helper_before_another",
    "helper",
    ('note(context, "third", 3)', "3"),
    expected=[("missing", '"fourth"')],
)
change(
    "remove_by_helper_at_first",
    "helper",
    ('note(context, "first", 1)', "1"),
    expected=[("missing", '"second"')],
)
change(
    "remove_in_a_large_child",
    "large",
    ('    child.step(lambda _: did("check"), name="check")\n', ""),
    expected=[("missing", 'return "".join')],
)
change(
    "remove_unnamed", "unnamed", ("    context.wait(seconds(30))\n", ""), expected=[("missing", 'did("b"')]
)
change("remove_while_suspended", "suspended", (B, ""), expected=[("missing", "create_callback")])
change(
    "remove_what_it_awaits",
    "suspended",
    ("callback.result()", "None"),
    ('    context.step(lambda _: did("book"), name="book")\n', ""),
    expected=[("outcome", "return answer")],
)
change(
    "remove_in_an_open_child",
    "open_child",
    ('    child.step(lambda _: did("label"), name="label")\n', ""),
    expected=[("missing", '"dry"')],
)
change(
    "remove_of_many",
    "many",
    ('child.step(lambda _: did("net", item * 2), name="net")', "item * 2"),
    expected=[("missing", "return net")],
)

# ---- early return

change(
    "return_early",
    "steps",
    (C, "    if b:\n        return {'sum': 4}\n" + C),
    expected=[("missing", "return {'sum'")],
)
change("return_at_once", "steps", (A, "    return {'sum': 4}\n" + A), expected=[("missing", "return {'sum'")])
change(
    "return_early_from_a_child",
    "children",
    (
        '    child.wait(seconds(5), name="dry")\n',
        '    return "stuck"  # now\n    child.wait(seconds(5), name="dry")\n',
    ),
    expected=[("missing", "# now")],
)
change(
    "return_early_from_an_item",
    "map",
    ("    gross = child", "    if item == 2: return 5\n    gross = child"),
    expected=[("missing", "return 5")],
)
change(
    "return_early_from_a_loop",
    "loop",
    (
        '        context.step(lambda _: did("pack"), name=f"pack-{i}")\n',
        '        context.step(lambda _: did("pack"), name=f"pack-{i}")\n        if i == 1: return "shipped"\n',
    ),
    expected=[("missing", "if i == 1")],
)
change(
    "return_early_while_suspended",
    "suspended",
    (B, "    return a  # early\n" + B),
    expected=[("missing", "# early")],
)

# ---- inserted

NEW = '    context.step(lambda _: did("new"), name="new")\n'
change("insert_first", "steps", (A, NEW + A), expected=[("unexpected", '"new"')])
change("insert_middle", "steps", (C, NEW + C), expected=[("unexpected", '"new"')])
change("insert_last", "steps", (D, D + NEW), expected=[("unexpected", '"new"')])
change(
    "insert_two",
    "steps",
    (B, NEW + B),
    (D, D + NEW.replace("new", "newer")),
    expected=[("unexpected", '"new"'), ("unexpected", '"newer"')],
)
change(
    "insert_unnamed",
    "steps",
    (C, '    context.step(lambda _: did("new"))\n' + C),
    expected=[("unexpected", 'did("new")')],
)
change(
    "insert_a_wait",
    "steps",
    (C, "    context.wait(seconds(9))\n" + C),
    expected=[("unexpected", "seconds(9)")],
)
change(
    "insert_a_callback",
    "steps",
    (C, "    context.create_callback(name='new')\n" + C),
    expected=[("unexpected", "name='new'")],
)
change(
    "insert_an_invoke",
    "steps",
    (C, "    context.invoke('price', 1, name='new')\n" + C),
    expected=[("unexpected", "name='new'")],
)
change(
    "insert_an_invoke_last",
    "steps",
    (D, D + "    context.invoke('price', 1, name='new')\n"),
    expected=[("unexpected", "name='new'")],
)
change(
    "insert_a_wait_last",
    "steps",
    (D, D + "    context.wait(seconds(9))\n"),
    expected=[("unexpected", "seconds(9)")],
)
change(
    "insert_a_wait_for_callback",
    "steps",
    (C, "    context.wait_for_callback(lambda i, _: did('submit'), name='new')\n" + C),
    expected=[("unexpected", "name='new'")],
)
change(
    "insert_a_wait_for_callback_last",
    "steps",
    (D, D + "    context.wait_for_callback(lambda i, _: did('submit'), name='new')\n"),
    expected=[("unexpected", "name='new'")],
)
change(
    "insert_a_child",
    "steps",
    (
        C,
        "    context.run_in_child_context(lambda child: child.step(lambda _: did('inner'), name='inner'), name='new')\n"
        + C,
    ),
    expected=[("unexpected", "name='new'")],
)
change(
    "insert_a_map",
    "steps",
    (
        C,
        "    context.map([1, 2], lambda child, item, i, items: child.step(lambda _: did('inner'), name='inner'), name='new')\n"
        + C,
    ),
    expected=[("unexpected", "name='new'")],
)
change(
    "insert_a_map_last",
    "steps",
    (
        D,
        D
        + "    context.map([1, 2], lambda child, item, i, items: child.step(lambda _: did('inner'), name='inner'), name='new')\n",
    ),
    expected=[("unexpected", "name='new'")],
)
change(
    "insert_same_name",
    "steps",
    (B, B + '    context.step(lambda _: did("again"), name="b")\n'),
    expected=[("unexpected", 'did("again")')],
)
change(
    "insert_in_a_child",
    "children",
    (
        '    child.wait(seconds(5), name="dry")\n',
        '    child.step(lambda _: did("new"), name="new")\n    child.wait(seconds(5), name="dry")\n',
    ),
    expected=[("unexpected", '"new"')],
)
change(
    "insert_in_a_map",
    "map",
    ("    gross = child", '    child.step(lambda _: did("new"), name="new")\n    gross = child'),
    expected=[("unexpected", '"new"')],
)
change(
    "insert_in_an_item",
    "map",
    (
        "    gross = child",
        '    if item == 2: child.step(lambda _: did("new"), name="new")\n    gross = child',
    ),
    expected=[("unexpected", '"new"')],
)
change(
    "insert_in_a_flat_map",
    "flat_map",
    ("    child.wait(", '    child.step(lambda _: did("new"), name="new")\n    child.wait('),
    expected=[("unexpected", '"new"')],
)
change(
    "insert_in_a_branch",
    "parallel",
    ("    return n\n", '    child.step(lambda _: did("new"), name="new")\n    return n\n'),
    expected=[("unexpected", '"new"')],
)
change(
    "insert_in_a_virtual_context",
    "virtual",
    (
        '    child.step(lambda _: did("one"',
        '    child.step(lambda _: did("new"), name="new")\n    child.step(lambda _: did("one"',
    ),
    expected=[("unexpected", '"new"')],
)
change(
    "insert_in_a_loop",
    "loop",
    (
        '        context.step(lambda _: did("pack")',
        '        context.step(lambda _: did("new"), name="new")\n        context.step(lambda _: did("pack")',
    ),
    expected=[("unexpected", '"new"')],
)
change(
    "insert_by_helper",
    "helper",
    ("    c = note", '    note(context, "new", 0)\n    c = note'),
    expected=[("unexpected", '"new"')],
)
change(
    "insert_in_a_large_child",
    "large",
    (
        '    return "".join(parts)',
        '    child.step(lambda _: did("new"), name="new")\n    return "".join(parts)',
    ),
    expected=[("unexpected", '"new"')],
)
change(
    "insert_a_branch",
    "parallel",
    (
        '            ParallelBranch(check, name="checking"),\n',
        '            ParallelBranch(check, name="checking"),\n            ParallelBranch(count, name="more"),\n',
    ),
    expected=[("item_count", "context.parallel(")],
)
change("insert_before_a_suspended_callback", "suspended", (B, NEW + B), expected=[("unexpected", '"new"')])
change(
    "insert_and_use_it",
    "steps",
    (
        C,
        '    extra = context.step(lambda _: did("new", {"n": 1}), name="new")\n    if extra["n"] > 5: print(extra["n"] + 1)\n'
        + C,
    ),
    ("a + c", "a + c + 0 * len(extra)"),
    expected=[("unexpected", '"new"')],
)
change(
    "insert_in_an_open_child",
    "open_child",
    (
        '    child.step(lambda _: did("label")',
        '    child.step(lambda _: did("new"), name="new")\n    child.step(lambda _: did("label")',
    ),
    expected=[("unexpected", '"new"')],
)
change(
    "insert_of_many",
    "many",
    ("    return net\n", '    child.step(lambda _: did("new"), name="new")\n    return net\n'),
    expected=[("unexpected", '"new"')],
)

# ---- renamed

change("rename_a_step", "steps", ('name="b"', 'name="bee"'), expected=[("renamed", '"bee"')])
change("rename_first", "steps", ('name="a"', 'name="aye"'), expected=[("renamed", '"aye"')])
change("rename_last", "steps", ('name="d"', 'name="dee"'), expected=[("renamed", '"dee"')])
change("rename_to_none", "steps", (', name="b"', ""), expected=[("renamed", 'did("b"')])
change("rename_a_wait", "waits", ('name="cool-down"', 'name="cooling"'), expected=[("renamed", '"cooling"')])
change("rename_an_invoke", "invokes", ('name="price"', 'name="cost"'), expected=[("renamed", '"cost"')])
change(
    "rename_a_callback",
    "callback",
    ('name="approval"', 'name="consent"'),
    expected=[("renamed", "create_callback")],
)
change(
    "rename_a_wait_for_callback",
    "wait_for_callback",
    ('name="barista"', 'name="waiter"'),
    expected=[("renamed", "wait_for_callback(")],
)
change(
    "rename_a_condition",
    "condition",
    ('name="ready"', 'name="finished"'),
    expected=[("renamed", '"finished"')],
)
change("rename_a_child", "children", ('name="pack"', 'name="wrap"'), expected=[("renamed", '"wrap"')])
change("rename_a_map", "map", ('name="weigh"', 'name="scale"'), expected=[("renamed", '"scale"')])
change(
    "rename_a_parallel",
    "parallel",
    ('name="validate"', 'name="verify"'),
    expected=[("renamed", "context.parallel(")],
)
change("rename_in_a_child", "children", ('name="print"', 'name="write"'), expected=[("renamed", '"write"')])
change("rename_in_a_map", "map", ('name="net"', 'name="pure"'), expected=[("renamed", '"pure"')])
change("rename_in_a_flat_map", "flat_map", ('name="net"', 'name="pure"'), expected=[("renamed", '"pure"')])
change(
    "rename_in_a_branch", "parallel", ('name="deep"', 'name="deepest"'), expected=[("renamed", '"deepest"')]
)
change(
    "rename_in_a_virtual_context", "virtual", ('name="one"', 'name="uno"'), expected=[("renamed", '"uno"')]
)
change("rename_in_a_loop", "loop", ('f"pack-{i}"', 'f"wrap-{i}"'), expected=[("renamed", "wrap-{i}")])
change(
    "rename_in_the_helper",
    "helper",
    ("name=name)", 'name=f"note-{name}")'),
    expected=[("renamed", "note-{name}")],
)
change("rename_by_helper", "helper", ('"third"', '"3rd"'), expected=[("renamed", '"3rd"')])
change(
    "rename_in_a_large_child", "large", ('name="check"', 'name="verify"'), expected=[("renamed", '"verify"')]
)
change("rename_of_many", "many", ('name="net"', 'name="pure"'), expected=[("renamed", '"pure"')])
change(
    "rename_multi_line",
    "multi_line",
    ('name="b",', 'name="bee",'),
    expected=[("renamed", "b = context.step(")],
)
change("rename_while_suspended", "suspended", ('name="b"', 'name="bee"'), expected=[("renamed", '"bee"')])
change(
    "rename_a_suspended_callback",
    "suspended",
    ('name="approval"', 'name="consent"'),
    expected=[("renamed", '"consent"')],
)
change(
    "rename_three",
    "steps",
    ('name="a"', 'name="aye"'),
    ('name="b"', 'name="bee"'),
    ('name="d"', 'name="dee"'),
    expected=[("renamed", '"aye"'), ("renamed", '"bee"'), ("renamed", '"dee"')],
)
change(
    "rename_in_an_open_child", "open_child", ('name="label"', 'name="tag"'), expected=[("renamed", '"tag"')]
)
change("rename_in_race", "race", ('name="quick"', 'name="fast"'), expected=[("renamed", '"fast"')])

# ---- another type

change(
    "step_to_condition",
    "steps",
    (
        step("b", 2),
        'context.wait_for_condition(lambda state, _: 2, WaitForConditionConfig(lambda s, n: WaitForConditionDecision.stop_polling(), 0), name="b")',
    ),
    expected=[("retyped", 'name="b"')],
)
change(
    "step_to_invoke",
    "steps",
    (step("b", 2), 'context.invoke("price", 2, name="b")'),
    expected=[("retyped", 'name="b"')],
)
change(
    "step_to_child",
    "steps",
    (
        step("b", 2),
        'context.run_in_child_context(lambda child: child.step(lambda _: 2, name="inner"), name="b")',
    ),
    expected=[("retyped", 'name="b"')],
)
change(
    "step_to_wait",
    "steps",
    (step("b", 2), 'context.wait(seconds(2), name="b")'),
    expected=[("retyped", 'name="b"')],
)
change(
    "step_to_unnamed_wait",
    "steps",
    (step("b", 2), "context.wait(seconds(2))"),
    expected=[("retyped", "seconds(2)")],
)
change(
    "wait_to_callback",
    "waits",
    ('context.wait(seconds(60), name="cool-down")', 'context.create_callback(name="cool-down")'),
    expected=[("retyped", '"cool-down"')],
)
change(
    "child_to_map",
    "children",
    (
        'context.run_in_child_context(pack, name="pack")',
        'context.map([1], lambda child, *_: pack(child), name="pack").get_results()[0]',
    ),
    expected=[("retyped", 'name="pack"')],
)
change(
    "child_to_step",
    "children",
    ('context.run_in_child_context(pack, name="pack")', 'context.step(lambda _: did("pack"), name="pack")'),
    expected=[("retyped", 'name="pack"')],
)
change(
    "map_to_parallel",
    "map",
    (
        'context.map(items, weigh, name="weigh", config=MapConfig(item_namer=lambda item, index: f"item-{item}"))',
        'context.parallel([lambda child, item=item: weigh(child, item, 0, []) for item in items], name="weigh")',
    ),
    expected=[("retyped", 'name="weigh"')],
)
change(
    "wait_for_callback_to_callback",
    "wait_for_callback",
    ('context.wait_for_callback(\n        lambda callback_id, _: did("submit"),', "context.create_callback("),
    ("WaitForCallbackConfig", "CallbackConfig"),
    expected=[("retyped", "create_callback(")],
)
change(
    "custom_sub_type",
    "steps",
    (step("b", 2), 'context.step(lambda _: did("b", 2), name="b", config=StepConfig(sub_type="Special"))'),
    expected=[("retyped", 'name="b"')],
)
change(
    "child_sub_type",
    "children",
    ('name="label")', 'name="label", config=ChildConfig(sub_type="Special"))'),
    expected=[("retyped", 'name="label"')],
)
change(
    "unnamed_wait_to_callback",
    "unnamed",
    ("context.wait(seconds(30))", "context.create_callback()  # new"),
    expected=[("retyped", "# new")],
)
change(
    "step_to_wait_in_a_map",
    "map",
    ('child.step(lambda _: did("gross", net + 1), name="gross")', 'child.wait(seconds(2), name="gross")'),
    expected=[("retyped", '"gross"')],
)

# ---- another order

change("swap_neighbours", "steps", (B + C, C + B), expected=[("reordered", '"b"|"c"')])
change("swap_first_two", "steps", (A + B, B + A), expected=[("reordered", '"a"|"b"')])
change("swap_ends", "steps", (A + B + C + D, D + B + C + A), expected=[("reordered", '"a"|"d"')])
change(
    "swap_two_pairs",
    "steps",
    (A + B + C + D, B + A + D + C),
    expected=[("reordered", '"a"|"b"'), ("reordered", '"c"|"d"')],
)
change("move_to_the_end", "steps", (A + B + C + D, B + C + D + A), expected=[("reordered", 'name="a"')])
change("move_to_the_front", "steps", (A + B + C + D, D + A + B + C), expected=[("reordered", 'name="d"')])
change("turned_round", "steps", (A + B + C + D, D + C + B + A), expected=[("reordered", '"a"|"b"|"c"|"d"')])
change(
    "swap_same_name_waits",
    "waits",
    ("seconds(120)", "seconds(X)"),
    ("seconds(30)", "seconds(120)"),
    ("seconds(X)", "seconds(30)"),
    expected=[("reordered", "seconds(120)|seconds(30)")],
)
change(
    "swap_same_name_invokes",
    "invokes",
    ('"n": 1', '"n": X'),
    ('"n": 2', '"n": 1'),
    ('"n": X', '"n": 2'),
    expected=[("reordered", '"n": 1|"n": 2')],
)
change(
    "swap_same_name_children",
    "legs",
    ("context.run_in_child_context(out,", "context.run_in_child_context(X,"),
    ("context.run_in_child_context(back,", "context.run_in_child_context(out,"),
    ("context.run_in_child_context(X,", "context.run_in_child_context(back,"),
    expected=[("reordered", "(out,|(back,")],
)
change(
    "swap_unnamed",
    "unnamed",
    (
        '    context.wait(seconds(30))\n    b = context.step(lambda _: did("b", 2))\n',
        '    b = context.step(lambda _: did("b", 2))\n    context.wait(seconds(30))\n',
    ),
    expected=[("reordered", 'did("b"|seconds(30)')],
)
change(
    "swap_in_a_child",
    "children",
    (
        '    child.wait(seconds(5), name="dry")\n    child.step(lambda _: did("stick"), name="stick")\n',
        '    child.step(lambda _: did("stick"), name="stick")\n    child.wait(seconds(5), name="dry")\n',
    ),
    expected=[("reordered", '"dry"|name="stick"')],
)
change(
    "swap_in_a_flat_map",
    "flat_map",
    (
        '    net = child.step(lambda _: did("net", item * 2), name="net")\n    child.wait(seconds(3), name="settle")\n',
        '    child.wait(seconds(3), name="settle")\n    net = child.step(lambda _: did("net", item * 2), name="net")\n',
    ),
    expected=[("reordered", '"net"|"settle"')],
)
change(
    "swap_in_a_loop",
    "loop",
    (
        '        done.append(context.step(lambda _: did("pick", 1), name=f"pick-{i}"))\n        context.step(lambda _: did("pack"), name=f"pack-{i}")\n',
        '        context.step(lambda _: did("pack"), name=f"pack-{i}")\n        done.append(context.step(lambda _: did("pick", 1), name=f"pick-{i}"))\n',
    ),
    expected=[("reordered", "pick-{i}|pack-{i}")],
)
change(
    "swap_by_helper",
    "helper",
    (
        '    a = note(context, "first", 1)\n    b = note(context, "second", 2)\n',
        '    b = note(context, "second", 2)\n    a = note(context, "first", 1)\n',
    ),
    expected=[("reordered", '"first"|"second"')],
)
change("loop_turned_round", "loop", ("range(3)", "(2, 1, 0)"), expected=[("reordered", "pick-{i}|pack-{i}")])
change(
    "swap_children",
    "children",
    (
        """    packed = context.run_in_child_context(pack, name="pack")
    context.step(lambda _: did("ship"), name="ship")
""",
        """    context.step(lambda _: did("ship"), name="ship")
    packed = context.run_in_child_context(pack, name="pack")
""",
    ),
    expected=[("reordered", 'name="pack"|name="ship"')],
)
change("swap_while_suspended", "suspended", (A + B, B + A), expected=[("reordered", '"a"|"b"')])

# ---- another context

change(
    "move_into_a_child",
    "children",
    ('    context.step(lambda _: did("ship"), name="ship")\n', ""),
    (
        "    return [box, label]",
        '    child.step(lambda _: did("ship"), name="ship")\n    return [box, label]',
    ),
    expected=[("reparented", '"ship"')],
)
change(
    "move_out_of_a_child",
    "children",
    ('    child.step(lambda _: did("tape"), name="tape")\n', ""),
    (
        '    context.step(lambda _: did("ship")',
        '    context.step(lambda _: did("tape"), name="tape")\n    context.step(lambda _: did("ship")',
    ),
    expected=[("reparented", '"tape"')],
)
change(
    "move_out_of_a_map",
    "map",
    ('    net = child.step(lambda _: did("net", item * 2), name="net")\n', "    net = item * 2\n"),
    expected=[("missing", '"gross"')],
)
change(
    "wrap_in_a_child",
    "steps",
    (
        step("b", 2),
        'context.run_in_child_context(lambda child: child.step(lambda _: did("b", 2), name="b"), name="group")',
    ),
    expected=[("nesting_changed", '"group"')],
)
change(
    "wrap_two_in_a_child",
    "steps",
    (
        B + C,
        """    def both(child):
        b = child.step(lambda _: did("b", 2), name="b")
        return child.step(lambda _: did("c", 3), name="c")
    c = context.run_in_child_context(both, name="group")
""",
    ),
    expected=[("nesting_changed", '"group"')],
)
change(
    "wrap_in_a_virtual_context",
    "steps",
    (
        step("b", 2),
        'context.run_in_child_context(lambda child: child.step(lambda _: did("b", 2), name="b"), name="group", config=ChildConfig(is_virtual=True))',
    ),
    expected=[("nesting_changed", '"group"')],
)
change(
    "unwrap_a_child",
    "children",
    ('child.run_in_child_context(stick, name="label")', "stick(child)"),
    expected=[("nesting_changed", '"print"|label = stick(child)')],
)
change(
    "unwrap_a_virtual_context",
    "virtual",
    (
        'context.run_in_child_context(group, name="group", config=ChildConfig(is_virtual=True))',
        "group(context)",
    ),
    expected=[("nesting_changed", '"one"|group(context)')],
)
change(
    "child_becomes_virtual",
    "children",
    ('name="pack")', 'name="pack", config=ChildConfig(is_virtual=True))'),
    expected=[("nesting_changed", 'name="pack"')],
)
change(
    "virtual_becomes_child",
    "virtual",
    (", config=ChildConfig(is_virtual=True)", ""),
    expected=[("nesting_changed", 'name="group"')],
)
change(
    "nested_to_flat",
    "map",
    ("MapConfig(", "MapConfig(nesting_type=NestingType.FLAT, "),
    expected=[("nesting_changed", "context.map(")],
)
change(
    "flat_to_nested",
    "flat_map",
    (", config=MapConfig(nesting_type=NestingType.FLAT)", ""),
    expected=[("nesting_changed", "context.map(")],
)
change(
    "parallel_to_flat",
    "parallel",
    ('name="validate",', 'name="validate", config=ParallelConfig(nesting_type=NestingType.FLAT),'),
    expected=[("nesting_changed", "context.parallel(")],
)
change(
    "nested_to_flat_of_many",
    "many",
    ('name="weigh")', 'name="weigh", config=MapConfig(nesting_type=NestingType.FLAT))'),
    expected=[("nesting_changed", "context.map(")],
)

# ---- other arguments

change("wait_longer", "waits", ("seconds(60)", "seconds(90)"), expected=[("wait_duration", "seconds(90)")])
change(
    "wait_longer_in_a_flat_map",
    "flat_map",
    ("seconds(3)", "seconds(4)"),
    expected=[("wait_duration", "seconds(4)")],
)
change(
    "wait_longer_in_a_child",
    "children",
    ("seconds(5)", "seconds(6)"),
    expected=[("wait_duration", "seconds(6)")],
)
change(
    "wait_longer_unnamed",
    "unnamed",
    ("seconds(30)", "seconds(31)"),
    expected=[("wait_duration", "seconds(31)")],
)
change(
    "invoke_another", "invokes", ('"price", {', '"discount", {'), expected=[("invoke_target", '"discount"')]
)
change(
    "invoke_with_other_payload", "invokes", ('"n": 1', '"n": 11'), expected=[("invoke_payload", '"n": 11')]
)
change(
    "invoke_with_random_payload",
    "invokes",
    ('"n": 1', '"n": random.random()'),
    expected=[("invoke_payload", "random.random()")],
)
change(
    "invoke_multi_line_payload",
    "multi_line",
    ('"as agreed"', '"as discussed"'),
    expected=[("invoke_payload", "price = context.invoke(")],
)
change("invoke_for_another_tenant", "tenants", ('"blue"', '"green"'), expected=[("invoke_tenant", '"green"')])
change(
    "callback_timeout",
    "callback",
    ("seconds(600)", "seconds(900)"),
    expected=[("callback_timeout", "create_callback(")],
)
change(
    "callback_heartbeat",
    "callback",
    ("seconds(60)", "seconds(90)"),
    expected=[("callback_timeout", "create_callback(")],
)
change(
    "callback_without_timeouts",
    "callback",
    ("        config=CallbackConfig(timeout=seconds(600), heartbeat_timeout=seconds(60)),\n", ""),
    expected=[("callback_timeout", "create_callback(")],
)
change(
    "wait_for_callback_timeout",
    "wait_for_callback",
    ("seconds(120)", "seconds(60)"),
    expected=[("callback_timeout", "wait_for_callback(")],
)
change(
    "suspended_callback_timeout",
    "suspended",
    ("seconds(86_000)", "seconds(60)"),
    expected=[("callback_timeout", "create_callback(")],
)

# ---- branches

change("one_item_more", "map", ("[1, 2, 3]", "[1, 2, 3, 4]"), expected=[("item_count", "context.map(")])
change("one_item_less", "map", ("[1, 2, 3]", "[1, 2]"), expected=[("item_count", "context.map(")])
change(
    "one_flat_item_more", "flat_map", ("[1, 2, 3]", "[1, 2, 3, 4]"), expected=[("item_count", "context.map(")]
)
change("one_flat_item_less", "flat_map", ("[1, 2, 3]", "[1, 2]"), expected=[("item_count", "context.map(")])
change("no_items", "map", ("[1, 2, 3]", "[]"), expected=[("item_count", "context.map(")])
change("half_of_many", "many", ("range(200)", "range(100)"), expected=[("item_count", "context.map(")])
change(
    "one_branch_less",
    "parallel",
    ('            ParallelBranch(check, name="checking"),\n', ""),
    expected=[("item_count", "context.parallel(")],
)
change(
    "items_named_otherwise",
    "map",
    ('f"item-{item}"', 'f"parcel-{item}"'),
    expected=[("branch_name", "context.map(")],
)
change(
    "items_not_named",
    "map",
    (', config=MapConfig(item_namer=lambda item, index: f"item-{item}")', ""),
    expected=[("branch_name", "context.map(")],
)
change(
    "branch_renamed", "parallel", ('"counting"', '"numbers"'), expected=[("branch_name", "context.parallel(")]
)
change(
    "branches_swapped",
    "parallel",
    (
        """            ParallelBranch(count, name="counting"),
            ParallelBranch(check, name="checking"),
""",
        """            ParallelBranch(check, name="checking"),
            ParallelBranch(count, name="counting"),
""",
    ),
    expected=[("reordered", "context.parallel(")],
)

# ---- other results

change("result", "steps", ('{"sum": a + c}', '{"total": a + c}'), expected=[("result", '"total"')])
change(
    "result_of_the_clock",
    "steps",
    ('{"sum": a + c}', '{"sum": a + c, "at": time.time()}'),
    expected=[("result", "time.time()")],
)
change(
    "result_to_none", "steps", ('return {"sum": a + c}', "return None"), expected=[("result", "return None")]
)
change(
    "result_elsewhere",
    "branching",
    (
        '    context.wait(seconds(5), name="bulk-pause")\n',
        '    context.wait(seconds(5), name="bulk-pause")\n        n += 1\n',
    ),
    expected=[("result", "return n")],
)
change(
    "child_result", "children", ('return "stuck"', 'return "glued"'), expected=[("child_result", '"glued"')]
)
change(
    "child_raises",
    "children",
    ('return "stuck"', 'raise Refused("no glue")'),
    expected=[("child_result", '"no glue"')],
)
change(
    "failed_child_returns",
    "failed_child",
    ('raise Refused("too late")', 'return "in time"'),
    expected=[("child_result", '"in time"')],
)
change(
    "failed_child_raises_otherwise",
    "failed_child",
    ('Refused("too late")', 'Refused("too early")'),
    expected=[("child_result", '"too early"')],
)
change(
    "failed_child_raises_another_type",
    "failed_child",
    ('Refused("too late")', 'KeyError("too late")'),
    expected=[("child_result", "KeyError")],
)
change("item_result", "map", ("return gross", "return gross * 2"), expected=[("child_result", "gross * 2")])
change(
    "branch_result",
    "parallel",
    ("    return n\n", "    return n + 1\n"),
    expected=[("child_result", "return n + 1")],
)
change(
    "large_child_result",
    "large",
    ('return "".join(parts)', 'return "".join(parts) + "!"'),
    expected=[("result", "len(text)")],
)
change(
    "item_result_of_many", "many", ("return net", "return net + 1"), expected=[("child_result", "net + 1")]
)
change("error_message", "failing", ('"b is too large"', '"b is too big"'), expected=[("error", "too big")])
change("error_type", "failing", ('Refused("b', 'KeyError("b'), expected=[("error", "KeyError")])
change(
    "success_to_failure",
    "steps",
    ('return {"sum": a + c}', 'raise Refused("odd")'),
    expected=[("outcome", '"odd"')],
)
change(
    "success_to_failure_midway",
    "steps",
    (C, '    if b: raise Refused("odd")\n' + C),
    expected=[("outcome", '"odd"')],
)
change(
    "failure_to_success",
    "failing",
    ('raise Refused("b is too large")', "return 0"),
    expected=[("outcome", "return 0")],
)
change("crash_by_bug", "steps", (C, "    b.undefined()\n" + C), expected=[("outcome", "undefined")])
change("exit", "steps", (C, "    __import__('sys').exit(3)\n" + C), expected=[("outcome", "exit(3)")])

# ---- what can't be read any more

change(
    "step_serdes",
    "steps",
    (step("b", 2), 'context.step(lambda _: did("b", 2), name="b", config=StepConfig(serdes=Other()))'),
    expected=[("undeserializable", "Other()")],
)
change(
    "child_serdes",
    "children",
    ('name="label")', 'name="label", config=ChildConfig(serdes=Other()))'),
    expected=[("undeserializable", "Other()")],
)
change(
    "top_child_serdes",
    "children",
    ('name="pack")', 'name="pack", config=ChildConfig(serdes=Other()))'),
    expected=[("undeserializable", "Other()")],
)
change(
    "map_serdes",
    "map",
    ("MapConfig(", "MapConfig(serdes=Other(), "),
    expected=[("undeserializable", "Other()")],
)
change(
    "invoke_serdes",
    "invokes",
    (
        '{"order": order["id"]}, name="price"',
        '{"order": order["id"]}, name="price", config=InvokeConfig(serdes_result=Other())',
    ),
    expected=[("undeserializable", "Other()")],
)
change(
    "callback_serdes",
    "callback",
    ("heartbeat_timeout=seconds(60)", "heartbeat_timeout=seconds(60), serdes=Other()"),
    expected=[("undeserializable", "callback.result()")],
)

# ---- swallowed

change(
    "swallowed_rename",
    "guarded",
    ('name="b"', 'name="bee"'),
    expected=[("renamed", '"bee"'), ("swallowed", '"bee"')],
)
change(
    "swallowed_insert",
    "guarded",
    ("        b = context", '        context.step(lambda _: did("new"), name="new")\n        b = context'),
    expected=[("unexpected", '"new"'), ("swallowed", '"new"')],
)
change(
    "swallowed_and_failed",
    "guarded",
    ('name="b"', 'name="bee"'),
    ("        b = 0", '        raise Refused("hidden")'),
    expected=[("renamed", '"bee"'), ("swallowed", '"bee"')],
)

# ---- side effects outside steps

change(
    "writes_a_file",
    "steps",
    (C, "    open('/tmp/never', 'w').write('x')\n" + C),
    expected=[("side_effect", "/tmp/never")],
)
change(
    "writes_a_file_first",
    "steps",
    (A, "    open('/tmp/never', 'w').write('x')\n" + A),
    expected=[("side_effect", "/tmp/never")],
)
change(
    "writes_a_file_last",
    "steps",
    (D, D + "    open('/tmp/never', 'w').write('x')\n"),
    expected=[("side_effect", "/tmp/never")],
)
change(
    "writes_by_pathlib",
    "steps",
    (C, "    __import__('pathlib').Path('/tmp/never').write_text('x')\n" + C),
    expected=[("side_effect", "/tmp/never")],
)
change(
    "calls_out",
    "steps",
    (C, "    __import__('socket').create_connection(('127.0.0.1', 9), 1)\n" + C),
    expected=[("side_effect", "create_connection")],
)
change(
    "starts_a_process",
    "steps",
    (C, "    __import__('subprocess').run(['true'])\n" + C),
    expected=[("side_effect", "subprocess")],
)
change(
    "writes_in_a_child",
    "children",
    (
        '    child.wait(seconds(5), name="dry")\n',
        "    open('/tmp/never', 'w').write('x')\n" + '    child.wait(seconds(5), name="dry")\n',
    ),
    expected=[("side_effect", "/tmp/never")],
)
change(
    "writes_in_a_map",
    "map",
    ("    gross = child", "    open('/tmp/never', 'w').write('x')\n    gross = child"),
    expected=[("side_effect", "/tmp/never")],
)
change(
    "writes_in_an_open_child",
    "open_child",
    ("    child.wait(", "    open('/tmp/never', 'w').write('x')\n    child.wait("),
    expected=[("side_effect", "/tmp/never")],
)
change(
    "writes_in_an_except",
    "steps",
    (C, "    try:\n        open('/tmp/never', 'w').write('x')\n    except Exception:\n        pass\n" + C),
    expected=[("side_effect", "/tmp/never")],
)

# ---- loops and branches of the code

change("one_turn_more", "loop", ("range(3)", "range(4)"), expected=[("unexpected", "pick-{i}")])
change("one_turn_less", "loop", ("range(3)", "range(2)"), expected=[("missing", '"ship"')])
change("no_turns", "loop", ("range(3)", "range(0)"), expected=[("missing", '"ship"')])
change(
    "branch_flipped",
    "branching",
    ("if n > 3", "if n > 30"),
    expected=[("renamed", '"single"'), ("renamed", '"single-pause"')],
)
change(
    "branch_never_taken",
    "branching",
    ("if n > 3", "if n < 0"),
    (
        '    else:\n        context.step(lambda _: did("single"), name="single")\n        context.wait(seconds(5), name="single-pause")\n',
        "",
    ),
    expected=[("missing", '"end"')],
)
change(
    "chance_decides",
    "steps",
    (C, "    if random.random() >= 0:\n        context.step(lambda _: did('x'), name='x')\n" + C),
    expected=[("unexpected", "name='x'")],
)
change(
    "clock_decides_to_skip",
    "steps",
    (B, "    if time.time() < 0:\n    " + B),
    expected=[("missing", 'name="c"')],
)
change(
    "recovers_no_more",
    "compensated",
    ("except Exception as error", "except KeyError as error"),
    expected=[("outcome", 'name="charge"')],
)
change(
    "would_run_the_loser", "race", ("CompletionConfig(min_successful=1)", "CompletionConfig()"), expected=[]
)
change("runs_for_ever", "steps", (C, "    while True: pass\n" + C), expected=[("outcome", "while True")])
change(
    "rename_then_runs_for_ever",
    "steps",
    ('name="a"', 'name="aye"'),
    (C, "    while True: pass\n" + C),
    expected=[("renamed", '"aye"'), ("outcome", "while True")],
)
change(
    "asks_for_ever",
    "steps",
    (C, "    while True: context.step(lambda _: did('x'), name='x')\n" + C),
    expected=[("unexpected", "name='x'")],
)
change(
    "makes_contexts_for_ever",
    "steps",
    (C, "    while True: context.run_in_child_context(lambda child: 1, name='x')\n" + C),
    expected=[("unexpected", "name='x'")],
)

# ---- several at once

change(
    "rename_and_wait",
    "waits",
    ('name="open"', 'name="begin"'),
    ("seconds(60)", "seconds(90)"),
    expected=[("renamed", '"begin"'), ("wait_duration", "seconds(90)")],
)
change(
    "insert_and_rename",
    "steps",
    (B, NEW + B),
    ('name="d"', 'name="dee"'),
    expected=[("unexpected", '"new"'), ("renamed", '"dee"')],
)
change(
    "remove_and_rename",
    "steps",
    (B, ""),
    ('name="d"', 'name="dee"'),
    expected=[("missing", 'name="c"'), ("renamed", '"dee"')],
)
change(
    "remove_insert_rename",
    "steps",
    (A, "    a = 1\n"),
    (C, NEW + C),
    ('name="d"', 'name="dee"'),
    expected=[("missing", 'name="b"'), ("unexpected", '"new"'), ("renamed", '"dee"')],
)
change(
    "rename_and_result",
    "steps",
    ('name="b"', 'name="bee"'),
    ('{"sum": a + c}', '{"total": a + c}'),
    expected=[("renamed", '"bee"'), ("result", '"total"')],
)
change(
    "insert_and_result",
    "steps",
    (B, NEW + B),
    ('{"sum": a + c}', '{"total": a + c}'),
    expected=[("unexpected", '"new"'), ("result", '"total"')],
)
change(
    "wait_and_result",
    "waits",
    ("seconds(60)", "seconds(90)"),
    ('"served"', '"eaten"'),
    expected=[("wait_duration", "seconds(90)"), ("result", '"eaten"')],
)
change(
    "payload_and_target",
    "invokes",
    ('"price", {', '"discount", {'),
    ('"n": 2', '"n": 5'),
    expected=[("invoke_target", '"discount"'), ("invoke_payload", '"n": 5')],
)
change(
    "inside_and_outside",
    "children",
    ('name="print"', 'name="write"'),
    ('name="ship"', 'name="send"'),
    expected=[("renamed", '"write"'), ("renamed", '"send"')],
)
change(
    "swap_and_insert",
    "steps",
    (A + B + C + D, B + A + C + NEW + D),
    expected=[("reordered", '"a"|"b"'), ("unexpected", '"new"')],
)
change(
    "count_and_inside",
    "map",
    ("[1, 2, 3]", "[1, 2]"),
    ('name="net"', 'name="pure"'),
    expected=[("item_count", "context.map("), ("renamed", '"pure"')],
)
change(
    "flat_and_inside",
    "map",
    ("MapConfig(", "MapConfig(nesting_type=NestingType.FLAT, "),
    ('name="net"', 'name="pure"'),
    expected=[("nesting_changed", "context.map("), ("renamed", '"pure"')],
)
change(
    "serdes_and_rename",
    "steps",
    (step("b", 2), 'context.step(lambda _: did("b", 2), name="b", config=StepConfig(serdes=Other()))'),
    ('name="d"', 'name="dee"'),
    expected=[("undeserializable", "Other()"), ("renamed", '"dee"')],
)
change(
    "child_result_and_rename",
    "children",
    ('return "stuck"', 'return "glued"'),
    ('name="ship"', 'name="send"'),
    expected=[("child_result", '"glued"'), ("renamed", '"send"')],
)
change(
    "rename_and_failure",
    "steps",
    ('name="b"', 'name="bee"'),
    ('return {"sum": a + c}', 'raise Refused("odd")'),
    expected=[("renamed", '"bee"'), ("outcome", '"odd"')],
)
change(
    "two_by_helper",
    "helper",
    ('"second"', '"2nd"'),
    ('"fourth"', '"4th"'),
    expected=[("renamed", '"2nd"'), ("renamed", '"4th"')],
)
change(
    "four",
    "invokes",
    ('name="read"', 'name="load"'),
    ('"price", {', '"discount", {'),
    ('"n": 1', '"n": 5'),
    ('    context.step(lambda _: did("note"), name="note")\n', ""),
    expected=[
        ("renamed", '"load"'),
        ("invoke_target", '"discount"'),
        ("invoke_payload", '"n": 5'),
        ("missing", "return {"),
    ],
)
change(
    "wrap_and_rename",
    "steps",
    (
        step("b", 2),
        'context.run_in_child_context(lambda child: child.step(lambda _: did("b", 2), name="b"), name="group")',
    ),
    ('name="d"', 'name="dee"'),
    expected=[("nesting_changed", '"group"'), ("renamed", '"dee"')],
)
change(
    "effect_and_rename",
    "steps",
    (A, "    open('/tmp/never', 'w').write('x')\n" + A),
    ('name="c"', 'name="cee"'),
    expected=[("side_effect", "/tmp/never"), ("renamed", '"cee"')],
)
change(
    "effect_in_a_child_and_rename",
    "children",
    (
        '    child.wait(seconds(5), name="dry")\n',
        "    open('/tmp/never', 'w').write('x')\n" + '    child.wait(seconds(5), name="dry")\n',
    ),
    ('name="ship"', 'name="send"'),
    expected=[("side_effect", "/tmp/never"), ("renamed", '"send"')],
)
change(
    "two_effects_and_a_result",
    "steps",
    (A, "    open('/tmp/never', 'w').write('x')\n" + A),
    (D, "    with open('/tmp/never-2', 'w') as file:\n        file.write('x')\n" + D),
    ('{"sum": a + c}', '{"total": a + c}'),
    expected=[("side_effect", "/tmp/never'"), ("side_effect", "/tmp/never-2"), ("result", '"total"')],
)
change(
    "effect_in_a_helper_and_removed",
    "helper",
    (
        "@durable_execution",
        "def log(text):\n    with open('/tmp/never', 'a') as file:\n        file.write(text)\n\n\n@durable_execution",
    ),
    ("    c = note", '    log("now")\n    c = note'),
    ('    b = note(context, "second", 2)\n', "    b = 2\n"),
    expected=[("missing", '"pause"'), ("side_effect", "/tmp/never")],
)
change(
    "effect_in_a_loop",
    "loop",
    (
        '        context.step(lambda _: did("pack")',
        "        __import__('subprocess').run(['true'])\n        context.step(lambda _: did(\"pack\")",
    ),
    ('name="ship"', 'name="send"'),
    expected=[("side_effect", "subprocess"), ("renamed", '"send"')],
)
change(
    "answer_of_an_effect",
    "steps",
    (B, "    n = len(open('/tmp/never', 'w').name)\n    if n > 3: print(n)\n" + B),
    ('name="c"', 'name="cee"'),
    expected=[("side_effect", "/tmp/never"), ("renamed", '"cee"')],
)
change(
    "effect_over_lines",
    "steps",
    (B, "    open(\n        '/tmp/never',\n        'w',\n    ).write('x')\n" + B),
    ('name="c"', 'name="cee"'),
    expected=[("side_effect", "    open(|'/tmp/never'"), ("renamed", '"cee"')],
)
