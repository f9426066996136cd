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
  durable-debug audit orders.py:handler histories/ --format sarif --output audit.sarif

exit codes:
  0  nothing found of the severity that --fail-on names
  1  something found
  2  bad input or usage
"""

FORMATS = ("text", "json", "junit", "sarif")
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
    parser.add_argument("--jobs", metavar="N", type=jobs, help="how many at a time (one per core)")
    parser.add_argument("--format", choices=FORMATS, default="text", help="of the report (text)")
    parser.add_argument(
        "--output", metavar="FILE", type=Path, help="write the report there, and the counts here"
    )
    parser.add_argument(
        "--fail-on",
        choices=list(FAIL_ON),
        default="any",
        help="the least severity that makes exit code 1 (any)",
    )
    add_replaying(parser, several_sdks=True)
    parser.set_defaults(do=audit)


def audit(arguments: argparse.Namespace) -> int:
    """Audit, write the report, and give the exit code."""
    from durable_debug.audits.audit import audit as run_over

    report = run_over(
        arguments.handler,
        given_histories(arguments),
        against=arguments.against,
        n_jobs=arguments.jobs,
        progress=sys.stderr.isatty(),
        **replaying(arguments),
    )
    text = rendered(report, arguments.format)
    if arguments.output is None and arguments.format == "text":
        show_report(text)
    elif arguments.output is None:
        print(text)
    else:
        try:
            arguments.output.write_text(f"{text}\n", encoding="utf-8")
        except OSError as error:
            raise DurableDebugError(
                f"{arguments.output} can't be written: {error.strerror}.", cure="Check --output."
            ) from error
        print(plain(report.summary))
    return 1 if report.worst() in FAIL_ON[arguments.fail_on] else 0


def rendered(report: Report, form: str) -> str:
    """Give the report in one of `FORMATS`."""
    match form:
        case "json":
            return report.to_json()
        case "junit":
            return report.to_junit()
        case "sarif":
            return report.to_sarif()
        case _:
            return "\n".join(plain(line) for line in report.report().split("\n"))
