"""What a run and a report show of themselves in a notebook."""

from __future__ import annotations

import dataclasses
import re
from html.parser import HTMLParser

import pytest

import durable_debug as dd
from durable_debug.audits.audit import audit
from durable_debug.reports.side_by_side import Fold, diff, folded
from durable_debug.reports.words import located
from tests.divergence.histories import steps_document

VOID = {"br", "img", "input", "hr", "meta"}


class Outline(HTMLParser):
    """Elements and attributes of a page; fails where tags do not nest."""

    def __init__(self, html):
        super().__init__()
        self.open, self.tags, self.attributes, self.words = [], [], set(), []
        self.feed(html)
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes |= {name for name, _ in attrs}
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open[-1:] != ["style"]:
            self.words.append(data)

    @property
    def text(self):
        return re.sub(r"\s+", " ", " ".join(self.words))


def handler_file(tmp_path, body, name="app.py"):
    path = tmp_path / name
    path.write_text(
        "from aws_durable_execution_sdk_python import durable_execution\n\n"
        f"@durable_execution\ndef handler(event, context):\n    {body}\n    return 'done'\n"
    )
    return f"{path}:handler"


LOOP = "for n in range({}): context.step(lambda _: n, name=f'{}{{n}}')"


@pytest.fixture
def shipping(samples):
    return dd.replay(f"{samples}/apps/shipping.py:handler", samples / "shipping_v1.json")


def test_both_sides_stand_side_by_side(shipping):
    lines = diff(shipping)
    sides = [
        (one.mark, one.recorded and one.recorded.name, one.asked and one.asked.name, one.numbers)
        for one in lines
    ]
    assert sides == [
        ("same", "reserve-stock", "reserve-stock", ()),
        ("added", None, "check-address", (1,)),
        ("changed", "pack", "pack-parcel", (2,)),
        ("same", "until-pick-up", "until-pick-up", ()),
        ("same", "hand-over", "hand-over", ()),
    ]


def test_a_card_tells_line_source_effect_advice_and_what_was_not_checked(shipping):
    told = Outline(shipping._repr_html_()).text
    assert f"{len(shipping.divergences)} divergences" in told
    for one in shipping.divergences:
        assert f"shipping.py:{one.line}" in told
        assert one.advice in told and one.message in told
    assert "address = context.step(check_address(" in told
    assert "The execution fails with NonDeterministicExecutionError" in told
    assert shipping.unchecked[0] in told
    assert "≠ execution ✓ SUCCEEDED ≠ execution ✗ FAILED" in told


def test_a_clean_run_says_so_and_shows_no_trees(samples):
    run = dd.replay(f"{samples}/apps/espresso.py:handler", samples / "espresso_completed.json")
    html = run._repr_html_()
    assert "Clean" in html and 'class="tree"' not in html


def test_unchanged_parts_are_folded_and_contexts_around_changes_are_not(samples, tmp_path):
    source = (samples / "apps" / "nested.py").read_text()
    names = [
        one.name for one in dd.load(samples / "nested.json").tree() if one.depth == 2 and one.type == "STEP"
    ]
    changed = tmp_path / "nested.py"
    changed.write_text(source.replace(f'"{names[-1]}"', f'"{names[-1]}-2"'))
    run = dd.replay(f"{changed}:handler", samples / "nested.json")
    assert [one.kind for one in run.divergences] == ["renamed"]
    shown = [one for one in folded(diff(run)) if not isinstance(one, Fold)]
    index = next(i for i, one in enumerate(shown) if one.mark == "changed")
    assert [one.depth for one in shown[: index + 1]].count(0) >= 1 and shown[index].depth == 2
    assert any(one.depth == 1 for one in shown[:index])


@pytest.mark.parametrize(
    "body", [LOOP.format(3000, "other-"), LOOP.format(2990, "step-"), LOOP.format(1, "x")]
)
def test_thousands_of_operations_stay_small(tmp_path, body):
    history = dd.load(steps_document([f"step-{n}" for n in range(3000)]))
    run = dd.replay(handler_file(tmp_path, body), history)
    html = run._repr_html_()
    assert run.divergences
    assert len(html) < 30_000
    assert "… " in html
    lines = diff(run)
    count = sum(one.count if isinstance(one, Fold) else 1 for one in folded(lines))
    assert count == len(lines) >= 3000


