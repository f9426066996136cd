"""From an account to a gate, as docs/ci.md has it: a nightly fetch from an emulator, a red pull request, green after the mend."""

from __future__ import annotations

import json
import logging
import os
import shutil
import subprocess
import sys
import threading
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest
import yaml
from aws_durable_execution_sdk_python_testing.runner import DurableFunctionTestRunner
from aws_durable_execution_sdk_python_testing.web.server import WebServer, WebServiceConfig

from tests.ci.recipe import EXAMPLES, ROOT, Machine, filled, git, pipeline, run_action
from tests.sources.conftest import free_port

APP = """from aws_durable_execution_sdk_python import durable_execution


@durable_execution
def handler(event, context):
    order = context.step(lambda _: {"id": event["id"], "total": 42}, name="quote")
    context.step(lambda _: "charged", name="charge")
    approval = context.create_callback(name="approval")
    approval.result()
    return order
"""
HANDLER = "src/app.py:handler"
GATE = "git:origin/main:src/app.py:handler"


@pytest.fixture(scope="module")
def account(tmp_path_factory):
    """An emulator with executions of `orders` that wait for an approval, and one that has ended; its address."""
    namespace: dict = {}
    exec(compile(APP, "app.py", "exec"), namespace)
    root = logging.getLogger()
    level, log_handlers = root.level, root.handlers[:]
    logging.disable(logging.CRITICAL)
    with DurableFunctionTestRunner(namespace["handler"], poll_interval=0.01) as runner:
        with WebServer(WebServiceConfig("127.0.0.1", free_port(), logging.CRITICAL), runner._executor) as web:
            root.setLevel(level)
            root.handlers[:] = log_handlers
            thread = threading.Thread(target=web.serve_forever, kwargs={"poll_interval": 0.02})
            thread.start()
            try:
                for number in range(3):
                    arn = runner.run_async(
                        json.dumps({"id": number}), function_name="orders", execution_name=f"order-{number}"
                    )
                    callback = runner.wait_for_callback(arn, name="approval", timeout=120)
                runner.send_callback_success(callback, b'"yes"')
                runner.wait_for_result(arn, timeout=120)
                yield f"http://127.0.0.1:{web.server_address[1]}"
            finally:
                web.shutdown()
                thread.join()
                logging.disable(logging.NOTSET)


@pytest.fixture(scope="module")
def artefact(account, tmp_path_factory):
    """What the nightly job keeps: its own steps are run, and its artefact is packed and unpacked."""
    home = tmp_path_factory.mktemp("nightly")
    machine = Machine(home, home, {"AWS_ENDPOINT_URL_LAMBDA": account})
    job = pipeline("github-nightly.yml")
    machine.env |= job["env"]
    *steps, upload = job["jobs"]["fetch"]["steps"]
    for step in steps:
        if "run" in step:
            done = machine.bash(step["run"])
            assert done.returncode == 0, done.stderr
    assert upload["uses"].startswith("actions/upload-artifact@")
    packed = shutil.make_archive(str(home / "artefact"), "zip", home / upload["with"]["path"])
    shutil.unpack_archive(packed, home / "kept")
    return home / "kept"


@pytest.fixture
def machine(tmp_path, artefact):
    """A checkout of a pull request's branch: main is what is deployed, the branch renames a step."""
    origin, checkout = tmp_path / "origin.git", tmp_path / "checkout"
    git(tmp_path, "init", "-q", "--bare", "-b", "main", str(origin))
    git(tmp_path, "clone", "-q", str(origin), str(checkout))
    (checkout / "src").mkdir()
    (checkout / "src" / "app.py").write_text(APP)
    (checkout / "requirements.txt").write_text("# nothing but the SDK, which durable_debug brings\n")
    (checkout / ".gitignore").write_text("/running/\n")
    git(checkout, "checkout", "-q", "-b", "main")
    git(checkout, "add", "-A")
    git(checkout, "commit", "-q", "-m", "Orders")
    git(checkout, "push", "-q", "origin", "main")
    git(checkout, "checkout", "-q", "-b", "tidy-names")
    edit(checkout, '"charge"', '"charge-card"')
    shutil.copytree(artefact, checkout / "running")
    return Machine(checkout, tmp_path)


