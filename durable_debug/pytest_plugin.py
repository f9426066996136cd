"""A pytest plugin: the history of every durable execution that a failed test ran is saved.

It looks at the runners of the SDK's testing library (``DurableFunctionTestRunner``) that a test made. Where the test
fails, each of their executions is written into a folder, as `dd.fetch` would keep it, and the report says where:

.. code-block:: console

    $ pytest --durable-histories=failed-histories
    …
    ------ durable executions ------
    durable-debug show 'failed-histories/order-1--….json'

Without the option nothing is saved and nothing is watched. The fixture ``durable_history`` loads a runner's history in
a test.
"""

from __future__ import annotations

import contextlib
import importlib
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from durable_debug.history import History

_RUNNERS = "aws_durable_execution_sdk_python_testing.runner"
_MADE = pytest.StashKey[list[Any]]()
_UNSAFE = re.compile(r"[^A-Za-z0-9_.-]+")


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add ``--durable-histories``."""
    parser.getgroup("durable_debug").addoption(
        "--durable-histories",
        metavar="DIR",
        help="save the histories of the durable executions of every failed test into DIR",
    )


@pytest.fixture
def durable_history() -> Callable[..., History]:
    """Load the history of what a runner ran: ``durable_history(runner)``, ``durable_history(runner, arn)``."""
    from durable_debug.sources import load_one

    return lambda runner, execution=None: load_one(runner, execution=execution)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, Any, Any]:
    """Note the runners that a test makes, its fixtures included."""
    if not item.config.getoption("--durable-histories"):
        return (yield)
    made = item.stash[_MADE] = []
    with _noting(made):
        return (yield)


@contextlib.contextmanager
def _noting(made: list[Any]) -> Generator[None, None, None]:
    """Have every runner that is made meanwhile noted."""
    try:
        runner: Any = importlib.import_module(_RUNNERS).DurableFunctionTestRunner
    except ImportError:  # no test can make one
        yield
        return
    begin = runner.__init__

    def noted(self: Any, *args: Any, **kwargs: Any) -> None:
        begin(self, *args, **kwargs)
        made.append(self)

    runner.__init__ = noted
    try:
        yield
    finally:
        runner.__init__ = begin
        made.clear()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Save the histories of a test that failed, and say where."""
    report = yield
    made = item.stash.get(_MADE, [])
    if report.failed and made:
        folder = Path(item.config.getoption("--durable-histories")) / _UNSAFE.sub("_", item.nodeid)[-150:]
        lines = [line for runner in made for line in _saved(runner, folder)]
        if lines:
            report.sections.append(("durable executions", "\n".join(lines)))
    return report


def _saved(runner: Any, folder: Path) -> list[str]:
    from durable_debug.errors import DurableDebugError
    from durable_debug.sources import load
    from durable_debug.sources.runners import store_of

    try:
        arns = [execution.durable_execution_arn for execution in store_of(runner).list_all()]
        return [f"durable-debug show '{load(runner, arn).save(f'{folder}/')}'" for arn in arns]
    except (DurableDebugError, OSError) as error:
        return [f"not saved: {error}"]