def test_many_changes_at_many_lines_stay_small(tmp_path):
    body = "\n    ".join(f"context.step(lambda _: 1, name='other-{n}')" for n in range(300))
    run = dd.replay(handler_file(tmp_path, body), dd.load(steps_document([f"step-{n}" for n in range(300)])))
    assert len(run.divergences) >= 290
    assert len(run._repr_html_()) < 200_000


COLUMNS = {
    "kind": "str",
    "severity": "str",
    "message": "str",
    "recorded": "str",
    "asked": "str",
    "position": "str",
    "recorded_position": "str",
    "event_ids": "object",
    "file": "str",
    "line": "Int64",
    "source": "str",
    "lambda_effect": "str",
    "advice": "str",
    "occurrences": "int64",
}


@pytest.fixture
def clean(samples):
    return dd.replay(f"{samples}/apps/espresso.py:handler", samples / "espresso_completed.json")


def test_a_frame_has_a_row_a_divergence_and_is_typed_even_when_it_is_empty(shipping, clean):
    for run in (shipping, clean):
        assert {name: str(dtype) for name, dtype in run.frame.dtypes.items()} == COLUMNS
        assert run.frame is run.frame
    assert clean.frame.empty
    frame = shipping.frame
    for index, one in enumerate(shipping.divergences):
        row = frame.loc[index]
        for name in COLUMNS:
            value = getattr(one, name)
            assert row[name] == value if value is not None else row.isna()[name]
    assert frame.query("severity == 'error'").kind.tolist() == ["unexpected"]


def test_a_divergence_is_short_where_it_is_printed(shipping):
    assert repr(shipping.divergences[1]) == (
        "<Divergence renamed (warning) at shipping.py:42: STEP 'pack' is now STEP 'pack-parcel'.>"
    )
    assert len(repr(dataclasses.replace(shipping.divergences[0], told=("x" * 5000, ""), place=None))) < 150


def test_operations_are_counted_in_one_way_everywhere(shipping, clean):
    told = "2 operations asked for until Lambda fails, 5 in all, 4 recorded"
    for shown in (Outline(shipping._repr_html_()).text, repr(shipping), shipping.report()):
        assert told in shown
    count = len(clean.operations)
    assert f"{count} operations asked for, {len(clean.history.tree())} recorded" in repr(clean)


def test_one_is_singular(tmp_path):
    run = dd.replay(handler_file(tmp_path, LOOP.format(1, "step-")), steps_document(["other"]))
    shown = (repr(run), run.report(), Outline(run._repr_html_()).text)
    for one in shown:
        assert re.search(r"\b1 operation asked for, 1 recorded", one)
        assert re.search(r"\b1 divergence\b", one)


def test_a_divergence_tells_its_events_and_where_it_was_recorded(shipping):
    where = "position 3, recorded at 2, events 4, 5"
    assert shipping.divergences[1].event_ids == (4, 5)
    assert where in shipping.report()
    assert where in Outline(shipping._repr_html_()).text
    same_place = dataclasses.replace(shipping.divergences[1], recorded_position="3", event_ids=(4,))
    assert located(same_place) == "position 3, event 4"
    assert located(dataclasses.replace(same_place, position=None)) == "recorded at position 3, event 4"


def test_the_tree_says_at_which_call_lambda_fails(shipping):
    assert [one.asked.name for one in diff(shipping) if one.last] == ["check-address"]
    told = Outline(shipping._repr_html_()).text
    mark = told.index("Lambda fails here")
    assert told.rindex("check-address") < mark < told.rindex("pack-parcel")


