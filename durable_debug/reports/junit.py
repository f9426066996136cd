"""A report as JUnit XML: what CI systems list as tests."""

from __future__ import annotations

from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

from durable_debug.audits.check import OBSTACLES
from durable_debug.reports.paths import relative

if TYPE_CHECKING:
    from durable_debug.audits.causes import Cause
    from durable_debug.audits.report import Report, Row

__all__ = ["junit"]


def junit(report: Report) -> str:
    """Give a test suite with a case each history: a divergence is a failure, what could not be compared an error."""
    uncompared = sum(1 for row in report.rows if report.counts(row) and _is_error(row))
    suite = ET.Element(
        "testsuite",
        name=_xml(f"durable-debug audit {report.handler}"),
        tests=str(len(report.rows)),
        failures=str(sum(1 for row in report.rows if report.counts(row)) - uncompared),
        errors=str(uncompared),
        time=f"{report.seconds:.3f}",
    )
    causes = {cause.id: cause for cause in report.causes}
    for row in report.rows:
        case = ET.SubElement(
            suite,
            "testcase",
            classname=_xml(row.function or report.handler),
            name=_xml(row.history),
            time=f"{row.seconds:.3f}",
        )
        if row.redacted:
            ET.SubElement(case, "system-out").text = "Values were redacted: they were compared by their form."
        if not row.clean and not report.counts(row):
            passed = (f"{_told(causes[number])}\n{_why_not(causes[number])}" for number in row.causes)
            ET.SubElement(case, "system-out").text = _xml("\n\n".join(passed))
        if report.counts(row):
            kind = "error" if _is_error(row) else "failure"
            problem = ET.SubElement(
                case, kind, type=_xml(", ".join(row.kinds)), message=_xml(row.message or "")
            )
            told = [f"no baseline: {row.no_baseline}"] if row.no_baseline else []
            problem.text = _xml("\n\n".join([*told, *(_told(causes[number]) for number in row.causes)]))
    suites = ET.Element("testsuites")
    suites.append(suite)
    ET.indent(suites)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ET.tostring(suites, encoding="unicode")


def _is_error(row: Row) -> bool:
    return set(row.kinds) <= set(OBSTACLES)


def _why_not(cause: Cause) -> str:
    return "Accepted." if cause.accepted else "Switched off."


def _told(cause: Cause) -> str:
    one = cause.divergence
    where = f"{relative(one.file)}:{one.line}: {one.source}" if one.file else ""
    facts = (
        where,
        f"{one.kind} ({one.severity}): {one.message}",
        one.lambda_effect and f"Lambda: {one.lambda_effect}",
        one.advice,
    )
    return "\n".join(fact for fact in facts if fact)


def _xml(text: str) -> str:
    """Drop what XML 1.0 can't hold, however it is escaped."""
    return "".join(
        c if c in "\t\n\r" or " " <= c <= "\ud7ff" or "\ue000" <= c <= "\ufffd" or c >= "\U00010000" else "�"
        for c in text
    )