def edit(checkout: Path, old: str, new: str) -> None:
    path = checkout / "src" / "app.py"
    assert old in path.read_text()
    path.write_text(path.read_text().replace(old, new))
    git(checkout, "commit", "-q", "-am", "Edit")


def line_of(text: str) -> int:
    return next(number for number, line in enumerate(APP.splitlines(), 1) if text in line)


def test_the_night_keeps_what_is_running_without_its_values(artefact):
    kept = sorted(artefact.glob("*.json"))
    assert len(kept) == 2  # order-2 has ended
    for path in kept:
        assert json.loads(path.read_text())["Redacted"] and "charged" not in path.read_text()


def test_a_night_in_which_nothing_runs(account, machine):
    shutil.rmtree(machine.checkout / "running")
    machine.env |= {"AWS_ENDPOINT_URL_LAMBDA": account, "FUNCTION": "nothing"}
    (fetch,) = (
        step
        for step in pipeline("github-nightly.yml")["jobs"]["fetch"]["steps"]
        if "fetch" in step.get("run", "")
    )
    assert machine.bash(fetch["run"]).returncode == 0
    assert list((machine.checkout / "running").iterdir())  # or there is no artefact
    for more, code in (("", 0), (" --fail-on-empty", 2)):
        done = machine.bash(f"durable-debug audit {HANDLER} running{more}")
        assert done.returncode == code, done.stdout + done.stderr


def test_github_red_with_a_mark_at_the_line_and_green_after_the_mend(machine):
    job = pipeline("github.yml")
    handler = job["env"]["HANDLER"]
    steps = job["jobs"]["audit"]["steps"]
    (audit,) = (step for step in steps if step.get("uses", "").startswith("durable-debug/"))
    known = {"env.HANDLER": handler, "github.base_ref": "main"}
    given = {name: filled(value, **known) for name, value in audit["with"].items()}
    assert (handler, given["against"]) == (HANDLER, GATE)

    done, outputs, page = run_action(machine, given)
    assert done.returncode == 1, done.stderr
    (result,) = json.loads(Path(outputs["sarif"]).read_text())["runs"][0]["results"]
    where = result["locations"][0]["physicalLocation"]
    assert where["artifactLocation"]["uri"] == "src/app.py"
    assert where["region"]["startLine"] == line_of('name="charge"')
    assert (result["ruleId"], result["level"]) == ("durable-debug/renamed", "error")
    assert page.startswith("## ✗ durable-debug: 0 of 2 histories clean, 2 diverge")
    assert "order-0" in page and "order-2" not in page

    edit(machine.checkout, '"charge-card"', '"charge"')
    done, outputs, page = run_action(machine, given)
    assert done.returncode == 0, done.stdout + done.stderr
    assert json.loads(Path(outputs["sarif"]).read_text())["runs"][0]["results"] == []
    assert page.startswith("## ✓ durable-debug: 2 of 2 histories clean")
    assert machine.git("worktree", "list").count("\n") == 0  # that of origin/main is gone


def test_github_gets_the_artefact_of_the_night(machine, artefact, tmp_path):
    """GitHub's own command line is stood in for: it is not here, and would need GitHub."""
    shutil.rmtree(machine.checkout / "running")
    (tmp_path / "bin").mkdir()
    gh = tmp_path / "bin" / "gh"
    gh.write_text(f"""#!/bin/sh
case "$*" in
  "run list --workflow nightly-histories.yml --status success --limit 1 --json databaseId --jq .[0].databaseId") echo 4711 ;;
  "run download 4711 --name running-histories --dir running") cp -r '{artefact}' running ;;
  *) echo "unknown: $*" >&2; exit 1 ;;
esac
""")
    gh.chmod(0o755)
    (step,) = (
        step for step in pipeline("github.yml")["jobs"]["audit"]["steps"] if "gh run" in step.get("run", "")
    )
    nightly = pipeline("github-nightly.yml")["jobs"]["fetch"]["steps"][-1]["with"]
    assert nightly["name"] in step["run"] and list(step["env"]) == ["GH_TOKEN"]
    done = machine.bash(step["run"], GH_TOKEN="none")
    assert done.returncode == 0, done.stderr
    assert len(list((machine.checkout / "running").glob("*.json"))) == 2


