"""``durable-debug audit``: many histories against one handler, for people and for CI."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from durable_debug.cli.arguments import add_handler, add_histories, add_replaying, given_histories, replaying
from durable_debug.cli.text import plain, show_report
from durable_debug.cli.values import jobs
from durable_debug.errors import DurableDebugError

if TYPE_CHECKING:
    import argparse

    from durable_debug.audits.report import Report

EXAMPLES = """\
examples:
  durable-debug audit orders.py:handler histories/
  durable-debug audit orders.py:handler 'histories/2026-11-*.json' --jobs 4
  durable-debug audit orders.py:handler running/ --against release/orders.py:handler
  durable-debug audit orders.py fleet.jsonl --resume fleet.audit --coverage .coverage
  durable-debug audit orders.py running/ --against git:origin/main:orders.py
  durable-debug audit orders.py histories/ --status RUNNING --sample 500
  durable-debug audit orders.py histories/ --baseline ok.json --update-baseline
  durable-debug audit orders.py histories/ --output audit.sarif --output job.md

exit codes:
  0  nothing found of the level that --fail-on names, besides what is accepted
  1  something found
  2  bad input or usage; with --fail-on-empty also where nothing was audited

How much a kind of divergence counts is set in pyproject.toml:
  [tool.durable_debug.levels]
  wait_duration = "note"    error, warning, note or off
  finished = "warning"      the most for what no running execution shows
"""

FORMATS = ("text", "html", "json", "junit", "sarif", "markdown")
ENDINGS = {".sarif": "sarif", ".md": "markdown", ".xml": "junit", ".json": "json", ".html": "html"}
FAIL_ON = {
    "error": {"error"},
    "warning": {"error", "warning"},
    "any": {"error", "warning", "info"},
    "none": set[str](),
}


def add(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command's parser."""
    parser = commands.add_parser(
        "audit",
        help="run a handler over many histories",
        description="Run a handler over many recorded histories, and say which it would break, where, and for how many causes.\n"
        "No step body, submitter, condition check or invoke runs, and no AWS call is made.",
        epilog=EXAMPLES,
    )
    add_handler(parser)
    add_histories(parser)
    parser.add_argument(
        "--against",
        metavar="HANDLER",
        help="the handler as it is now: report only what HANDLER does otherwise than this one",
    )
    _add_choice(parser)
    parser.add_argument("--jobs", metavar="N", type=jobs, help="how many at a time (one per core)")
    parser.add_argument("--format", choices=FORMATS, help="of the report (text)")
    parser.add_argument(
        "--output",
        metavar="FILE",
        type=Path,
        action="append",
        default=[],
        help="write the report there, and the counts here; again for another file. Without --format its ending tells the "
        "form: .sarif, .md, .html, .xml (JUnit), .json",
    )
    parser.add_argument(
        "--fail-on",
        choices=list(FAIL_ON),
        default="any",
        help="the least level that makes exit code 1 (any)",
    )
    parser.add_argument("--baseline", metavar="FILE", help="a file of the divergences that are accepted")
    parser.add_argument(
        "--update-baseline", action="store_true", help="accept what is found: write it to that file"
    )
    add_replaying(parser, several_sdks=True)
    parser.add_argument(
        "--resume",
        metavar="FILE",
        help="write down there what is done, and replay only what is not in it yet: go on after Ctrl-C, or tomorrow",
    )
    parser.add_argument(
        "--coverage",
        metavar="FILE",
        type=Path,
        help="write down there, as coverage.py does, which lines the executions took; then: coverage html --data-file FILE",
    )
    parser.set_defaults(do=audit)


def _add_choice(parser: argparse.ArgumentParser) -> None:
    """Add the options that say which of the histories."""
    parser.add_argument(
        "--status",
        metavar="S",
        action="append",
        help="only these: RUNNING (what a deploy can break), FAILED …; again for another one",
    )
    parser.add_argument(
        "--since", metavar="T", help="only those started since: 36h, 30d, 2w, 2026-11-20, 2026-11-20T08:00"
    )
    parser.add_argument(
        "--function", metavar="GLOB", action="append", help="only of functions of this name; again for more"
    )
    parser.add_argument(
        "--function-version", metavar="GLOB", action="append", help="only of these versions: 7, '$LATEST'"
    )
    parser.add_argument(
        "--sample", metavar="N", type=int, help="at most N of them, always the same ones, by their names"
    )
    parser.add_argument(
        "--fail-on-empty", action="store_true", help="exit code 2 where this leaves nothing to audit"
    )


def audit(arguments: argparse.Namespace) -> int:
    """Audit, write the report, and give the exit code."""
    from durable_debug.audits.report import Interrupted

    stopped = ""
    if arguments.coverage is not None:
        from durable_debug.audits.coverage import require_writable

        require_writable(arguments.coverage)
    try:
        report = _audited(arguments)
    except Interrupted as interrupted:
        report, stopped = interrupted.report, str(interrupted)
        if not report.rows:
            raise
    if not arguments.output:
        shown = rendered(report, arguments.format)
        if arguments.format in {None, "text"}:
            show_report(shown)
        else:
            print(shown)
    for path in arguments.output:
        _write(path, rendered(report, arguments.format or ENDINGS.get(path.suffix.lower())))
    if arguments.output:
        print(plain(report.summary))
    if report.coverage is not None:
        report.coverage.save(arguments.coverage)
        print(plain(f"coverage: {report.coverage.summary} {arguments.coverage}"), file=sys.stderr)
    if stopped:
        raise KeyboardInterrupt(stopped)
    return 1 if report.worst() in FAIL_ON[arguments.fail_on] else 0


def _audited(arguments: argparse.Namespace) -> Report:
    from durable_debug.audits.audit import audit as run_over

    return run_over(
        arguments.handler,
        given_histories(arguments),
        against=arguments.against,
        n_jobs=arguments.jobs,
        progress=sys.stderr.isatty(),
        resume=arguments.resume,
        coverage=arguments.coverage is not None,
        status=arguments.status,
        since=arguments.since,
        function=arguments.function,
        function_version=arguments.function_version,
        sample=arguments.sample,
        fail_on_empty=arguments.fail_on_empty,
        baseline=arguments.baseline,
        update_baseline=arguments.update_baseline,
        **replaying(arguments),
    )


def _write(path: Path, text: str) -> None:
    try:
        path.write_text(f"{text.rstrip()}\n", encoding="utf-8")
    except OSError as error:
        raise DurableDebugError(
            f"{path} can't be written: {error.strerror}.", cure="Check --output."
        ) from error


def rendered(report: Report, form: str | None) -> str:
    """Give the report in one of `FORMATS`; None: text."""
    match form:
        case "html":
            return report.to_html()
        case "json":
            return report.to_json()
        case "junit":
            return report.to_junit()
        case "sarif":
            return report.to_sarif()
        case "markdown":
            return report.to_markdown()
        case _:
            return "\n".join(plain(line) for line in report.report().split("\n"))
