"""The guard of a deploy: applied as a user would apply it, old executions go on as before and new ones take the new path."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import durable_debug as dd
import pytest
from durable_debug.audits.patching import NoPatch, patched
from durable_debug.cli import main

STEP = '    cents = context.step(check_receipts(event["receipts"]), name="check-receipts")\n'
WAIT = '    context.wait(Duration.from_minutes(5), name="grace-period")\n'
MAIL = '    context.step(write_to_manager(event["manager"], cents, approval.callback_id), name="write-to-manager")\n'
CHANGES = {
    "inserted": (STEP, STEP + STEP.replace("check-receipts", "again")),
    "removed": (WAIT, ""),
    "renamed": ('name="check-receipts"', 'name="check-bills"'),
    "moved": (WAIT + MAIL, MAIL + WAIT),
    "retyped": (WAIT, '    context.step(lambda _: """a\nb""", name="grace-period")\n'),
    "in a child": (
        MAIL,
        f"    def tell(child):\n        return child.{MAIL.strip().removeprefix('context.')}\n\n"
        '    context.run_in_child_context(tell, name="tell")\n',
    ),
}


def pair(samples: Path, folder: Path, old: str, new: str) -> tuple[str, str]:
    source = (samples / "apps" / "suspended.py").read_text()
    assert source.count(old) == 1
    for name, text in (("old", source), ("new", source.replace(old, new))):
        (folder / name).mkdir()
        (folder / name / "app.py").write_text(text)
    return f"{folder}/old/app.py:handler", f"{folder}/new/app.py:handler"


def apply(patch: str, folder: str) -> None:
    subprocess.run(["git", "apply", "-"], input=patch.encode(), cwd=folder, check=True)


@pytest.mark.parametrize("change", CHANGES)
def test_a_guard_holds_when_it_is_applied(change, samples, tmp_path) -> None:
    old, new = pair(samples, tmp_path, *CHANGES[change])
    running = samples / "suspended.json"
    found = dd.deploy_check(old, new, running)
    assert not found.ok and found.guard is not None, found.no_guard
    assert found.guard.executions == 1 and found.guard.verified == 2
    assert "or guard them" in found.report() and "+_BEGAN_BEFORE = frozenset(" in found.report()
    apply(found.guard.patch, found.guard.folder)
    assert dd.deploy_check(old, new, running).ok


def test_without_a_guard(samples, tmp_path) -> None:
    old, new = pair(samples, tmp_path, *CHANGES["renamed"])
    found = dd.deploy_check(old, new, samples / "suspended.json", guard=False)
    assert (found.guard, found.no_guard) == (None, "")


def test_a_package_with_relative_imports_is_patched_where_it_differs(samples, tmp_path) -> None:
    flow = (samples / "apps" / "suspended.py").read_text()
    for name, text in (("old", flow), ("new", flow.replace('name="check-receipts"', "name=NAME"))):
        folder = tmp_path / name / "expenses"
        folder.mkdir(parents=True)
        (folder / "__init__.py").touch()
        (folder / "app.py").write_text("from .flow import handler\n")
        text = text.replace("\n@durable_step", "\nfrom .names import NAME\n\n@durable_step", 1)
        (folder / "flow.py").write_bytes(text.replace("\n", "\r\n").encode())
        (folder / "names.py").write_text('NAME = "check-bills"\n')
    old, new = (f"{tmp_path}/{name}/expenses/app.py:handler" for name in ("old", "new"))
    found = dd.deploy_check(old, new, samples / "suspended.json")
    assert found.guard is not None, found.no_guard
    assert found.guard.folder == str(tmp_path / "new")
    assert "b/expenses/flow.py" in found.guard.patch
    apply(found.guard.patch, found.guard.folder)
    assert dd.deploy_check(old, new, samples / "suspended.json").ok


def test_what_no_statement_of_the_handler_decides_has_no_guard(samples, tmp_path) -> None:
    old, new = pair(samples, tmp_path, *CHANGES["renamed"])
    source = (samples / "apps" / "suspended.py").read_text().replace('name="check-receipts"', "name=NAME")
    for name, value in (("old", "check-receipts"), ("new", "check-bills")):
        (tmp_path / name / "app.py").write_text(f'{source}\nNAME = "{value}"\n')
    found = dd.deploy_check(old, new, samples / "suspended.json")
    assert found.guard is None and "no function that has the durable context" in found.no_guard
    assert f"no guard: {found.no_guard}" in found.report()


def test_an_execution_that_can_not_be_named_has_no_guard(samples, tmp_path) -> None:
    old, new = pair(samples, tmp_path, *CHANGES["renamed"])
    events = json.loads((samples / "suspended.json").read_text())["Events"]
    found = dd.deploy_check(old, new, dd.load({"Events": events}))
    assert found.guard is None and "no ARN" in found.no_guard


def test_the_command_writes_it(samples, tmp_path, capsys) -> None:
    old, new = pair(samples, tmp_path, *CHANGES["renamed"])
    patch = tmp_path / "guard.patch"
    assert main(["deploy-check", old, new, str(samples / "suspended.json"), "--patch", str(patch)]) == 1
    told = capsys.readouterr().out
    assert f"`git apply {patch}` in {tmp_path}/new" in told and "_BEGAN_BEFORE" not in told
    apply(patch.read_text(), str(tmp_path / "new"))
    assert main(["deploy-check", old, new, str(samples / "suspended.json")]) == 0


def test_histories_of_all_sorts(samples, tmp_path) -> None:
    old, new = pair(samples, tmp_path, *CHANGES["renamed"])
    folder = tmp_path / "running"
    folder.mkdir()
    with pytest.raises(dd.HistoryError):
        dd.deploy_check(old, new, folder)
    shutil.copy(samples / "suspended.json", folder / "a.json")
    shutil.copy(samples / "poll_job.json", folder / "ended.json")
    (folder / "broken.json").write_text("{")
    found = dd.deploy_check(old, new, folder)
    assert sorted(row.fate for row in found.rows) == ["killed", "unknown"] and found.ended == 1
    assert found.guard is not None and found.guard.executions == 1


# ---- the text itself

OLD = """\
def helper(n):
    return n

