"""A report as SARIF 2.1.0 (OASIS): what code hosts show at the line in a pull request."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from durable_debug.audits.check import OBSTACLES
from durable_debug.reports.documentation import PAGES, about_kind
from durable_debug.reports.paths import base, inside, uri
from durable_debug.reports.words import KINDS

if TYPE_CHECKING:
    from durable_debug.audits.causes import Cause
    from durable_debug.audits.report import Report

__all__ = ["sarif"]

_ROOT = "%SRCROOT%"
_LEVELS = {"error": "error", "warning": "warning", "info": "note"}
_MOST_HISTORIES = 20
_LONGEST = 1000


def sarif(report: Report) -> dict[str, Any]:
    """Give a SARIF log with one result for each cause and one rule for each kind."""
    from durable_debug import __version__

    causes = [cause for cause in report.causes if cause.level != "off"]
    kinds = list(dict.fromkeys(cause.divergence.kind for cause in causes))
    driver = {
        "name": "durable-debug",
        "version": __version__,
        "informationUri": PAGES,
        "rules": [_rule(kind) for kind in kinds],
    }
    run = {
        "tool": {"driver": driver},
        "columnKind": "unicodeCodePoints",
        "originalUriBaseIds": {_ROOT: {"uri": f"{base().as_uri().rstrip('/')}/"}},
        "invocations": [{"executionSuccessful": True, **_remarks(report)}],
        "results": [_result(cause, report, kinds) for cause in causes],
    }
    return {
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [run],
    }


def _remarks(report: Report) -> dict[str, Any]:
    """What could not be compared, as notifications."""
    told = [{"level": "note", "message": {"text": remark}} for remark in report.remarks()]
    return {"toolExecutionNotifications": told} if told else {}


def _rule(kind: str) -> dict[str, Any]:
    advice = KINDS[kind][1] if kind in KINDS else OBSTACLES[kind]
    name = kind.replace("_", " ")
    about = {
        "missing": "An operation that was recorded is not asked for.",
        "unexpected": "An operation is asked for that the history does not have.",
    }.get(kind, f"A replay differs from the recorded history: {name}.")
    if kind in OBSTACLES:
        about = f"A history could not be compared: {name}."
    return {
        "id": f"durable-debug/{kind}",
        "name": "".join(part.title() for part in kind.split("_")),
        "shortDescription": {"text": about},
        "fullDescription": {"text": f"{about} {advice}"},  # GitHub wants one
        "help": {"text": advice},
        "helpUri": about_kind(kind),
    }


def _result(cause: Cause, report: Report, kinds: list[str]) -> dict[str, Any]:
    one = cause.divergence
    histories = cause.examples
    sentences = [
        one.message,
        f"Seen in {cause.count:,} of {len(report.rows):,} histories, for example {cause.example}.",
    ]
    if one.lambda_effect:
        sentences.append(f"On Lambda: {one.lambda_effect}")
    sentences.append(one.advice)
    result: dict[str, Any] = {
        "ruleId": f"durable-debug/{one.kind}",
        "ruleIndex": kinds.index(one.kind),
        "level": "note" if cause.accepted else _LEVELS[cause.level],
        "message": {"text": " ".join(_short(sentence) for sentence in sentences)},
        "properties": {"histories": list(histories[:_MOST_HISTORIES]), "count": cause.count},
    }
    if cause.accepted:
        result["suppressions"] = [
            {"kind": "external", "status": "accepted", "justification": "It is in the baseline."}
        ]
    if one.file and one.line:
        region: dict[str, Any] = {"startLine": one.line}
        if one.place is not None and one.place.end_line > one.line:
            region["endLine"] = one.place.end_line
        if one.source:
            region["snippet"] = {"text": _short(one.source)}
        where: dict[str, Any] = {"artifactLocation": _artifact(one.file), "region": region}
        result["partialFingerprints"] = {
            "kindAndSource/v1": f"{one.kind}:{uri(one.file)}:{_short(one.source)}"
        }
    else:  # of the history, not of the code; GitHub refuses a log with a result that is nowhere
        where = {"artifactLocation": _artifact(cause.example), "region": {"startLine": 1}}
    return {**result, "locations": [{"physicalLocation": where}]}


def _artifact(path: str) -> dict[str, str]:
    """A file below the repository's root by its path from there, wherever this is run."""
    found = inside(path)
    return {"uri": found, "uriBaseId": _ROOT} if found is not None else {"uri": uri(path)}


def _short(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"
