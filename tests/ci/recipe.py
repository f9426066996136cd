"""Runs the steps of a pipeline as their systems do, as far as that goes without them: each in bash, in a checkout."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[2]
EXAMPLES = ROOT / "docs" / "ci"
PATIENCE = 300  # seconds for a step: the machine may be busy


def pipeline(name: str) -> dict[Any, Any]:
    """One of the examples, or the action."""
    return yaml.safe_load((ROOT / name if name == "action.yml" else EXAMPLES / name).read_text())


@dataclass
class Machine:
    """A build machine: a checkout, an environment, and folders that a system has."""

    checkout: Path
    home: Path
    env: dict[str, str] = field(default_factory=dict)

    def bash(self, script: str, **env: str) -> subprocess.CompletedProcess[str]:
        """Run a step as the systems do: it ends at the first command that fails."""
        assert "${{" not in script  # nobody's text is put into a script
        return subprocess.run(
            ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", script],
            cwd=self.checkout,
            env=self._environment() | self.env | env,
            capture_output=True,
            text=True,
            stdin=subprocess.DEVNULL,
            timeout=PATIENCE,
        )

    def _environment(self) -> dict[str, str]:
        paths = [str(self.home / "bin"), str(Path(sys.executable).parent), os.environ["PATH"]]
        return {
            **{name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "GIT_"))},
            "PATH": os.pathsep.join(paths),
            "PYTHONPATH": str(ROOT),
            "PIP_NO_INDEX": "1",  # what is asked for is here
            "PIP_DISABLE_PIP_VERSION_CHECK": "1",
            "AWS_ACCESS_KEY_ID": "nobody",
            "AWS_SECRET_ACCESS_KEY": "nothing",
            "AWS_REGION": "eu-west-1",
            "AWS_DEFAULT_REGION": "eu-west-1",
        }

    def git(self, *arguments: str) -> str:
        return git(self.checkout, *arguments)


def git(folder: Path, *arguments: str) -> str:
    who = ("-c", "user.name=A Developer", "-c", "user.email=developer@example.com")
    return subprocess.run(
        ["git", *who, *arguments], cwd=folder, check=True, capture_output=True, text=True
    ).stdout.strip()


def filled(text: str, **known: Any) -> str:
    """Put values in where GitHub does: ``${{ inputs.handler }}``."""
    return re.sub(r"\$\{\{ ([\w.-]+) \}\}", lambda found: str(known[found[1]]), text)


def run_action(
    machine: Machine, given: dict[str, str]
) -> tuple[subprocess.CompletedProcess[str], dict[str, str], str]:
    """Run the composite action's steps; what came of the last, its outputs, and the page of the job."""
    action = pipeline("action.yml")
    inputs = {name: one.get("default", "") for name, one in action["inputs"].items()}
    assert set(given) <= set(inputs)
    assert {name for name, one in action["inputs"].items() if one.get("required")} <= set(given)
    known = {f"inputs.{name}": value for name, value in {**inputs, **given}.items()}
    output, summary = machine.home / "output.txt", machine.home / "summary.md"
    for file in (output, summary):
        file.write_text("")
    shared = {
        "GITHUB_ACTION_PATH": str(ROOT),
        "GITHUB_OUTPUT": str(output),
        "GITHUB_STEP_SUMMARY": str(summary),
        "RUNNER_TEMP": str(machine.home),
    }
    for step in action["runs"]["steps"]:
        env = {name: filled(value, **known) for name, value in step.get("env", {}).items()}
        folder = filled(step.get("working-directory", "."), **known)
        place = Machine(machine.checkout / folder, machine.home, machine.env)
        done = place.bash(step["run"], **shared, **env)
        if done.returncode:
            break
    outputs = dict(line.split("=", 1) for line in output.read_text().splitlines())
    return done, outputs, summary.read_text()
