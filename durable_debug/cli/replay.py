"""``durable-debug replay``: run a handler over a history, and say whether it did what the history says."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from durable_debug.cli.replay_options import add_breaks, add_replay, opened, replay_options, set_breaks
from durable_debug.cli.stops import all_stops, fields, seen, stop_lines
from durable_debug.cli.text import fitted, paint, plain, show_report

if TYPE_CHECKING:
    import argparse

    from durable_debug.divergence import Run

EXAMPLES = """\
examples:
  durable-debug replay orders.py:handler order.json
  durable-debug replay shop.orders:handler order.json --invocation 2
  durable-debug replay orders.py:handler order.json --break charge-card --break status=FAILED
  durable-debug replay orders.py:handler order.json --break 'name=charge-*,when=total > 100'
  durable-debug replay orders.py:handler order.json --run make-receipt    (runs that step's body where it has no record)
  durable-debug replay orders.py:handler order.json --json

exit codes:
  0  the handler did what the history says
  1  it did something else, or had to stop early
  2  bad input or usage
"""


def add(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command's parser."""
    parser = commands.add_parser(
        "replay",
        help="run a handler over a history",
        description="Run a handler over a recorded history, through the real SDK, and say whether it still does what the history says.\n"
        "No step body, submitter, condition check or invoke runs, and no AWS call is made.",
        epilog=EXAMPLES,
    )
    add_replay(parser)
    add_breaks(parser, does="report each stop")
    parser.add_argument("--json", action="store_true", help="the outcome as JSON")
    parser.set_defaults(do=replay)


def replay(arguments: argparse.Namespace) -> int:
    """Replay, print the stops and the report, and give the exit code."""
    from durable_debug.debugger import debug
    from durable_debug.divergence import replay as run_over

    history, options = opened(arguments), replay_options(arguments)
    stops: list[dict[str, Any]] = []
    if arguments.breaks:
        with debug(arguments.handler, history, **options) as debugger:
            set_breaks(debugger, arguments.breaks)
            run, stops = debugger.run_result, [seen(debugger, stop) for stop in all_stops(debugger)]
    else:
        run = run_over(arguments.handler, history, **options)
    if arguments.json:
        print(json.dumps(as_json(run, stops), default=str))
        return 0 if run.ok else 1
    for line in run.logs:
        print(paint(f"{plain(line.level).lower()}: {plain(line.message)}", "2", sys.stderr), file=sys.stderr)
    for stop in stops:
        print("\n".join(piece for line in stop_lines(stop) for piece in fitted(line)), end="\n\n")
    show_report(run.report())
    return 0 if run.ok else 1


def as_json(run: Run, stops: list[dict[str, Any]]) -> dict[str, Any]:
    """The outcome as data."""
    return {
        "ok": run.ok,
        "status": run.status,
        "result": run.result,
        "error": run.error,
        "failed_at": run.failed_at and fields(run.failed_at, "file", "line", "function", "source"),
        "stopped": run.stopped,
        "other_function": run.other_function and asdict(run.other_function),
        "redacted": run.history.redacted is not None,
        "unchecked": list(run.unchecked),
        "divergences": [
            fields(one, "kind", "message", "file", "line", "position") for one in run.divergences
        ],
        "operations": [
            fields(one, "position", "name", "type", "sub_type", "file", "line", "answer")
            for one in run.operations
        ],
        "logs": [fields(one, "level", "message") for one in run.logs],
        "stops": stops,
    }