def handler(event, context):
    a = context.step(lambda _: helper(1), name="a")
    if a:
        context.wait(1)
    elif event:
        context.wait(2)
    return a
"""


def test_what_the_old_statements_need_comes_along() -> None:
    new = OLD.replace("def helper(n):\n    return n\n\n", "").replace("helper(1)", "2")
    text = patched(OLD, new, ["arn"])
    assert text is not None and text.index("def helper") < text.index("def handler")


def test_other_parameters_are_told() -> None:
    new = OLD.replace("helper(n)", "helper(n, m)").replace("helper(1)", "helper(1, 2)")
    with pytest.raises(NoPatch, match="'helper', which takes other parameters"):
        patched(OLD, new, ["arn"])


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("context.wait(2)", "context.wait(3)"),
        ("    elif event:\n        context.wait(2)\n", "    elif a > 1:\n        context.wait(2)\n"),
        ("    return a\n", "    return a"),
        ("        context.wait(1)\n", "        context.wait(1)\n        context.wait(5)\n"),
    ],
)
def test_a_new_execution_runs_the_new_source(old, new) -> None:
    text = patched(OLD, OLD.replace(old, new), ["arn"])
    if text is not None:  # of which `patched` itself has seen that it is the new source for who is not listed
        compile(text, "app.py", "exec")


def test_statements_that_share_a_line_are_told() -> None:
    with pytest.raises(NoPatch, match="line 10 shares its line"):
        patched(OLD, OLD.replace("    return a\n", "    context.wait(1); return a\n"), ["arn"])


def test_a_second_guard_has_a_name_of_its_own() -> None:
    once = patched(OLD, OLD.replace("wait(2)", "wait(3)"), ["arn:1"])
    assert once is not None
    twice = patched(once, once.replace('name="a"', 'name="b"'), ["arn:2"])
    assert twice is not None and "_BEGAN_BEFORE_2 = frozenset(" in twice and "_BEGAN_BEFORE = " in twice
