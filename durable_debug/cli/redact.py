"""``durable-debug redact``: a history without its values, to be shown to others."""

from __future__ import annotations

from argparse import RawDescriptionHelpFormatter
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from durable_debug.cli.ls import add_where, where
from durable_debug.cli.text import plain
from durable_debug.errors import HistoryError

if TYPE_CHECKING:
    import argparse

    from durable_debug.history import History

EXAMPLES = """\
examples:
  durable-debug redact order.json -o shared.json                                  every value
  durable-debug redact order.json -o shared.json --path '$.card' --key '*email*'  these only
  durable-debug redact histories/ -o shared/                                      a whole folder

Names, ids, ARNs, times and sizes stay.
"""


def add(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command's parser."""
    parser = commands.add_parser(
        "redact",
        help="put placeholders where a history has values",
        description="Write a history without its values: structure and types stay, and it replays as far as control flow allows.",
        epilog=EXAMPLES,
        formatter_class=RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "history", metavar="HISTORY", help="what dd.load() takes: a file, a folder, an ARN, a URL …"
    )
    parser.add_argument(
        "-o", "--output", metavar="PATH", required=True, help="file; a folder where HISTORY holds many"
    )
    parser.add_argument(
        "--path", metavar="P", action="append", default=[], help="a JSON path: '$.card.number', '$..email'"
    )
    parser.add_argument(
        "--key", metavar="K", action="append", default=[], help="a pattern of a key: '*email*'"
    )
    add_where(parser)
    parser.set_defaults(do=redact)


def redact(arguments: argparse.Namespace) -> int:
    """Load, redact and write; nothing, where a pattern replaces nothing."""
    from durable_debug.sources import Histories, load
    from durable_debug.sources.redaction import labels

    wrong = next((path for path in arguments.path if not path.startswith("$")), None)
    if wrong is not None:
        raise HistoryError(f"{wrong!r:.80} is no JSON path.", cure="It begins with $: '$.card.number'.")
    rules = [*arguments.path, *arguments.key] or True
    found = load(arguments.history, **where(arguments))
    many = isinstance(found, Histories)
    _require_another_place(arguments.history, Path(arguments.output).expanduser(), many=many)
    problems = list(found.problems) if isinstance(found, Histories) else []
    counts: Counter[str] = Counter(dict.fromkeys(labels(rules), 0))
    numbers = []
    for number in range(len(found) if many else 1):
        try:
            counts.update(_redacted(found, number, rules).redacted or {})
            numbers.append(number)
        except HistoryError as error:
            if not many:
                raise
            problems.append(str(error))
    if idle := [label for label, count in counts.items() if not count]:
        raise HistoryError(
            f"Nothing was replaced by {', '.join(f'{label!r:.80}' for label in idle)}, so nothing was written.",
            cure="Keys are matched whole: '*mail*' for any with mail in it; paths begin at the payload: '$.card.number'.",
        )
    to = f"{arguments.output}/" if many else arguments.output
    written = [_redacted(found, number, rules).save(to) for number in numbers]
    print(f"{len(written)} executions in {plain(arguments.output)}" if many else plain(written[0]))
    for label, count in counts.items():
        print(f"  {plain(label)}: {count:,} value{'' if count == 1 else 's'} replaced")
    for problem in problems:
        print(f"left out: {plain(problem)}")
    return 1 if problems else 0


def _redacted(found: Any, number: int, rules: Any) -> History:
    """One of them; they are not kept, since there may be many."""
    from durable_debug.sources import redacted

    return redacted(found[number] if isinstance(found, Sequence) else found, rules)


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