def test_the_action_passes_everything_on_and_nothing_is_taken_for_code(machine, tmp_path):
    given = {
        "handler": "src/app.py:handler",
        "histories": "running\n",
        "args": "--since\n2100-01-01\n--fail-on-empty\n--allow\nopen $(touch hacked)`touch hacked`; touch hacked\n",
        "directory": ".",
        "sarif": "out put.sarif",
    }
    done, outputs, page = run_action(machine, given)
    assert done.returncode == 2 and "left out" in done.stderr.lower(), done.stderr
    assert not (machine.checkout / "hacked").exists()
    assert (outputs, page) == ({}, "")
    done, outputs, page = run_action(machine, {**given, "args": "", "baseline": "", "fail-on": "none"})
    assert done.returncode == 0 and Path(outputs["sarif"]).name == "out put.sarif"
    assert page


def test_the_action_installs_what_it_comes_with(machine, tmp_path):
    (install, _) = pipeline("action.yml")["runs"]["steps"]
    (tmp_path / "bin").mkdir()
    python = tmp_path / "bin" / "python"
    python.write_text(f'#!/bin/sh\nexec "{sys.executable}" "$@"\n')
    python.chmod(0o755)
    target = tmp_path / "target"
    without = os.pathsep.join([str(tmp_path / "bin"), *os.defpath.split(os.pathsep)])
    here = {
        "PIP_TARGET": str(target),
        "PIP_NO_DEPS": "1",
        "PIP_NO_BUILD_ISOLATION": "0",
    }  # no registry is asked
    done = machine.bash(install["run"], GITHUB_ACTION_PATH=str(ROOT), PATH=without, **here)
    assert done.returncode == 0, done.stderr
    assert (target / "bin" / "durable-debug").exists() and (target / "durable_debug" / "cli").is_dir()


def test_gitlab_red_and_green(account, machine):
    jobs = pipeline("gitlab.yml")
    for name, value in jobs["variables"].items():
        machine.env[name] = value
    machine.env |= {"CI_MERGE_REQUEST_TARGET_BRANCH_NAME": "main", "AWS_ENDPOINT_URL_LAMBDA": account}
    shutil.rmtree(machine.checkout / "running")
    done = machine.bash("\n".join(jobs["running-histories"]["script"]))
    assert done.returncode == 0, done.stderr
    script = "\n".join(jobs["audit"]["script"])
    done = machine.bash(script)
    assert done.returncode == 1 and "renamed (error) at src/app.py" in done.stdout, done.stderr
    assert failures(machine.checkout / jobs["audit"]["artifacts"]["reports"]["junit"]) == ("2", "0")
    edit(machine.checkout, '"charge-card"', '"charge"')
    done = machine.bash(script)
    assert done.returncode == 0, done.stdout + done.stderr
    assert failures(machine.checkout / "audit.xml") == ("0", "0")


def test_codebuild_red_and_green(account, machine):
    spec = pipeline("buildspec.yml")
    machine.env |= spec["env"]["variables"] | {"AWS_ENDPOINT_URL_LAMBDA": account}
    shutil.rmtree(machine.checkout / "running")
    for phase in ("install", "pre_build"):
        done = machine.bash("\n".join(spec["phases"][phase]["commands"]))
        assert done.returncode == 0, done.stderr
    build = "\n".join(spec["phases"]["build"]["commands"])
    done = machine.bash(build)
    assert done.returncode == 1 and "renamed (error) at src/app.py" in done.stdout, done.stderr
    (file,) = spec["reports"]["durable-debug"]["files"]
    assert failures(machine.checkout / file) == ("2", "0")
    edit(machine.checkout, '"charge-card"', '"charge"')
    assert machine.bash(build).returncode == 0


