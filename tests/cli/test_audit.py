"""`durable-debug audit`: many histories, for people and for CI."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from durable_debug.audits.audit import _Bar
from tests.divergence.histories import APP, steps_document, write

NAMES = ["reserve", "charge"]


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A checkout with an application and three histories, one of another version; the current folder."""
    (tmp_path / "src").mkdir()
    (tmp_path / "src" / "app.py").write_text(APP)
    (tmp_path / "histories").mkdir()
    write(
        tmp_path / "histories",
        [steps_document(names, number=n) for n, names in enumerate([NAMES, ["reserve", "pay"], NAMES])],
    )
    monkeypatch.chdir(tmp_path)
    return tmp_path


def line_of(folder: Path, text: str) -> int:
    return next(
        n for n, line in enumerate((folder / "src" / "app.py").read_text().splitlines(), 1) if text in line
    )


def test_clean_is_code_0(call, folder):
    code, out, err = call(
        "audit", "src/app.py:handler", "histories/0000.json", "histories/0002.json", "--jobs", 1
    )
    assert (code, err) == (0, "")
    assert "2 of 2 histories clean" in out


def test_findings_are_code_1_with_line_source_and_example(call, folder):
    code, out, _ = call("audit", "src/app.py:handler", "histories", "--jobs", 2)
    assert code == 1
    assert "2 of 3 histories clean, 1 diverges, 1 cause" in out
    assert f"src/app.py:{line_of(folder, 'charge')}" in out
    assert 'name=event.get("second", "charge")' in out
    assert "histories/0001.json" in out.replace("\\", "/")


@pytest.mark.parametrize(
    "arguments",
    [
        ("src/none.py:handler", "histories"),
        ("src/app.py:nothing", "histories"),
        ("src/app.py:handler", "histories/*.xml"),
        ("src/app.py:handler", "src"),
        ("src/app.py:handler", "histories", "nope", "--fail-on", "none"),
        ("src/app.py:handler", "histories", "--timeout", "0"),
        ("src/app.py:handler", "histories", "--timeout", "-1"),
        ("src/app.py:handler", "histories", "--format", "xml"),
        ("src/app.py:handler", "histories", "--jobs", "0"),
        ("src/app.py:handler", "histories", "--against", "none.py:handler"),
        ("src/app.py:handler", "histories", "--output", "none/audit.txt"),
        ("src/app.py:handler",),
    ],
)
def test_bad_input_is_code_2_and_one_sentence(call, folder, arguments):
    code, out, err = call("audit", *arguments)
    assert code == 2 and out == ""
    assert err and "Traceback" not in err


@pytest.mark.parametrize(
    ("severity", "codes"),
    [
        ("error", {"error": 1, "warning": 1, "any": 1, "none": 0}),
        ("warning", {"error": 0, "warning": 1, "any": 1}),
        ("info", {"error": 0, "warning": 0, "any": 1}),
    ],
)
def test_fail_on_sets_the_least_severity(call, folder, samples, severity, codes):
    """A renamed step fails the execution; a longer wait is seen by new executions only; inside a complete context nothing is."""
    if severity == "error":
        handler, history = "src/app.py:handler", "histories/0001.json"
    else:
        old, new = {
            "warning": ("shipping_v1", ("from_hours(4)", "from_hours(5)")),
            "info": ("nested", None),
        }[severity]
        source = (samples / "apps" / f"{old}.py").read_text()
        if severity == "info":
            source, new = source_with_an_inner_rename(samples), ("", "")
        (folder / "src" / "changed.py").write_text(source.replace(*new))
        handler, history = "src/changed.py:handler", samples / f"{old}.json"
    for fail_on, code in codes.items():
        found = call("audit", handler, history, "--fail-on", fail_on, "--jobs", 1)
        assert found.code == code, (fail_on, found.out)
        assert f"({severity})" in found.out


def source_with_an_inner_rename(samples):
    import durable_debug as dd

    source = (samples / "apps" / "nested.py").read_text()
    inner = [
        one.name for one in dd.load(samples / "nested.json").tree() if one.depth >= 1 and one.type == "STEP"
    ]
    name = next(name for name in inner if source.count(f'"{name}"') == 1)
    return source.replace(f'"{name}"', f'"{name}-now"')


def test_an_unreadable_history_is_a_finding_and_not_the_end(call, folder):
    (folder / "histories" / "broken.json").write_text("{")
    code, out, _ = call(
        "audit", "src/app.py:handler", "histories/broken.json", "histories/0000.json", "--jobs", 1
    )
    assert code == 1 and "1 could not be compared" in out and "It is not JSON" in out


def test_against_tells_only_what_changed(call, folder):
    (folder / "src" / "new.py").write_text(APP.replace('name="reserve"', 'name="book"'))
    code, out, _ = call(
        "audit", "src/new.py:handler", "histories", "--against", "src/app.py:handler", "--jobs", 1
    )
    assert code == 1
    assert "3 diverge, 1 cause" in out and "'book'" in out and "'pay'" not in out
    code, out, _ = call(
        "audit", "src/app.py:handler", "histories", "--against", "src/app.py:handler", "--jobs", 1
    )
    assert code == 0 and "left out" in out


