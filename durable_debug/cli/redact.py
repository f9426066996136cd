"""``durable-debug redact``: a history without its values, to be shown to others."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from durable_debug.cli.arguments import add_history, given
from durable_debug.cli.redacting import Counts, add_redaction, redaction
from durable_debug.cli.text import plain
from durable_debug.errors import HistoryError

if TYPE_CHECKING:
    import argparse

    from durable_debug.history import History
    from durable_debug.sources import Redaction

EXAMPLES = """\
examples:
  durable-debug redact order.json -o shared.json
      every value
  durable-debug redact order.json -o shared.json --path '$.card' --key '*email*'
      these only
  durable-debug redact histories/ -o shared/
      a whole folder
  durable-debug redact histories/ -o shared/ --keep numbers,enums,status
      what a handler decides by stays

Lengths, formats, names, ids, ARNs and times stay. Equal values stay equal; with --secret, in later calls, too.
"""


def add(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command's parser."""
    parser = commands.add_parser(
        "redact",
        help="put placeholders where a history has values",
        description="Write a history without its values: structure and types stay, and it replays as far as control flow allows.",
        epilog=EXAMPLES,
    )
    add_history(parser)
    parser.add_argument(
        "-o", "--output", metavar="PATH", required=True, help="file; a folder where HISTORY holds many"
    )
    parser.add_argument(
        "--path", metavar="P", action="append", default=[], help="a JSON path: '$.card.number', '$..email'"
    )
    parser.add_argument(
        "--key", metavar="K", action="append", default=[], help="a pattern of a key: '*email*'"
    )
    add_redaction(parser)
    parser.set_defaults(do=redact)


def redact(arguments: argparse.Namespace) -> int:
    """Load, redact and write; nothing, where a pattern replaces nothing."""
    from durable_debug.sources import Histories

    wrong = next((path for path in arguments.path if not path.startswith("$")), None)
    if wrong is not None:
        raise HistoryError(f"{wrong!r:.80} is no JSON path.", cure="It begins with $: '$.card.number'.")
    how = redaction(arguments, [*arguments.path, *arguments.key] or True)
    found = given(arguments)
    many = isinstance(found, Histories)
    _require_another_place(arguments.history, Path(arguments.output).expanduser(), many=many)
    problems = list(found.problems) if isinstance(found, Histories) else []
    counts = Counts(how)
    numbers = []
    for number in range(len(found) if many else 1):
        try:
            counts.add(_redacted(found, number, how))
            numbers.append(number)
        except HistoryError as error:
            if not many:
                raise
            problems.append(str(error))
    if idle := counts.idle:
        raise HistoryError(
            f"Nothing was replaced by {', '.join(f'{label!r:.80}' for label in idle)}, so nothing was written.",
            cure="Keys are matched whole: '*mail*' for any with mail in it; paths begin at the payload: '$.card.number'.",
        )
    to = f"{arguments.output}/" if many else arguments.output
    written = [_redacted(found, number, how).save(to) for number in numbers]
    print(f"{len(written)} executions in {plain(arguments.output)}" if many else plain(written[0]))
    for line in counts.lines():
        print(line)
    for problem in problems:
        print(f"left out: {plain(problem)}")
    return 1 if problems else 0


def _redacted(found: Any, number: int, how: Redaction) -> History:
    """One of them; they are not kept, since there may be many."""
    return how.of(found[number] if isinstance(found, Sequence) else found)


def _require_another_place(source: str, output: Path, *, many: bool) -> None:
    """Refuse to write over what is read, or among it."""
    place = Path(source).expanduser()
    if not place.exists():
        place = Path(source.rpartition("#")[0] or source).expanduser()
    if not place.exists():
        return  # an ARN, a URL
    originals = place.parent if output.is_dir() and not place.is_dir() and not many else place
    if output.exists() and output.samefile(originals):
        raise HistoryError(
            f"{str(output)!r:.200} is where the originals are.",
            cure="Give another place with -o: nothing was written.",
        )
