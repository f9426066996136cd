"""`durable-debug show`: a history's summary and tree."""

from __future__ import annotations

import json
import os
import pty
import re
import subprocess
import sys

import pytest

import durable_debug.sources

PROGRAM = [sys.executable, "-c", "import sys; from durable_debug.cli import main; sys.exit(main())"]


def event(number: int, kind: str, **fields: object) -> dict[str, object]:
    return {"EventId": number, "EventType": kind, "EventTimestamp": 1795291200.0 + number, **fields}


def written(tmp_path, events) -> str:
    path = tmp_path / "history.json"
    path.write_text(json.dumps({"Events": events}))
    return str(path)


def steps(count: int, *, name="step-{}", failed=(), start=2) -> list[dict[str, object]]:
    """Events of `count` steps, one after the other."""
    found = []
    for index in range(count):
        common = {"Id": f"{index:016x}", "Name": name.format(index), "SubType": "Step"}
        end = "StepFailed" if index in failed else "StepSucceeded"
        details = (
            {"Error": {"Payload": {"ErrorType": "Oops", "ErrorMessage": f"no {index}"}}}
            if index in failed
            else {}
        )
        found.append(event(start + 2 * index, "StepStarted", **common, StepStartedDetails={}))
        found.append(event(start + 2 * index + 1, end, **common, **{f"{end}Details": details}))
    return found


START = event(1, "ExecutionStarted", Id="e", Name="n", ExecutionStartedDetails={"Input": {"Payload": "{}"}})


def test_a_failed_execution_reads_from_top_to_bottom(call, samples):
    code, out, err = call("show", samples / "espresso_timed_out.json")
    assert (code, err) == (0, "")
    lines = out.splitlines()
    assert re.fullmatch(r"order-418 ✗ failed in 2 min \d s", lines[0])
    assert lines[1].startswith("  espresso.OrderNotAccepted: no barista accepted order 418")
    assert lines[2] == "  3 invocations · 12 operations · 1 retry · 31 events"
    assert '  input     {"eventId": "reinvent-2026"' in out
    head = lines.index("") + 1
    assert lines[head].split() == ["operation", "status", "kind", "attempts", "took", "position", "events"]
    tree = [re.split(r"  +", line) for line in lines[head + 1 :]]
    told = [(cells[0], cells[1], cells[2]) for cells in tree if len(cells) > 3]
    assert told == [
        ("✓ initialise-order", "succeeded", "Step"),
        ("✓ validate-order", "succeeded", "Parallel"),
        ("├─ ✓ event-config", "succeeded", "ParallelBranch"),
        ("│", "└─ ✓ read-event-config", "succeeded"),
        ("└─ ✓ attendee-orders", "succeeded", "ParallelBranch"),
        ("", "└─ ✓ count-orders", "succeeded"),
        ("✓ take-time", "succeeded", "Step"),
        ("✗ barista-acceptance", "failed", "WaitForCallback"),
        ("├─ ◷ barista-acceptance create callback id", "timed out", "Callback"),
        ("└─ ✓ barista-acceptance submitter", "succeeded", "Step"),
        ("✓ release-order", "succeeded", "Step"),
        ("✓ tell-attendee", "succeeded", "Step"),
    ]
    retried = next(line for line in lines if "read-event-config" in line)
    assert re.search(r"Step +2 +1\.\d+ s +2-0-1 +6, 9, 13–14$", retried)
    # The wait_for_callback's error is the callback's own: it is told once, where it arose.
    assert out.count("Callback timed out") == 1
    assert (
        lines[lines.index(next(line for line in lines if "◷" in line)) + 1].strip("│ ")
        == "Callback.Timeout: Callback timed out"
    )


def test_columns_are_aligned(call, samples):
    out = call("show", samples / "nested.json").out.splitlines()
    lines = out[out.index("") + 1 :]
    at = lines[0].index("status")
    assert {line[at - 2 : at] for line in lines if "Step" in line} == {"  "}
    assert {line[at : at + 6] for line in lines[1:] if "Step" in line} == {"succee", "failed"}


def test_a_big_map_is_folded_around_what_differs(call, samples):
    folded, full = (
        call("show", samples / "map_200.json").out,
        call("show", samples / "map_200.json", "--all").out,
    )
    assert folded.count("✗ photo-") == full.count("✗ photo-") == 7
    assert len(folded.splitlines()) < 100
    assert "… 11 more like these (2-2 to 2-12, 11 operations inside)" in folded
    hidden = int(re.search(r"^(\d+) operations folded away; --all shows all of them\.$", folded, re.M)[1])
    rows = [line for line in folded.splitlines() if re.search(r"[✓✗] ", line)]
    assert hidden + len(rows) - 1 == 402  # the first line tells the execution's own status
    assert "more like these" not in full
    assert sum(bool(re.search(r"[✓✗] (photo-|scale)", line)) for line in full.splitlines()) == 400


