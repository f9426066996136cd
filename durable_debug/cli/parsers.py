"""The parser of every command: help that fits the terminal, and what may have been meant where a word is not known."""

from __future__ import annotations

import argparse
import shutil
import sys
import textwrap
from typing import TYPE_CHECKING, Any

from durable_debug.options import meant

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["Help", "Parser", "columns", "filled", "room"]

_WIDEST = 100


class Help(argparse.RawDescriptionHelpFormatter):
    """Prose is filled to the terminal's width; lines that are set in, as examples are, stay lines."""

    def __init__(self, prog: str, **options: Any) -> None:
        super().__init__(prog, **options)
        self._width = min(self._width, _WIDEST)

    def _fill_text(self, text: str, width: int, indent: str) -> str:
        return "\n".join(f"{indent}{line}" for line in filled(text, width - len(indent)))


def room() -> int:
    """Columns that help may take."""
    return min(shutil.get_terminal_size().columns - 2, _WIDEST)


def columns(rows: Sequence[tuple[str, str]]) -> list[str]:
    """Give names and what is said of them beside each other, wrapped."""
    first = max(len(name) for name, _ in rows) + 4
    lines: list[str] = []
    for name, told in rows:
        lines += textwrap.wrap(
            told, room(), initial_indent=f"  {name}".ljust(first), subsequent_indent=" " * first, **_WORDS
        )
    return lines


def filled(text: str, width: int) -> list[str]:
    """Give the lines of a text: prose is wrapped, what is set in stays lines, which go on further in where they are too long."""
    lines: list[str] = []
    prose: list[str] = []
    for line in [*text.split("\n"), ""]:
        set_in = line.startswith(" ")
        if prose and (set_in or not line):
            lines += textwrap.wrap(" ".join(prose), width, **_WORDS)
            prose = []
        if set_in:
            inner = " " * (len(line) - len(line.lstrip()) + 4)
            pieces = textwrap.wrap(line, width - 2, subsequent_indent=inner, **_WORDS)
            more = " \\" if line.lstrip().startswith("durable-debug") else ""  # a shell takes what is shown
            lines += [*(f"{piece}{more}" for piece in pieces[:-1]), pieces[-1]]
        elif line:
            prose.append(line)
        else:
            lines.append("")
    return lines[:-1]


_WORDS: dict[str, Any] = {"break_long_words": False, "break_on_hyphens": False}


class Parser(argparse.ArgumentParser):
    """A parser whose help is set as `Help` does, and that says what may have been meant.

    Parameters
    ----------
    **options
        Of `argparse.ArgumentParser`.
    """

    def __init__(self, **options: Any) -> None:
        super().__init__(**{**options, "formatter_class": Help})

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> tuple[Any, list[str]]:
        """As `argparse` has it; ``-#NAME``, one history of those that are piped in, is no option."""
        words = sys.argv[1:] if args is None else args
        return super().parse_known_args(
            [f"/dev/stdin{word[1:]}" if word.startswith("-#") else word for word in words], namespace
        )

    def format_usage(self) -> str:
        """Give what must be given; `format_help` lists the rest."""
        self._shorten_usage()
        return super().format_usage()

    def format_help(self) -> str:
        """Give all of it."""
        self._shorten_usage()
        return super().format_help()

    def _shorten_usage(self) -> None:
        if self.usage is not None:
            return
        words = [self.prog, "[options]"]
        words += [
            f"{one.option_strings[0]} {one.metavar}"
            for one in self._actions
            if one.required and one.option_strings
        ]
        for one in self._get_positional_actions():
            words.append({"?": "[{}]", "+": "{} …"}.get(str(one.nargs), "{}").format(one.metavar))
        self.usage = " ".join(words).replace("%", "%%")

    def refuse_unknown(self, words: Sequence[str]) -> None:
        """End with code 2 over words that nothing was done with; name the options that may have been meant."""
        known = [name for action in self._actions for name in action.option_strings]
        near = [meant(word.partition("=")[0], known) for word in words if word.startswith("-")]
        self.error(" ".join(filter(None, (f"unknown arguments: {' '.join(words)}.", *near))))

    def _check_value(self, action: argparse.Action, value: Any) -> None:
        if action.choices is None or value in action.choices:
            return
        names = [str(one) for one in action.choices]
        what = "command" if isinstance(action, argparse._SubParsersAction) else "value"  # noqa: SLF001
        told = meant(str(value), names) or f"There are {', '.join(names)}."
        raise argparse.ArgumentError(
            None if what == "command" else action, f"there is no {what} {str(value)!r:.80}. {told}"
        )
