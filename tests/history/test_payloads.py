"""Payloads are shown as the values that they stand for, and stay as they were recorded."""

from __future__ import annotations

import base64
import gzip
import json
from pathlib import Path

import durable_debug as dd
import pytest
from durable_debug.cli import main

SAMPLES = Path(__file__).parents[2] / "sample_histories"
ESPRESSO = SAMPLES / "espresso_completed.json"


def packed(text: str) -> str:
    return base64.b64encode(gzip.compress(text.encode(), mtime=0)).decode()


def unpacked(text: str) -> str:
    return gzip.decompress(base64.b64decode(text)).decode()


@pytest.fixture
def secret(tmp_path) -> Path:
    """A history whose step results are compressed."""
    document = json.loads(ESPRESSO.read_text())
    for event in document["Events"]:
        held = (event.get("StepSucceededDetails") or {}).get("Result") or {}
        if held.get("Payload"):
            held["Payload"] = packed(held["Payload"])
    path = tmp_path / "secret.json"
    path.write_text(json.dumps(document))
    return path


def test_frames_have_values_and_the_tree_has_the_record() -> None:
    history = dd.load(ESPRESSO)
    typed = [one for one in history.tree() if (one.result or "").startswith('{"t":')]
    assert typed
    by_position = history.operations.set_index("position")
    for one in typed:
        assert json.loads(by_position.result[one.position]) == json.loads(history.plain(one.result, one))
        assert by_position.result[one.position] != one.result
    shown = history.events.payload.dropna().to_list() + history.attempts.result.dropna().to_list()
    assert not any(text.startswith('{"t":') for text in shown)


def test_an_input_is_shown_as_whoever_wrote_it() -> None:
    text = '{"t": "s", "v": "of a sensor"}'
    document = json.loads(ESPRESSO.read_text())
    document["Events"][0]["ExecutionStartedDetails"]["Input"]["Payload"] = text
    history = dd.load(document)
    assert history.plain(history.input) == text
    assert history.events.payload[0] == text


def test_a_function_decodes_what_is_shown_and_is_called_when_it_is_shown(secret) -> None:
    seen = []

    def decode(text, operation):
        seen.append(operation and operation.name)
        return unpacked(text) if operation is not None and operation.type == "STEP" else text

    history = dd.load(secret, decode=decode)
    plain = dd.load(ESPRESSO)
    assert seen == []
    assert history.operations.result.equals(plain.operations.result)
    assert history.attempts.result.equals(plain.attempts.result)
    assert history.events.payload.equals(plain.events.payload)
    count = len(seen)
    assert count and [history.plain(one.result, one) for one in history.tree()] and len(seen) == count
    assert history == dd.load(secret) and history.tree()[0].result == dd.load(secret).tree()[0].result


def test_what_it_raises_is_said_of_that_payload_and_nothing_is_lost(secret) -> None:
    history = dd.load(secret, decode=unpacked)  # which knows nothing of inputs that are not packed
    step = next(one for one in history.tree() if one.result)
    assert history.plain(history.input).startswith("(not decoded: ") and history.input in history.plain(
        history.input
    )
    assert json.loads(history.plain(step.result, step))
    for wrong, says in (
        (lambda text: {"a": 1}, "gave a dict, not text"),
        (lambda text: b"\xff", "UnicodeDecodeError"),
    ):
        told = history.decoded(wrong).plain(step.result, step)
        assert says in told and told.endswith(step.result)
    assert history.decoded(lambda text: b'"bytes"').plain(step.result, step) == '"bytes"'
    with pytest.raises(dd.OptionError, match="no function"):
        dd.load(secret, decode="gzip")


def test_a_replay_is_given_the_record_whatever_is_shown(secret) -> None:
    app = f"{SAMPLES / 'apps' / 'espresso.py'}:handler"
    as_recorded = dd.replay(app, dd.load(secret))
    decoded = dd.replay(app, dd.load(secret, decode=unpacked))
    assert [one.kind for one in decoded.divergences] == [one.kind for one in as_recorded.divergences]
    assert decoded.status == as_recorded.status and decoded.error == as_recorded.error


def test_sides_of_divergences_are_values(tmp_path) -> None:
    app = SAMPLES / "apps" / "nested.py"
    history = dd.load(SAMPLES / "nested.json")
    child = next(
        one for one in history.tree() if one.type == "CONTEXT" and (one.result or "").startswith('{"t":')
    )
    document = json.loads((SAMPLES / "nested.json").read_text())
    for event in document["Events"]:
        held = (event.get("ContextSucceededDetails") or {}).get("Result") or {}
        if event.get("Id") == child.id:
            held["Payload"] = json.dumps({"t": "m", "v": {"other": {"t": "i", "v": 1}}})
    run = dd.replay(f"{app}:handler", dd.load(document))
    sides = [(one.recorded, one.asked) for one in run.divergences if one.kind == "child_result"]
    assert sides and all('"t":' not in (side or "") for both in sides for side in both)
    assert any('{"other": 1}' in was for was, _ in sides)


def test_a_terminal_shows_values_and_takes_the_function_by_name(
    secret, tmp_path, capsys, monkeypatch
) -> None:
    (tmp_path / "way_back.py").write_text(
        "import base64, gzip\ndef unpack(text):\n    return gzip.decompress(base64.b64decode(text)).decode()\n"
    )
    monkeypatch.chdir(tmp_path)
    for name in ("way_back:unpack", "way_back.py:unpack", str(tmp_path / "way_back.py") + ":unpack"):
        assert main(["show", str(secret), "--json", "--decode", name]) == 0
        shown = [
            one["result"]
            for one in json.loads(capsys.readouterr().out)["operations"]
            if one["type"] == "STEP"
        ]
        assert len([json.loads(one) for one in shown if one]) > 3
    assert main(["show", str(ESPRESSO), "--json"]) == 0
    assert '{\\"t\\":' not in capsys.readouterr().out
    app = f"{SAMPLES / 'apps' / 'espresso.py'}:handler"
    assert main(["why", str(secret), app, "--decode", "way_back:unpack"]) in {0, 1}
    assert main(["replay", str(secret), app, "--decode", "nowhere:unpack"]) == 2
    assert main(["show", str(secret), "--decode", "nowhere:unpack"]) == 2
    assert main(["show", str(secret), "--decode", "way_back:gzip"]) == 2
    capsys.readouterr()
