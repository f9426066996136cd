"""``durable-debug lab``: JupyterLab with the example notebooks."""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from durable_debug.errors import DurableDebugError

if TYPE_CHECKING:
    import argparse

PACKAGE = Path(__file__).parent.parent
FIRST = Path("notebooks", "01_debug_a_failed_execution.ipynb")
COPIES = Path("durable-debug-examples")

EXAMPLES = """\
examples:
  durable-debug lab
  durable-debug lab --no-browser
      on a remote machine; open the address that it prints
  durable-debug lab --port=9000
      any option of `jupyter lab`
"""


def add(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command's parser."""
    parser = commands.add_parser(
        "lab",
        help="JupyterLab with the example notebooks",
        description="Open JupyterLab on the first example notebook. In a checkout those are the notebooks that you see there;\n"
        f"elsewhere they are copied into ./{COPIES} first, where your changes stay.",
        epilog=EXAMPLES,
    )
    parser.set_defaults(do=lab, jupyter_options=[])


def lab(arguments: argparse.Namespace) -> int:
    """Run JupyterLab until it is stopped."""
    if importlib.util.find_spec("jupyterlab") is None:
        raise DurableDebugError(
            "JupyterLab is not installed.", cure="Install it with: pip install 'durable_debug[lab]'"
        )
    root = examples()
    # As the default address rather than as the file to open, so that --no-browser prints the notebook's own address.
    options = [f"--ServerApp.root_dir={root}", f"--LabApp.default_url=/lab/tree/{FIRST.as_posix()}"]
    options += arguments.jupyter_options
    if (
        hasattr(os, "geteuid") and os.geteuid() == 0
    ):  # in a container; JupyterLab asks to be told that this is meant
        options.append("--allow-root")
    command = [sys.executable, "-m", "jupyterlab", *options]
    if os.name == "posix":  # in our place, so that Ctrl-C and a signal to end are JupyterLab's own
        os.execv(sys.executable, command)  # noqa: S606 - the interpreter that runs this
    return subprocess.call(command)  # noqa: S603 - as above


def examples() -> Path:
    """The folder with notebooks and sample histories: the checkout, or a copy of what the package carries."""
    if (PACKAGE.parent / FIRST).exists():
        return PACKAGE.parent
    carried = PACKAGE / "examples"
    if not carried.exists():
        raise DurableDebugError(
            f"There are no notebooks in {PACKAGE.parent}.", cure="Install the package again."
        )
    if not COPIES.exists():
        shutil.copytree(carried, COPIES)
    return COPIES.resolve()
