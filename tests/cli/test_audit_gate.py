"""`durable-debug audit` as a gate: what is chosen, accepted, weighed and written, and the exit code of it."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ET

import pytest

from tests.divergence.histories import APP, steps_document, write

NAMES = ["reserve", "charge"]
AUDIT = ("audit", "app.py:handler", "histories", "--jobs", 1)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """An application; of three histories one is of another version and has ended; the current folder."""
    (tmp_path / "app.py").write_text(APP)
    (tmp_path / "histories").mkdir()
    documents = [
        steps_document(NAMES, number=0),
        steps_document(["reserve", "pay"], number=1),
        steps_document(["reserve"], number=2, ended=False),
    ]
    write(tmp_path / "histories", documents)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_running_ones_alone_are_a_gate(call, folder):
    assert call(*AUDIT).code == 1
    code, out, _ = call(*AUDIT, "--status", "RUNNING")
    assert code == 0 and "1 of 1 history clean" in out and "2 by status (not RUNNING)" in out


def test_nothing_to_audit_is_a_fault_only_where_that_is_said(call, folder):
    nothing = (*AUDIT, "--since", "2100-01-01")
    assert call(*nothing).code == 0
    code, out, err = call(*nothing, "--fail-on-empty")
    assert (code, out) == (2, "") and "3 by age" in err
    assert call(*AUDIT, "--sample", "1", "--fail-on-empty").code in {0, 1}


def test_the_accepted_list(call, folder):
    code, out, err = call(*AUDIT, "--baseline", "ok.json")
    assert (code, out) == (2, "") and "--update-baseline" in err
    code, out, _ = call(*AUDIT, "--baseline", "ok.json", "--update-baseline")
    assert code == 0 and "ok.json: 1 entry added" in out
    code, out, _ = call(*AUDIT, "--baseline", "ok.json")
    assert code == 0 and "renamed (error, accepted)" in out and "1 of them accepted" in out
    (folder / "app.py").write_text(APP.replace('"reserve"', '"book"'))
    code, out, _ = call(*AUDIT, "--baseline", "ok.json")
    assert code == 1 and "'book'" in out
    (folder / "app.py").write_text(APP.replace('"charge"', '"pay"'))
    (folder / "histories" / "0000.json").unlink()
    code, out, _ = call(*AUDIT, "--baseline", "ok.json")
    assert code == 0 and "1 entry of ok.json no longer met" in out
    code, out, _ = call(*AUDIT, "--baseline", "ok.json", "--update-baseline")
    assert code == 0 and "0 entries added, 1 removed" in out
    assert json.loads((folder / "ok.json").read_text())["accepted"] == []
    assert call(*AUDIT, "--update-baseline").code == 2


@pytest.mark.parametrize(
    ("levels", "codes", "shown"),
    [
        ('renamed = "warning"', {"any": 1, "warning": 1, "error": 0}, "renamed (error, here warning)"),
        ('renamed = "note"', {"any": 1, "warning": 0}, "renamed (error, here info)"),
        ('renamed = "off"', {"any": 0}, "switched off by"),
        ('finished = "warning"', {"any": 1, "error": 0}, "renamed (error, here warning)"),
        ('missing = "off"', {"error": 1}, "renamed (error)"),
    ],
)
def test_levels_of_the_project(call, folder, levels, codes, shown):
    (folder / "pyproject.toml").write_text(f"[tool.durable_debug.levels]\n{levels}\n")
    for fail_on, code in codes.items():
        found = call(*AUDIT, "--fail-on", fail_on)
        assert found.code == code and shown in found.out, found.out


def test_a_level_that_there_is_not(call, folder):
    (folder / "pyproject.toml").write_text('[tool.durable_debug.levels]\nrenmaed = "off"\n')
    code, out, err = call(*AUDIT)
    assert (code, out) == (2, "") and "pyproject.toml" in err and "'renamed'" in err


def test_several_files_each_in_the_form_of_its_ending(call, folder):
    names = ("audit.sarif", "audit.md", "audit.XML", "audit.json", "audit.txt", "audit")
    code, out, _ = call(*AUDIT, *(part for name in names for part in ("--output", name)))
    assert code == 1 and out == "2 of 3 histories clean, 1 diverges, 1 cause\n"
    texts = {name: (folder / name).read_text() for name in names}
    assert json.loads(texts["audit.sarif"])["version"] == "2.1.0"
    assert texts["audit.md"].startswith("## ✗ durable-debug") and texts["audit.md"].endswith("`\n")
    assert ET.fromstring(texts["audit.XML"]).tag == "testsuites"
    assert json.loads(texts["audit.json"])["histories"] == 3
    assert texts["audit.txt"] == texts["audit"] and texts["audit"].startswith("app.py:handler: 2 of 3")
    assert call(*AUDIT, "--output", "page", "--format", "markdown").code == 1
    assert (folder / "page").read_text().startswith("## ✗")


def test_what_is_accepted_is_a_test_that_passes(call, folder):
    call(*AUDIT, "--baseline", "ok.json", "--update-baseline")
    (folder / "histories" / "broken.json").write_text("{")
    code, out, _ = call(*AUDIT, "--baseline", "ok.json", "--format", "junit")
    (suite,) = ET.fromstring(out)
    assert code == 1 and (suite.get("failures"), suite.get("errors")) == ("0", "1")
    (said,) = [case.findtext("system-out") for case in suite if case.find("system-out") is not None]
    assert "renamed" in said and "Accepted" in said
