"""The command line, called as a program would be, in this process."""

from __future__ import annotations

from typing import Callable, NamedTuple

import pytest

from durable_debug.cli import main


class Answer(NamedTuple):
    code: int
    out: str
    err: str


@pytest.fixture
def call(capsys: pytest.CaptureFixture[str]) -> Callable[..., Answer]:
    """``call("show", path)`` gives the exit code and what was printed."""

    def call(*arguments: object) -> Answer:
        capsys.readouterr()
        try:
            code = main([str(argument) for argument in arguments])
        except SystemExit as end:
            code = end.code
        return Answer(code, *capsys.readouterr())

    return call
