"""``durable-debug audit``: many histories against one handler, for people and for CI."""

from __future__ import annotations

import sys
from argparse import RawDescriptionHelpFormatter
from pathlib import Path
from typing import TYPE_CHECKING

from durable_debug.cli.text import plain
from durable_debug.cli.values import add_environment, environment, jobs, seconds
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
        formatter_class=RawDescriptionHelpFormatter,
    )
    parser.add_argument("handler", metavar="HANDLER", help="module:name or path/to/file.py:name")
    parser.add_argument(
        "histories", metavar="PATH", nargs="+", help="history files, folders of them (*.json), glob patterns"
    )
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
    parser.add_argument(
        "--allow",
        metavar="EFFECT",
        action="append",
        default=[],
        help="let the handler do this outside steps: network, process, file, or a glob on what it does",
    )
    add_environment(parser)
    parser.add_argument(
        "--python",
        metavar="P",
        help="run the handler in this interpreter, or in this environment (a folder); by default in the project's own",
    )
    parser.add_argument(
        "--sdk",
        metavar="V",
        action="append",
        help="run them through this version of the SDK: 2.1.0, or a line, 2.1; again for another one",
    )
    parser.add_argument(
        "--timeout", metavar="S", type=seconds, default=60.0, help="give up on a history after S seconds (60)"
    )
    parser.set_defaults(do=audit)


def audit(arguments: argparse.Namespace) -> int:
    """Audit, write the report, and give the exit code."""
    from durable_debug.audits.audit import audit as run_over

    report = run_over(
        arguments.handler,
        arguments.histories,
        against=arguments.against,
        n_jobs=arguments.jobs,
        progress=sys.stderr.isatty(),
        timeout=arguments.timeout,
        env=environment(arguments),
        python=arguments.python,
        sdk=arguments.sdk,
        allow=arguments.allow,
    )
    text = rendered(report, arguments.format)
    if arguments.output is None:
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
