"""Levels of kinds: how much each counts in a project."""

from __future__ import annotations

import pytest

import durable_debug as dd
from durable_debug.audits.check import OBSTACLES
from durable_debug.audits.levels import Levels
from durable_debug.divergence import facts
from durable_debug.divergence.divergence import Divergence
from durable_debug.reports import words
from tests.divergence.histories import APP, steps_document

RENAMED, WAIT = Divergence("renamed", "error"), Divergence("wait_duration", "warning")


def test_every_kind_has_its_words():
    assert set(facts.KINDS) == set(words.KINDS) - set(OBSTACLES)


def test_without_levels_a_kind_counts_as_it_is():
    levels = Levels({})
    assert levels.of_cause(RENAMED, {"RUNNING"}) == "error"
    assert levels.of_cause(WAIT, {"SUCCEEDED"}) == "warning"


def test_a_level_replaces_the_severity():
    levels = Levels.of({"wait_duration": "error", "renamed": "note"}, "app.py:handler")
    assert levels.of_cause(RENAMED, {"RUNNING"}) == "info"
    assert levels.of_cause(WAIT, {"RUNNING"}) == "error"


@pytest.mark.parametrize(
    ("statuses", "level"),
    [
        ({"SUCCEEDED", "FAILED"}, "warning"),
        ({"SUCCEEDED", "RUNNING"}, "error"),
        ({"PAUSED"}, "error"),
        ({None}, "error"),
    ],
)
def test_what_only_finished_executions_show_counts_no_more_than_is_said(statuses, level):
    levels = Levels.of({"finished": "warning", "wait_duration": "note"}, "app.py:handler")
    assert levels.of_cause(RENAMED, statuses) == level
    assert levels.of_cause(WAIT, statuses) == "info"


def test_they_are_looked_for_from_the_handler_upwards(tmp_path, monkeypatch):
    package = tmp_path / "services" / "orders"
    (package / "src").mkdir(parents=True)
    (package / "src" / "app.py").write_text("")
    (tmp_path / "pyproject.toml").write_text('[tool.durable_debug.levels]\nrenamed = "off"\n')
    (package / "pyproject.toml").write_text('[project]\nname = "orders"\n')
    monkeypatch.chdir(tmp_path)
    for handler in ("services/orders/src/app.py:handler", "services/orders/src/app.py", "orders.app:handler"):
        found = Levels.of(None, handler)
        assert (dict(found.by_kind), found.origin) == ({"renamed": "off"}, str(tmp_path / "pyproject.toml"))
    (package / "pyproject.toml").write_text('[tool.durable_debug.levels]\nrenamed = "warning"\n')
    assert Levels.of(None, "services/orders/src/app.py:handler").by_kind == {"renamed": "warning"}
    monkeypatch.chdir(package / "src")
    assert Levels.of(None, "app.handler").by_kind == {"renamed": "warning"}
    assert Levels.of({}, "app.py:handler").by_kind == {}  # nothing, whatever the project says


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ('[tool.durable_debug.levels]\nrenmaed = "off"\n', "Did you mean 'renamed'"),
        ('[tool.durable_debug.levels]\nrenamed = "eror"\n', "Did you mean 'error'"),
        ("[tool.durable_debug.levels]\nrenamed = 3\n", "is no level"),
        ("[tool.durable_debug]\nlevels = 3\n", "no table of levels"),
        ("[tool.durable_debug\n", "can't be read"),
        ("tool = 3\n", "no table"),
        ("[tool]\ndurable_debug = 3\n", "no table"),
    ],
)
def test_what_is_written_wrongly_is_told_with_its_file(tmp_path, text, says):
    (tmp_path / "app.py").write_text("")
    (tmp_path / "pyproject.toml").write_text(text)
    with pytest.raises(dd.OptionError, match=says) as caught:
        Levels.of(None, f"{tmp_path / 'app.py'}:handler")
    assert str(tmp_path / "pyproject.toml") in str(caught.value)


def test_causes_come_in_the_order_of_their_levels(tmp_path):
    """A rename and an unreadable file, at first; then with the rename switched off, and with it the lesser one."""
    (tmp_path / "app.py").write_text(APP)
    (tmp_path / "broken.json").write_text("{")
    documents = [steps_document(["reserve", "pay"], number=1), steps_document(["book", "charge"], number=2)]
    histories = [*documents, tmp_path / "broken.json"]

    def audited(**levels):
        report = dd.audit(
            f"{tmp_path / 'app.py'}:handler", histories, levels=levels, n_jobs=1, progress=False
        )
        for row in report.rows:
            assert {report.causes[number - 1].divergence.kind for number in row.causes} == set(row.kinds)
        assert [cause.id for cause in report.causes] == list(range(1, len(report.causes) + 1))
        return report, [(cause.divergence.kind, cause.level) for cause in report.causes]

    renamed, unreadable = ("renamed", "error"), ("unreadable", "error")
    assert audited()[1] == [renamed, renamed, unreadable]
    report, causes = audited(renamed="off")
    assert causes == [unreadable, ("renamed", "off"), ("renamed", "off")]
    assert (report.worst(), report.ok, report.counts(report.rows[0])) == ("error", False, False)
    report, causes = audited(renamed="off", unreadable="note")
    assert (report.worst(), report.ok) == ("info", False)
    report, _ = audited(renamed="off", unreadable="off")
    assert (report.worst(), report.ok) == (None, True)
    report.raise_for_divergence()