def failures(path: Path) -> tuple[str, str]:
    suite = ET.parse(path).find("testsuite")
    return suite.get("failures"), suite.get("errors")


def test_the_hook_of_pre_commit(machine, tmp_path):
    """With `language: system`, so that what is here is run: an environment of its own would have to be downloaded."""
    hooks = tmp_path / "hooks"
    hooks.mkdir()
    shutil.copy(ROOT / ".pre-commit-hooks.yaml", hooks)
    git(hooks, "init", "-q")
    git(hooks, "add", "-A")
    git(hooks, "commit", "-q", "-m", "Hooks")
    config = {
        "repos": [
            {
                "repo": str(hooks),
                "rev": git(hooks, "rev-parse", "HEAD"),
                "hooks": [
                    {
                        "id": "durable-debug-audit",
                        "language": "system",
                        "args": [HANDLER, "running", "--against", GATE],
                    }
                ],
            }
        ]
    }
    (machine.checkout / ".pre-commit-config.yaml").write_text(yaml.safe_dump(config))
    git(machine.checkout, "add", "-A")
    machine.env["PRE_COMMIT_HOME"] = str(tmp_path / "pre-commit")
    done = machine.bash("python -m pre_commit run --all-files")
    assert done.returncode == 1 and "renamed (error) at src/app.py" in done.stdout, done.stdout + done.stderr
    edit(machine.checkout, '"charge-card"', '"charge"')
    done = machine.bash("python -m pre_commit run --all-files")
    assert done.returncode == 0 and "Passed" in done.stdout, done.stdout + done.stderr


@pytest.mark.parametrize("linked", [False, True])
def test_a_commit_holds_what_it_should_though_its_hook_looks_at_another_revision(machine, tmp_path, linked):
    """git gives a hook the index of the commit, which a worktree that is made there must not write over."""
    checkout = machine.checkout
    if linked:
        checkout = tmp_path / "linked"
        machine.git("worktree", "add", "-q", "-b", "linked", str(checkout))
        shutil.copytree(machine.checkout / "running", checkout / "running")
    hook = machine.checkout / ".git" / "hooks" / "pre-commit"
    hook.write_text(
        "#!/bin/sh\ncd src && exec durable-debug audit app.py:handler ../running --jobs 1 --against git:origin/main:app.py:handler\n"
    )
    hook.chmod(0o755)
    path, other = checkout / "src" / "app.py", checkout / "other.txt"
    was = path.read_text()
    place = Machine(checkout, tmp_path)
    commit = "git -c user.name=A -c user.email=a@example.com commit -q -m Mend src/app.py"
    done = place.bash(f"echo '# more' >> src/app.py; {commit}")
    assert done.returncode == 1 and "renamed" in done.stderr, done.stdout + done.stderr
    path.write_text(was.replace('"charge-card"', '"charge"') + "# mended\n")  # as no other revision has it
    other.write_text("not of this commit")
    done = place.bash(f"git add other.txt && {commit}")
    assert done.returncode == 0, done.stdout + done.stderr
    assert git(checkout, "show", "--format=", "--name-only", "HEAD") == "src/app.py"
    assert git(checkout, "show", "HEAD:src/app.py").endswith("# mended")
    assert git(checkout, "status", "--short") == "A  other.txt"


@pytest.mark.parametrize(
    ("schema", "files"),
    [
        ("github-actions", [ROOT / "action.yml"]),
        ("github-workflows", sorted(EXAMPLES.glob("github*.yml"))),
        ("gitlab-ci", [EXAMPLES / "gitlab.yml"]),
    ],
)
def test_the_files_are_what_their_systems_take(schema, files):
    done = subprocess.run(
        [sys.executable, "-m", "check_jsonschema", "--builtin-schema", f"vendor.{schema}", *files],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr
