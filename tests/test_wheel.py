"""The built wheel, installed: every sample replays from there as it does from a checkout.

The suite runs from a checkout, where this package's own files are not among the libraries. Here they are, and none of
the extras is there.
"""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
import sysconfig
import venv
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
GOLDEN = Path(__file__).parent / "golden" / "samples.txt"  # written anew with DURABLE_DEBUG_GOLDEN=write

# What only extras and development bring: not to be found by the installed package.
ABSENT = (
    "fsspec",
    "s3fs",
    "zstandard",
    "pygraphviz",
    "jupyterlab",
    "notebook",
    "ipykernel",
    "nbclient",
    "distributed",
    "pytest",
)

REPLAYS = """
import re, sys
from pathlib import Path
import durable_debug as dd

home = Path(dd.__file__).parent
assert home.is_relative_to(sys.prefix) and home.parent.name == "site-packages", home
samples = home / "examples" / "sample_histories"
table = (samples / "README.md").read_text(encoding="utf-8")
for history, handler in re.findall(r"^\\| `([^`]+)` \\|.*?\\| `sample_histories/([^`]+)` \\|", table, re.M):
    for path in sorted((samples / history).glob("*.json")) if history.endswith("/") else [samples / history]:
        run = dd.replay(f"{samples}/{handler}", path)
        print(f"== {handler} {path.relative_to(samples).as_posix()}")
        print(f"{run.status}, {len(run.operations)} operations, {'as recorded' if run.ok else 'diverges'}")
        for effect in run.side_effects:
            print(f"side effect: {effect.kind}, {effect.detail}, {effect.refused}")
        for sentence in run.unchecked:
            print(f"unchecked: {sentence}")
        for found in run.divergences:
            print(f"{found.severity}: {found.kind}, {Path(found.file).name}:{found.line}: {found.message}")
"""


@pytest.fixture(scope="module")
def installed(tmp_path_factory) -> Path:
    """The Python of an environment that has the wheel, and beside it the libraries that it needs."""
    folder = tmp_path_factory.mktemp("wheel")
    build = [
        sys.executable,
        "-m",
        "pip",
        "wheel",
        "--quiet",
        "--no-deps",
        "--wheel-dir",
        str(folder),
        str(ROOT),
    ]
    if importlib.util.find_spec("hatchling") is not None:
        build.append("--no-build-isolation")
    subprocess.run(build, check=True)
    (wheel,) = folder.glob("*.whl")
    venv.create(folder / "env", with_pip=False)
    python = folder / "env" / ("Scripts" if os.name == "nt" else "bin") / "python"
    site = subprocess.run(
        [python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout.strip()
    install = [
        "-m",
        "pip",
        "--quiet",
        "--python",
        str(python),
        "install",
        "--no-deps",
        "--no-index",
        str(wheel),
    ]
    subprocess.run([sys.executable, *install], check=True)
    # The libraries are those of this environment, behind its own; what is installed editable there stays out.
    (Path(site) / "libraries.pth").write_text(sysconfig.get_path("purelib") + "\n")
    (Path(site) / "sitecustomize.py").write_text(
        "import sys\n"
        "class Absent:\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        f"        if name.partition('.')[0] in {ABSENT!r}:\n"
        "            raise ModuleNotFoundError(f'No module named {name!r}', name=name)\n"
        "sys.meta_path.insert(0, Absent())\n"
    )
    return python


def run(python: Path, *args: str, **options) -> subprocess.CompletedProcess:
    env = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "COV_"))}
    return subprocess.run(
        [python, *args], capture_output=True, text=True, env=env, encoding="utf-8", **options
    )


def test_every_sample_replays_from_the_wheel(installed, tmp_path) -> None:
    done = run(installed, "-c", REPLAYS, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    if os.environ.get("DURABLE_DEBUG_GOLDEN") == "write":
        GOLDEN.write_text(done.stdout, encoding="utf-8")
    assert done.stdout == GOLDEN.read_text(encoding="utf-8")


def test_the_command_is_there(installed, tmp_path) -> None:
    script = (
        "from durable_debug.cli import main; from pathlib import Path; import durable_debug, sys\n"
        "samples = Path(durable_debug.__file__).parent / 'examples' / 'sample_histories'\n"
        "sys.exit(main(['replay', f'{samples}/apps/espresso.py:handler', f'{samples}/espresso_completed.json']))\n"
    )
    done = run(installed, "-c", script, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "thread" not in done.stdout


def test_what_the_readme_shows_first_needs_no_extra(installed, tmp_path) -> None:
    script = (
        "import durable_debug as dd; from pathlib import Path\n"
        "samples = Path(dd.__file__).parent / 'examples' / 'sample_histories'\n"
        "history = dd.load(samples / 'payment_failed.json')\n"
        "print(len(history.operations), 'basket-77' in history._repr_html_(), len(history.graph()))\n"
        "print(history.plot_timeline() is not None, history.plot_graph() is not None)\n"
        "with dd.debug(f'{samples}/apps/payment.py:handler', history) as debugger:\n"
        "    print(sorted(debugger._repr_mimebundle_()[0]))\n"
    )
    done = run(installed, "-c", script, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "application/vnd.jupyter.widget-view+json" in done.stdout
    assert done.stdout.splitlines()[1] == "True True"


def test_a_handler_that_is_installed_has_lines_of_its_own(installed, tmp_path) -> None:
    """Its file is among the libraries, too."""
    site = next((installed.parent.parent).rglob("site-packages"))
    (site / "shop_handlers.py").write_text(
        "import socket\n"
        "from aws_durable_execution_sdk_python import durable_execution\n"
        "@durable_execution\n"
        "def handler(event, context):\n"
        "    socket.create_connection(('127.0.0.1', 9))\n"
        "    return 2\n"
    )
    script = (
        "import durable_debug as dd; from pathlib import Path\n"
        "samples = Path(dd.__file__).parent / 'examples' / 'sample_histories'\n"
        "effect = dd.replay('shop_handlers:handler', samples / 'nested.json').side_effects[-1]\n"
        "print(effect.kind, Path(effect.file).name, effect.line)\n"
    )
    done = run(installed, "-c", script, cwd=tmp_path)
    assert done.stdout == "network shop_handlers.py 5\n", done.stderr