def test_the_tree_says_at_which_call_lambda_goes_on_by_itself(tmp_path):
    body = "context.step(lambda _: 1, name='first')\n    context.step(lambda _: 1, name='extra')"
    run = dd.replay(handler_file(tmp_path, body), steps_document(["first"]))
    assert [one.asked.name for one in diff(run) if one.last] == ["extra"]
    assert "Lambda goes on by itself here" in Outline(run._repr_html_()).text
    assert "2 operations asked for" in repr(run)


def test_the_call_at_which_lambda_fails_is_never_folded(tmp_path):
    names = [f"step-{n}" for n in range(200)]
    run = dd.replay(handler_file(tmp_path, LOOP.format(200, "other-")), steps_document(names))
    lines = [dataclasses.replace(one, last=n == 100) for n, one in enumerate(diff(run))]
    assert lines[100] in folded(lines)


def test_divergences_beyond_the_first_are_folded_below_the_trees(tmp_path):
    body = "\n    ".join(f"context.step(lambda _: 1, name='other-{n}')" for n in range(41))
    run = dd.replay(handler_file(tmp_path, body), steps_document([f"step-{n}" for n in range(41)]))
    html = run._repr_html_()
    tree, first = html.index('class="tree"'), html.index("<details>")
    assert html.count("<details><summary><h4>") == 36
    assert html.index(run.divergences[4].advice) < tree < first
    summary = Outline(html[first : html.index("</summary>")] + "</summary></details>").text
    assert re.sub(r"\s+", " ", summary) == f"6 renamed ▲ warning app.py:{run.divergences[5].line}"


def test_of_long_names_the_part_that_differs_comes_last_to_be_cut(tmp_path):
    was = "charge-the-customer-for-an-order-with-a-rather-long-name"
    body = f"context.step(lambda _: 1, name='{was.replace('customer', 'client')}')"
    html = dd.replay(handler_file(tmp_path, body), steps_document([was]))._repr_html_()
    for part in ("customer", "client"):
        assert (
            '<i class="far">charge-the-</i>'
            f"<i>{part}</i>"
            '<i class="far">-for-an-order-with-a-rather-long-name</i>'
        ) in html


HOSTILE = [
    "<script>window.hit=1</script>",
    '"><img src=x onerror=window.hit=1>',
    "' onmouseover='window.hit=1",
    "</style><b>",
    "</details></section></div>",
    "\u202egnp.exe\u2066",
    "\x00\x1b[31m\ud800",
    "&lt;&#60;",
    "x" * 100_000,
]


@pytest.mark.parametrize("name", HOSTILE, ids=range(len(HOSTILE)))
def test_whatever_a_history_says_is_shown_and_never_taken_for_markup(tmp_path, name):
    tame = Outline(card_of(tmp_path, "tame")._repr_html_())
    run = card_of(tmp_path, name)
    html = run._repr_html_()
    wild = Outline(html)
    assert wild.attributes <= tame.attributes | {"class", "title"}
    assert set(wild.tags) <= set(tame.tags) | {"details", "summary", "ul", "li"}
    assert len(html) < 30_000
    assert not re.search("[\u202a-\u202e\u2066-\u2069\x00-\x08\x1b\ud800-\udfff]", html)
    html.encode()


def card_of(tmp_path, name):
    document = steps_document(["first", name, "last"], result=name)
    document["Events"][0]["Name"] = name
    return dd.replay(
        handler_file(
            tmp_path, "context.step(lambda _: 1, name='first')\n    context.step(lambda _: 1, name='mine')"
        ),
        document,
    )


def test_a_report_s_card_is_escaped_and_bounded_too(tmp_path):
    documents = [steps_document(["first", HOSTILE[n % 6]], number=n) for n in range(12)]
    handler = handler_file(tmp_path, "context.step(lambda _: 1, name='first')")
    report = audit(handler, documents, n_jobs=1, progress=False)
    html = report._repr_html_()
    outline = Outline(html)
    assert "script" not in outline.tags and "img" not in outline.tags
    assert "onerror" not in outline.attributes and "onmouseover" not in outline.attributes
    assert len(html) < 60_000
    assert "0 of 12 histories clean" in outline.text
    assert "app.py:" in outline.text
    assert repr(report).startswith("<Report of ")