def test_ctrl_c_says_how_far_it_came(call, folder, monkeypatch):
    def update(bar, *, broken):
        if broken:
            raise KeyboardInterrupt

    monkeypatch.setattr(_Bar, "update", update)
    code, out, err = call("audit", "src/app.py:handler", "histories", "--jobs", 1)
    assert code == 130 and "The audit was stopped with 2 of 3 histories done." in out
    assert (
        err.startswith("durable-debug: The audit was stopped with 2 of 3 histories done.") and "resume" in err
    )


def test_output_goes_to_a_file_and_the_counts_to_the_terminal(call, folder):
    code, out, _ = call(
        "audit", "src/app.py:handler", "histories", "--output", "audit.json", "--format", "json"
    )
    assert code == 1 and out == "2 of 3 histories clean, 1 diverges, 1 cause\n"
    assert json.loads((folder / "audit.json").read_text())["clean"] == 2


def test_json(call, folder):
    told = json.loads(call("audit", "src/app.py:handler", "histories", "--format", "json").out)
    assert (told["ok"], told["histories"], told["clean"]) == (False, 3, 2)
    assert [row["clean"] for row in told["rows"]] == [True, False, True]
    cause = told["causes"][0]
    found = cause["kind"], cause["severity"], cause["count"], cause["place"]["line"]
    assert found == ("renamed", "error", 1, line_of(folder, "charge"))
    assert cause["lambda_effect"]


def test_sarif_is_2_1_0_and_points_to_file_and_line(call, folder):
    log = json.loads(call("audit", "src/app.py:handler", "histories", "--format", "sarif").out)
    assert set(log) == {"$schema", "version", "runs"} and log["version"] == "2.1.0"
    (run,) = log["runs"]
    driver, (result,) = run["tool"]["driver"], run["results"]
    rule = driver["rules"][result["ruleIndex"]]
    assert driver["name"] == "durable-debug" and rule["id"] == result["ruleId"] == "durable-debug/renamed"
    assert all(rule[part]["text"] for part in ("shortDescription", "fullDescription", "help"))
    assert result["level"] in {"none", "note", "warning", "error"} and result["level"] == "error"
    assert "Seen in 1 of 3 histories" in result["message"]["text"]
    (location,) = result["locations"]
    physical = location["physicalLocation"]
    assert physical["artifactLocation"] == {"uri": "src/app.py", "uriBaseId": "%SRCROOT%"}
    assert physical["region"]["startLine"] == line_of(folder, "charge")
    assert 'name=event.get("second", "charge")' in physical["region"]["snippet"]["text"]
    assert all(isinstance(value, str) for value in result["partialFingerprints"].values())
    assert result["properties"]["histories"] == ["histories/0001.json"]


def test_sarif_of_a_clean_audit_has_no_results(call, folder):
    code, out, _ = call("audit", "src/app.py:handler", "histories/0000.json", "--format", "sarif")
    assert code == 0 and json.loads(out)["runs"][0]["results"] == []


def test_sarif_of_a_file_elsewhere_and_of_a_history_that_cannot_be_read(call, folder, tmp_path_factory):
    other = tmp_path_factory.mktemp("with a space") / "app.py"
    other.write_text(APP)
    (folder / "histories" / "broken.json").write_text("{")
    log = json.loads(call("audit", f"{other}:handler", "histories", "--format", "sarif").out)
    by_rule = {one["ruleId"]: one for one in log["runs"][0]["results"]}
    uri = by_rule["durable-debug/renamed"]["locations"][0]["physicalLocation"]["artifactLocation"]["uri"]
    assert uri.startswith("file:///") and "%20" in uri
    # GitHub refuses the whole log if one result has no location (github/codeql-action issue 2459)
    (location,) = by_rule["durable-debug/unreadable"]["locations"]
    assert location["physicalLocation"]["artifactLocation"]["uri"] == "histories/broken.json"


def test_junit_has_a_case_each(call, folder):
    (folder / "histories" / "broken.json").write_text("{")
    root = ET.fromstring(call("audit", "src/app.py:handler", "histories", "--format", "junit").out)
    (suite,) = root
    assert (root.tag, suite.tag) == ("testsuites", "testsuite")
    assert {name: suite.get(name) for name in ("tests", "failures", "errors")} == {
        "tests": "4",
        "failures": "1",
        "errors": "1",
    }
    found = {Path(case.get("name")).stem: [one.tag for one in case] for case in suite}
    assert found == {"0000": [], "0001": ["failure"], "0002": [], "broken": ["error"]}
    failure = suite.find("testcase/failure")
    assert failure.get("type") == "renamed" and "src/app.py:" in failure.text
    assert all(float(case.get("time")) >= 0 for case in suite)


def test_junit_holds_whatever_a_history_says(call, folder):
    wild = ["reserve", "\x00\x1b]]><b>\ufffe\ud800"]
    (folder / "histories" / "wild.json").write_text(json.dumps(steps_document(wild)))
    root = ET.fromstring(
        call("audit", "src/app.py:handler", "histories/wild.json", "--format", "junit", "--jobs", 1).out
    )
    assert "]]><b>" in root.find(".//failure").get("message")
