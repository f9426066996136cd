"""Coverage by executions, held against coverage.py's own over replays of the same histories."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import coverage
import pytest

import durable_debug as dd
from durable_debug.audits.coverage import Coverage
from durable_debug.engine.taken_lines import Lines
from durable_debug.cli import main
from durable_debug.errors import DurableDebugError, OptionError
from tests.divergence.histories import steps_document, write

ROOT = Path(__file__).parents[2]
NAMES = ["reserve", "charge"]

# What is hard to count: generators, coroutines, comprehensions, exceptions through frames, context managers, classes,
# decorators, statements of several lines, modules that are imported late, threads of the user's own.
HARD = '''
"""A handler, and what is hard to count."""
from __future__ import annotations

import asyncio
import contextlib
import functools
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING

from aws_durable_execution_sdk_python import durable_execution, durable_step

import pricing

if TYPE_CHECKING:
    from collections.abc import Iterator


@dataclass
class Line:
    item: str
    count: int = 1

    @property
    def many(self) -> bool:
        if self.count > 1:
            return True
        return False


def traced(func):
    @functools.wraps(func)
    def wrapper(*args):
        try:
            return func(*args)
        finally:
            pass
    return wrapper


@traced
def counted(lines):
    for line in lines:
        if line.item == "none":
            continue
        yield line
    else:
        pass


def delegated(lines):
    found = yield from counted(lines)
    return found


async def later(n):
    await asyncio.sleep(0)
    async with locked() as it:
        return [x async for x in several(n)], it


async def several(n):
    for i in range(n):
        yield i


@contextlib.asynccontextmanager
async def locked():
    try:
        yield 1
    finally:
        await asyncio.sleep(0)


@contextlib.contextmanager
def section(name):
    try:
        yield name
    except KeyError:
        pass


def fails(mood):
    match mood:
        case "well" | None:
            return 0
        case "key":
            raise KeyError(
                mood,
            )
        case _:
            raise ValueError(mood)


def only_in_a_body(text):
    if text:
        return text.upper()
    return ""


def never(text):
    return text


@durable_step
def charge(step, amount):
    shouted = only_in_a_body("x")
    if amount > 3:
        return never(shouted)
    return amount


@durable_execution
def handler(event, context):
    mood = event.get("mood")
    lines = [Line("a"), Line("b", 2), Line("none")]
    many = [line.item for line in delegated(lines) if line.many]
    first = context.step(lambda _: only_in_a_body(
        "later"
    ), name="reserve")
    with section("one"):
        fails(mood)
    seen = []
    def work():
        import late
        seen.append(late.price(2))
    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    gen = counted(lines)
    next(gen)
    gen.close()
    total = (
        sum(x for x in range(3))
        + pricing.price(len(many))
        + (1 if mood == "key" else 2)
    )
    asyncio.run(later(2))
    try:
        if mood == "key" and first:
            {}["gone"]
    except KeyError as error:
        total += 1
    while total > 5:
        total -= 1
        if total == 7: break
    assert total, "never"
    if event.get("never"):
        never("text")
        return None
    context.step(charge(total), name="charge")
    return "done"
'''
PRICING = "RATES = {n: n * 2 for n in range(3)}\n\ndef price(n):\n    if n in RATES:\n        return RATES[n]\n    return 0\n"


@pytest.fixture
def hard(tmp_path):
    (tmp_path / "app.py").write_text(HARD)
    (tmp_path / "pricing.py").write_text(PRICING)
    (tmp_path / "late.py").write_text("def price(n):\n    return n if n > 1 else 0\n")
    write(
        tmp_path,
        [steps_document(NAMES, number=n, input={"mood": mood}) for n, mood in enumerate(["well", "key"])],
    )
    return f"{tmp_path / 'app.py'}:handler"


def audited(handler, histories, **options):
    return dd.audit(handler, histories, progress=False, coverage=True, **{"n_jobs": 1, **options})


def by_coverage_py(folder, handler, histories):
    """Arcs by file, as coverage.py counts them while each history is replayed."""
    script = folder / "replays.py"
    script.write_text(
        "import sys, durable_debug as dd\n"
        "for history in sys.argv[2:]:\n    assert dd.replay(sys.argv[1], history).ok, history\n"
    )
    data = folder / "theirs"
    command = [
        sys.executable,
        "-m",
        "coverage",
        "run",
        "--branch",
        f"--data-file={data}",
        "--rcfile=/dev/null",
    ]
    subprocess.run(
        [*command, str(script), handler, *map(str, histories)],
        check=True,
        cwd=folder,
        env={"PYTHONPATH": str(ROOT), "PATH": "", "HOME": str(folder)},
    )
    found = coverage.CoverageData(str(data))
    found.read()
    return {
        file: set(found.arcs(file))
        for file in found.measured_files()
        if file != str(script)
        and "durable_debug" not in Path(file).parent.parts
        and not file.startswith(str(ROOT / "durable_debug"))
        and "site-packages" not in file
    }


def ours(report, folder, context="replay"):
    """The same, read from the file that is saved."""
    path = report.coverage.save(folder / "ours")
    found = coverage.CoverageData(str(path))
    found.read()
    found.set_query_context(context)
    return {file: set(arcs) for file in found.measured_files() if (arcs := found.arcs(file))}


def test_it_is_line_by_line_what_coverage_py_counts_over_the_same_replays(hard, tmp_path):
    histories = sorted(tmp_path.glob("*.json"))
    report = audited(hard, histories, n_jobs=2)
    assert report.ok, report.report()
    mine, theirs = ours(report, tmp_path), by_coverage_py(tmp_path, hard, histories)
    assert set(mine) == set(theirs) == {str(tmp_path / name) for name in ("app.py", "pricing.py", "late.py")}
    for file in mine:
        lines, others = ({line for arc in arcs[file] for line in arc if line > 0} for arcs in (mine, theirs))
        assert lines == others, file
        assert mine[file] == theirs[file], file


@pytest.mark.parametrize(
    ("app", "pattern"),
    [
        ("espresso", "espresso_*.json"),
        ("nested", "nested.json"),
        ("poll_job", "poll_job.json"),
        ("payment", "payment_failed.json"),
    ],
)
def test_so_it_is_for_the_samples(samples, tmp_path, app, pattern):
    handler, histories = f"{samples / 'apps' / app}.py:handler", sorted(samples.glob(pattern))
    report = audited(handler, histories)
    theirs = by_coverage_py(tmp_path, handler, histories)
    assert ours(report, tmp_path) == theirs and theirs


def test_bodies_that_ran_on_lambda_are_not_measured_and_not_red(hard, tmp_path):
    frame = audited(hard, sorted(tmp_path.glob("*.json"))).coverage.frame
    frame = frame[frame["file"] == str(tmp_path / "app.py")]

    def state(text):
        return set(frame[frame["source"].str.startswith(text)]["state"])

    assert state("shouted = ") == state("return text.upper()") == {"not measured"}
    assert state('never("text")') == {"missed"} == state("raise ValueError(mood)")
    assert state("total += 1") == {"taken"} == state("def never(")
    assert state("return text") == {"not measured"}, "a body says its name"
    row = frame[frame["source"] == "case _:"].iloc[0]
    assert list(frame.dtypes.astype(str)) == ["str", "int64", "str", "Int64", "Int64", "str"], row
    assert frame[frame["source"].str.startswith('if event.get("never")')][
        ["branches", "branches_taken"]
    ].values.tolist() == [[2, 1]]


def test_a_body_that_never_began_is_missed(tmp_path):
    app = tmp_path / "app.py"
    app.write_text(
        "from aws_durable_execution_sdk_python import durable_execution\n\n"
        "def charge(_):\n    return 1\n\ndef refund(_):\n    return 2\n\n@durable_execution\n"
        "def handler(event, context):\n    context.step(charge, name='reserve')\n"
        "    if event.get('back'):\n        context.step(refund, name='refund')\n"
    )
    frame = audited(f"{app}:handler", steps_document(["reserve"], input={})).coverage.frame
    states = dict(zip(frame["line"], frame["state"], strict=True))
    assert (states[4], states[7], states[13]) == ("not measured", "missed", "missed")


def test_reports_of_coverage_py_are_made_of_the_file(hard, tmp_path, capsys):
    data = tmp_path / "fleet.coverage"
    code = main(["audit", hard, str(tmp_path), "--coverage", str(data), "--jobs", "1"])
    out, err = capsys.readouterr()
    assert code == 0 and "never taken" in err and "2 of 2 histories clean" in out
    shown = coverage.Coverage(data_file=str(data), config_file=False)
    shown.load()
    shown.lcov_report(outfile=str(tmp_path / "lcov"))
    shown.xml_report(outfile=str(tmp_path / "xml"))
    shown.html_report(directory=str(tmp_path / "html"))
    assert "SF:" in (tmp_path / "lcov").read_text() and (tmp_path / "html" / "index.html").exists()


def test_an_audit_that_goes_on_counts_what_was_counted_before(hard, tmp_path):
    one, two = sorted(tmp_path.glob("*.json"))
    journal = tmp_path / "fleet.audit"
    whole = audited(hard, [one, two]).coverage
    audited(hard, [one], resume=journal)
    again = audited(hard, [one, two], resume=journal).coverage
    assert again.lines == whole.lines != audited(hard, [one]).coverage.lines
    with pytest.raises(OptionError, match="another coverage"):
        dd.audit(hard, [one], resume=journal, progress=False)


def test_a_handler_in_another_interpreter_is_counted_there(hard, tmp_path):
    histories = sorted(tmp_path.glob("*.json"))
    here = audited(hard, histories).coverage
    there = audited(hard, histories, python=sys.executable).coverage
    assert there.lines == here.lines


def test_of_a_function_that_was_handed_over_its_module_is_not_measured(hard, tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(str(tmp_path))
    space = {"__name__": "__main__"}
    exec(compile((tmp_path / "app.py").read_text(), str(tmp_path / "app.py"), "exec"), space)
    frame = audited(space["handler"], sorted(tmp_path.glob("*.json"))).coverage.frame
    frame = frame[frame["file"] == str(tmp_path / "app.py")]
    assert set(frame[frame["source"] == "import asyncio"]["state"]) == {"not measured"}
    assert set(frame[frame["source"] == 'mood = event.get("mood")']["state"]) == {"taken"}


def test_a_file_that_is_something_else_is_left_as_it_is(hard, tmp_path, capsys):
    text = (tmp_path / "app.py").read_text()
    with pytest.raises(OptionError, match="holds no coverage data"):
        Coverage(Lines()).save(tmp_path / "app.py")
    assert main(["audit", hard, str(tmp_path), "--coverage", str(tmp_path / "app.py")]) == 2
    assert main(["audit", hard, str(tmp_path), "--coverage", str(tmp_path / "none" / "x")]) == 2
    assert (tmp_path / "app.py").read_text() == text and "no coverage data" in capsys.readouterr().err
    Coverage(Lines()).save(tmp_path / "data")
    Coverage(Lines()).save(tmp_path / "data")
    assert len(Coverage(Lines()).frame) == 0


def test_without_coverage_py_it_is_said_at_once(hard, tmp_path):
    code = (
        "import sys; sys.modules['coverage'] = None\nimport durable_debug as dd\n"
        f"dd.audit({hard!r}, iter([]), coverage=True)"
    )
    found = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert found.returncode and "pip install 'coverage" in found.stderr


def test_without_being_asked_nothing_is_counted(hard, tmp_path):
    assert dd.audit(hard, sorted(tmp_path.glob("*.json")), progress=False, n_jobs=1).coverage is None


@pytest.mark.parametrize("python", [None, sys.executable])
def test_of_a_change_only_the_new_handler_is_counted(hard, tmp_path, python):
    before = tmp_path / "before"
    before.mkdir()
    (before / "app.py").write_text(HARD.replace('name="charge"', 'name="pay"'))
    (before / "pricing.py").write_text(PRICING)
    (before / "late.py").write_text((tmp_path / "late.py").read_text())
    histories = write(tmp_path, [steps_document(["reserve", "other"], input={"mood": "well"})])
    report = audited(hard, histories, against=f"{before / 'app.py'}:handler", python=python)
    assert not report.ok and {Path(file).parent for file in report.coverage.lines.arcs} == {tmp_path}
