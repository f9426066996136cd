"""``durable-debug replay``: run a handler over a history, and say whether it did what the history says."""

from __future__ import annotations

import json
import os
import sys
from argparse import ArgumentTypeError, RawDescriptionHelpFormatter
from typing import TYPE_CHECKING, Any

from durable_debug.cli.text import error_line, paint, paint_status, plain, ranges, symbol, word
from durable_debug.cli.values import add_environment, environment, seconds
from durable_debug.errors import OptionError

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable, Iterator

    from durable_debug.debugger import Breakpoint, Debugger, Stop
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

# What `--break KEY=VALUE` may name, and how a value is read: the keywords of Debugger.break_at.
BREAK_AT: dict[str, Callable[[str], object]] = {
    "name": str,
    "type": str,
    "sub_type": str,
    "status": str,
    "attempt": int,
    "position": str,
    "event_id": int,
    "line": int,
    "invocation": int,
    "when": str,
}


def add(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command's parser."""
    parser = commands.add_parser(
        "replay",
        help="run a handler over a history",
        description="Run a handler over a recorded history, through the real SDK, and say whether it still does what the history says.\n"
        "No step body, submitter, condition check or invoke runs, and no AWS call is made.",
        epilog=EXAMPLES,
        formatter_class=RawDescriptionHelpFormatter,
    )
    parser.add_argument("handler", metavar="HANDLER", help="module:name or path/to/file.py:name")
    parser.add_argument(
        "history", metavar="HISTORY", help="what dd.load() takes: a file, FOLDER#NAME, an ARN, a URL …"
    )
    parser.add_argument(
        "--invocation", metavar="K", type=int, help="replay the K-th Lambda invocation only (from 1)"
    )
    parser.add_argument(
        "--break",
        metavar="SPEC",
        dest="breaks",
        type=break_spec,
        action="append",
        default=[],
        help=f"report each stop at SPEC: an operation's name or glob, or KEY=VALUE[,KEY=VALUE] with {', '.join(BREAK_AT)}",
    )
    parser.add_argument(
        "--run",
        metavar="NAME",
        action="append",
        default=[],
        help="let this operation's body run where the history has no answer for it",
    )
    add_environment(parser)
    parser.add_argument(
        "--python",
        metavar="P",
        help="run the handler in this interpreter, or in this environment (a folder); by default in the project's own",
    )
    parser.add_argument(
        "--sdk", metavar="V", help="run it through this version of the SDK: 2.1.0, or a line, 2.1"
    )
    parser.add_argument(
        "--timeout", metavar="S", type=seconds, default=60.0, help="give up after S seconds (60)"
    )
    parser.add_argument("--json", action="store_true", help="the outcome as JSON")
    parser.set_defaults(do=replay)


def break_spec(text: str) -> dict[str, object]:
    """Read ``charge-*`` or ``KEY=VALUE,…``; what follows ``when=`` is one Python expression, commas and all."""
    if "=" not in text:
        return {"name": text}
    found: dict[str, object] = {}
    rest: str | None = text
    while rest is not None:
        key, equals, value = rest.partition("=")
        value, comma, after = (value, "", "") if key == "when" else value.partition(",")
        if not equals or key not in BREAK_AT:
            raise ArgumentTypeError(f"{key!r} is none of {', '.join(BREAK_AT)}")
        try:
            found[key] = BREAK_AT[key](value)
        except ValueError as error:
            raise ArgumentTypeError(f"{key}={value!r} is not a number") from error
        rest = after if comma else None
    return found


def replay(arguments: argparse.Namespace) -> int:
    """Replay, print the stops and the report, and give the exit code."""
    from durable_debug.debugger import debug
    from durable_debug.divergence import replay as run_over
    from durable_debug.sources import load_one

    history = load_one(arguments.history)
    for warning in history.warnings:
        print(f"{paint('warning', '33')}: {plain(warning)}", file=sys.stderr)
    options: dict[str, Any] = {
        "invocation": arguments.invocation,
        "run": arguments.run,
        "timeout": arguments.timeout,
        "env": environment(arguments),
        "python": arguments.python,
        "sdk": arguments.sdk,
    }
    stops: list[dict[str, Any]] = []
    if arguments.breaks:
        with debug(arguments.handler, history, **options) as debugger:
            run, stops = debugger.run_result, list(stops_at(debugger, arguments.breaks))
    else:
        run = run_over(arguments.handler, history, **options)
    if arguments.json:
        print(json.dumps(as_json(run, stops), default=str))
        return 0 if run.ok else 1
    for line in run.logs:
        print(paint(f"{plain(line.level).lower()}: {plain(line.message)}", "2"), file=sys.stderr)
    for stop in stops:
        print("\n".join(_stop_lines(stop)), end="\n\n")
    print("\n".join(plain(line) for line in run.report().split("\n")))
    return 0 if run.ok else 1


def as_json(run: Run, stops: list[dict[str, Any]]) -> dict[str, Any]:
    """The outcome as data."""
    return {
        "ok": run.ok,
        "status": run.status,
        "result": run.result,
        "error": run.error,
        "stopped": run.stopped,
        "redacted": run.history.redacted is not None,
        "unchecked": list(run.unchecked),
        "divergences": [
            _fields(one, "kind", "message", "file", "line", "position") for one in run.divergences
        ],
        "operations": [
            _fields(one, "position", "name", "type", "sub_type", "file", "line", "answer")
            for one in run.operations
        ],
        "logs": [_fields(one, "level", "message") for one in run.logs],
        "stops": stops,
    }


def _fields(thing: object, *names: str) -> dict[str, Any]:
    return {name: getattr(thing, name) for name in names}


# --- stops --------------------------------------------------------------------------------------


def stops_at(debugger: Debugger, breaks: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """Run from breakpoint to breakpoint, and give what is seen at each, as data.

    Divergences, and an exception that leaves the handler, are stops too.
    """
    for spec in breaks:
        made = debugger.break_at(**spec)
        if not made.bound:
            _say_that_nothing_fits(debugger, made)
    # The debugger opens on the first operation, before there was any breakpoint: one there is met from behind.
    debugger.step_in()
    stop = debugger.run_back()
    if stop.reason != "run back":
        yield _seen(debugger, stop)
    while (stop := debugger.run()).kind != "end":
        yield _seen(debugger, stop)


def _say_that_nothing_fits(debugger: Debugger, one: Breakpoint) -> None:
    """Refuse a name that nothing has, as `--run` does; what the record alone has, or nothing of this kind, is told.

    Raises
    ------
    OptionError
        No operation has the name, neither of the history nor of what the handler asks for.
    """
    from durable_debug.options import meant

    asked = {each.name or "" for each in debugger.run_result.operations}
    known = asked | {each.name or "" for each in debugger.history.tree()}
    near = meant(one.name, known - {""}) if one.name is not None else ""
    if one.name is not None and not any(one.is_like(name) for name in known):
        raise OptionError(
            f"--break {one.spec!r:.80} fits no operation, neither of the history nor of what the handler asks for.",
            cure=near or "Give a name, a glob, or KEY=VALUE: --break status=FAILED.",
        )
    why = one.note or "no operation of this replay fits it"
    print(f"{paint('warning', '33')}: --break {plain(one.spec, 200)}: {plain(why)}", file=sys.stderr)


def _seen(debugger: Debugger, stop: Stop) -> dict[str, Any]:
    operation, asked, source = stop.operation, stop.asked, stop.source
    return {
        "reason": stop.reason,
        "position": asked.position if asked else None,
        "name": asked.name if asked else None,
        "type": asked.type if asked else None,
        "sub_type": asked.sub_type if asked else None,
        "status": operation.status if operation else None,
        "attempts": operation.attempts if operation else None,
        "event_ids": list(operation.event_ids) if operation else [],
        "result": operation.result if operation else None,
        "error": operation.error if operation else None,
        "exception": stop.error,
        "file": source.file if source else None,
        "line": source.line if source else None,
        "source": source.source if source else None,
        "stack": [_fields(frame, "function", "file", "line") for frame in debugger.stack],
        "locals": {one.name: one.preview for one in debugger.variables()},
        "divergences": [one.message for one in stop.divergences],
    }


def _stop_lines(stop: dict[str, Any]) -> Iterator[str]:
    """Tell what is seen at a stop."""
    yield paint(f"stopped: {plain(stop['reason'])}", "1")
    if stop["position"]:
        status = stop["status"] or "no record"
        yield "  " + "  ".join(
            filter(
                None,
                (
                    paint_status(f"{symbol(status)} {plain(stop['name'] or '(no name)')}", status),
                    word(status),
                    plain(stop["sub_type"] or stop["type"]),
                    f"{stop['attempts']} attempts" if (stop["attempts"] or 0) > 1 else "",
                    f"position {plain(stop['position'])}",
                    f"events {ranges(stop['event_ids'])}" if stop["event_ids"] else "",
                ),
            )
        )
    for divergence in stop["divergences"]:
        yield f"  divergence  {plain(divergence)}"
    for name, value in (
        ("exception", stop["exception"]),
        ("error", error_line(stop["error"])),
        ("result", stop["result"]),
    ):
        if value:
            yield f"  {name:10}  {plain(value, 500)}"
    for number, frame in enumerate(stop["stack"]):
        where = f"{plain(_short(frame['file']))}:{frame['line']} in {plain(frame['function'])}"
        yield f"  {'from' if number else 'at':10}  {where}"
        if number == 0 and stop["source"]:
            yield f"  {'':10}      {plain(stop['source'])}"
    width = max((len(name) for name in stop["locals"]), default=0)
    for name, value in stop["locals"].items():
        yield f"  {plain(name).ljust(max(10, min(width, 30)))}  = {plain(value, 300)}"


def _short(path: str) -> str:
    """A path from here, where the file is below here."""
    try:
        relative = os.path.relpath(path)
    except ValueError:  # on another drive
        return path
    return path if relative.startswith("..") else relative