def test_repeated_patterns_are_folded(call, samples):
    out = call("show", samples / "large_2900.json").out
    assert len(out.splitlines()) < 60
    assert "… 142 more like these (2-3 to 2-144)" in out


@pytest.mark.parametrize(("count", "lines"), [(5, 5), (6, 3), (50, 3)])
def test_short_runs_are_not_folded(call, tmp_path, count, lines):
    out = call("show", written(tmp_path, [START, *steps(count)])).out
    assert len([line for line in out.splitlines() if line.startswith(("✓", "…"))]) == lines


def test_retries_and_failures_in_what_is_folded_are_told(call, tmp_path):
    out = call("show", written(tmp_path, [START, *steps(20, failed=(10,))])).out
    assert "✗ step-10" in out
    assert "  Oops: no 10" in out
    assert "… 8 more like these" in out


def test_json_has_every_operation_with_all_its_fields(call, samples):
    history = durable_debug.sources.load(samples / "map_200.json")
    told = json.loads(call("show", samples / "map_200.json", "--json").out)
    assert told["status"] == "SUCCEEDED"
    assert told["arn"] == history.arn
    assert told["input"] == history.input
    assert len(told["operations"]) == 402
    assert [one["id"] for one in told["operations"]] == [one.id for one in history.tree()]
    assert told["operations"][0]["start"] == history.tree()[0].start.isoformat()
    assert told["operations"][0]["event_ids"] == [2, 3]


def test_a_running_execution_is_told_as_such(call, samples):
    out = call("show", samples / "suspended.json").out
    assert re.match(r"expenses-kim ▸ running for 5 min", out)
    assert re.search(r"▸ manager-approval +started +Callback", out)


def test_warnings_of_the_history_are_shown(call, tmp_path):
    path = tmp_path / "page.json"
    path.write_text(json.dumps({"Events": [START, *steps(1)], "NextMarker": "more"}))
    assert "warning" in call("show", path).out


def test_an_unknown_status_or_type_is_shown(call, tmp_path):
    later = event(
        4, "HologramStarted", Id="h", Name="new kind", SubType="Hologram", HologramStartedDetails={}
    )
    code, out, _ = call("show", written(tmp_path, [START, *steps(1), later]))
    assert code == 0
    assert "✓ step-0" in out


def test_a_name_cannot_steer_the_terminal(call, tmp_path):
    out = call("show", written(tmp_path, [START, *steps(1, name="a\x1b[2J\n\u202eb{}")])).out
    assert r"a\x1b[2J\n\u202eb0" in out
    assert "\x1b" not in out
    assert "\u202e" not in out


def test_an_empty_history(call, tmp_path):
    code, out, _ = call("show", written(tmp_path, []))
    assert (code, out.splitlines()[-1]) == (0, "No operations.")


@pytest.mark.parametrize("name", ["none.json", "README.md", "."])
def test_bad_input_is_one_line_and_code_2(call, name):
    code, out, err = call("show", name)
    assert (code, out) == (2, "")
    assert re.fullmatch(r"durable-debug: .+\n", err)


def in_terminal(*arguments: str, columns: int = 200, **env: str) -> str:
    """What the program writes where its output is a terminal."""
    ours, its = pty.openpty()
    kept = {key: value for key, value in os.environ.items() if key not in {"NO_COLOR", "TERM"}}
    kept |= {"COLUMNS": str(columns), "TERM": "xterm", **env}
    program = subprocess.Popen([*PROGRAM, *arguments], stdout=its, stderr=its, env=kept)
    os.close(its)
    found = b""
    try:
        while part := os.read(ours, 65536):
            found += part
    except OSError:  # Linux's way to say that the other end is closed
        pass
    os.close(ours)
    assert program.wait() == 0, found.decode()
    return found.decode()


def test_colour_only_in_a_terminal_that_wants_it(samples, call):
    path = str(samples / "espresso_timed_out.json")
    assert "\x1b[31m✗\x1b[0m" in in_terminal("show", path)
    assert "\x1b" not in in_terminal("show", path, NO_COLOR="1")
    assert "\x1b" not in in_terminal("show", path, TERM="dumb")
    assert "\x1b" not in call("show", path).out


def test_names_give_way_to_a_narrow_terminal(samples):
    out = in_terminal("show", str(samples / "espresso_timed_out.json"), columns=100, NO_COLOR="1")
    table = out.replace("\r", "").split("\n\n")[1].splitlines()
    assert max(map(len, table)) <= 100
    assert any("barista-accept" in line and "…" in line for line in table)


def test_a_closed_pipe_is_no_error(samples):
    program = subprocess.Popen(
        [*PROGRAM, "show", str(samples / "large_2900.json"), "--all"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    program.stdout.readline()
    program.stdout.close()
    assert program.wait() == 0
    assert program.stderr.read() == b""
    program.stderr.close()
