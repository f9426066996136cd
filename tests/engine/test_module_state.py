"""Each pass begins with the user's modules as a cold Lambda has them, whatever these keep from one to the next."""

import importlib
import importlib.util
import os
import pickle
import sys
import textwrap
import threading
from unittest import mock

import durable_debug as dd
import pytest

from tests.engine.subject import history_of

HANDLER = """
from aws_durable_execution_sdk_python import durable_execution
{state}

@durable_execution
def handler(event, context):
    n = {count}
    context.step(lambda _: 1, name=f"step-{{n}}")
    context.step(lambda _: 2, name="last")
    return n
"""

# By kind of state: what the module defines, and an expression that counts how often it was evaluated.
STATES = {
    "a list": ("SEEN = []", "SEEN.append(1) or len(SEEN)"),
    "a dict": ("SEEN = {}", "SEEN.setdefault('n', []).append(1) or len(SEEN['n'])"),
    "a set": ("SEEN = set()", "SEEN.add(len(SEEN)) or len(SEEN)"),
    "a bytearray": ("SEEN = bytearray()", "SEEN.append(1) or len(SEEN)"),
    "a deque": ("import collections; SEEN = collections.deque()", "SEEN.append(1) or len(SEEN)"),
    "a counter": ("import collections; SEEN = collections.Counter()", "SEEN.update('a') or SEEN['a']"),
    "a default dict": (
        "import collections; SEEN = collections.defaultdict(list)",
        "SEEN['a'].append(1) or len(SEEN['a'])",
    ),
    "an ordered dict": (
        "import collections; SEEN = collections.OrderedDict()",
        "SEEN.update({len(SEEN): 1}) or len(SEEN)",
    ),
    "a list in a tuple in a dict": ("SEEN = {'a': ([],)}", "SEEN['a'][0].append(1) or len(SEEN['a'][0])"),
    "a global that is bound anew": (
        "X = 0\ndef count():\n    global X\n    X += 1\n    return X",
        "count()",
    ),
    "a global that comes to be": (
        "def count():\n    globals()['X'] = globals().get('X', 0) + 1\n    return X",
        "count()",
    ),
    "an attribute of a class": (
        "class Seen:\n    n = 0\ndef count():\n    Seen.n += 1\n    return Seen.n",
        "count()",
    ),
    "an instance": (
        "class Seen:\n    def __init__(self): self.n = 0\n    def more(self):\n        self.n += 1\n        return self.n\nSEEN = Seen()",
        "SEEN.more()",
    ),
    "a dataclass": (
        "from dataclasses import dataclass, field\n@dataclass\nclass Seen:\n    all: list = field(default_factory=list)\nSEEN = Seen()",
        "SEEN.all.append(1) or len(SEEN.all)",
    ),
    "an instance with slots": (
        "class Seen:\n    __slots__ = ('n',)\n    def more(self):\n        self.n = getattr(self, 'n', 0) + 1\n        return self.n\nSEEN = Seen()",
        "SEEN.more()",
    ),
    "a default argument": ("def count(seen=[]):\n    seen.append(1)\n    return len(seen)", "count()"),
    "a keyword's default": ("def count(*, seen=[]):\n    seen.append(1)\n    return len(seen)", "count()"),
    "an attribute of a function": (
        "def count():\n    count.n = getattr(count, 'n', 0) + 1\n    return count.n",
        "count()",
    ),
    "a closure": (
        "def counter():\n    n = 0\n    def count():\n        nonlocal n\n        n += 1\n        return n\n    return count\ncount = counter()",
        "count()",
    ),
    "a memory of calls": (
        "def memory(f):\n    known = {}\n    def inner(x):\n        known[len(known)] = x\n        return len(known)\n    return inner\n@memory\ndef count(x): ...",
        "count(1)",
    ),
    "lru_cache": (
        "import functools\nSEEN = []\n@functools.lru_cache\ndef count(x):\n    return x + 1",
        "count(count.cache_info().currsize)",
    ),
    "random numbers with a seed": (
        "import random\nR = random.Random(5)\nFIRST = random.Random(5).random()",
        "1 if R.random() == FIRST else 2",
    ),
    "a partial": (
        "import functools\ncount = functools.partial(lambda seen: seen.append(1) or len(seen), [])",
        "count()",
    ),
}
# Of these nothing can be put back: the modules are run again.
ONLY_FRESH = {
    "itertools.count": ("import itertools\nN = itertools.count(1)", "next(N)"),
    "an iterator": ("N = iter(range(1, 99))", "next(N)"),
    "a generator": ("def numbers():\n    yield from range(1, 99)\nN = numbers()", "next(N)"),
    "a warm lru_cache": (
        "import functools\n@functools.lru_cache\ndef count(x):\n    return x\ncount(0)",
        "count(count.cache_info().currsize)",
    ),
}


@pytest.fixture(autouse=True)
def as_before():
    modules, path = dict(sys.modules), list(sys.path)
    yield
    for name in set(sys.modules) - set(modules):
        if "test_module_state" in str(getattr(sys.modules[name], "__file__", "")) or name.startswith("state"):
            del sys.modules[name]
    sys.path[:] = path


def written(folder, state: str, count: str, name: str = "state_app"):
    path = folder / f"{name}.py"
    path.write_text(HANDLER.format(state=state, count=count))
    return path


def loaded(path, name="state_recorded"):
    spec = importlib.util.spec_from_file_location(name, path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


def recorded(path) -> dd.History:
    return history_of(loaded(path).handler, "state")


def told(run: dd.Run) -> tuple:
    return run.ok, run.status, run.result, [d.kind for d in run.divergences]


@pytest.mark.parametrize("kind", [*STATES, *ONLY_FRESH])
def test_state_of_a_module_is_as_on_a_cold_lambda(tmp_path, kind) -> None:
    path = written(tmp_path, *(STATES | ONLY_FRESH)[kind])
    history = recorded(path)
    for _ in range(3):
        assert told(dd.replay(f"{path}:handler", history))[0], kind
    with dd.debug(f"{path}:handler", history) as dbg:
        assert (dbg.stop.operation.name, dbg.step().operation.name) == (f"step-{history.result}", "last")
        assert dbg.step_back().operation.name == f"step-{history.result}"
        n = dbg.locals["n"]
        assert dd.replay(f"{path}:handler", history).ok  # another one, while this one stands in the middle
        assert dbg.step().operation.name == "last" and dbg.locals["n"] == n
    changed = tmp_path / "state_changed.py"
    changed.write_text(path.read_text().replace('name="last"', 'name="latest"'))
    for _ in range(2):
        assert told(dd.replay(f"{changed}:handler", history))[3] == ["renamed"]


@pytest.mark.parametrize("kind", STATES)
def test_a_function_object_finds_its_modules_as_they_were(tmp_path, kind) -> None:
    path = written(tmp_path, *STATES[kind])
    history = recorded(path)
    module = loaded(path, "state_object")
    for _ in range(3):
        run = dd.replay(module.handler, history)
        assert run.ok, run.report()
    with dd.debug(module.handler, history) as dbg:
        assert dbg.step().operation.name == "last"
        assert dbg.step_back().operation.name == f"step-{history.result}"
        assert dd.replay(module.handler, history).ok
        assert dbg.step().operation.name == "last"
    assert dd.replay(module.handler, history).ok


@pytest.mark.parametrize("kind", ["itertools.count", "a warm lru_cache"])
def test_what_can_not_be_put_back_is_said(tmp_path, kind) -> None:
    path = written(tmp_path, *ONLY_FRESH[kind])
    history = recorded(path)
    module = loaded(path, "state_object")
    assert dd.replay(module.handler, history).ok
    run = dd.replay(module.handler, history)
    assert [d.kind for d in run.divergences] == ["nondeterministic"]
    assert "could not be put back" in " ".join(run.unchecked)


def test_a_cell_of_a_notebook(tmp_path) -> None:
    """Only what the handler reaches is looked at, and only what the pass changed is put back."""
    history = recorded(written(tmp_path, *STATES["a list"]))
    space: dict = {"__name__": "__main__", "mine": [1], "other": 5}
    exec(
        compile(
            "SEEN = []\n" + HANDLER.format(state="", count="SEEN.append(1) or len(SEEN)"),
            "<ipython-input-3>",
            "exec",
        ),
        space,
    )
    for _ in range(2):
        assert dd.replay(space["handler"], history).ok
    assert space["SEEN"] == []
    with dd.debug(space["handler"], history) as dbg:
        dbg.step()
        space["mine"].append(2)
        space["other"], space["new"] = 6, 7
        mine = space["helper"] = lambda: 3
    assert (space["mine"], space["other"], space["new"], space["helper"]) == ([1, 2], 6, 7, mine)
    space["SEEN"].append("the user's own")
    assert not dd.replay(space["handler"], history).ok  # it is the user's
    assert space["SEEN"] == ["the user's own"]


def test_what_pytest_has_patched_stays(tmp_path, monkeypatch) -> None:
    path = written(tmp_path, "NAME = 'step'\nSEEN = []", "SEEN.append(1) or len(SEEN)")
    history = recorded(path)
    path.write_text(path.read_text().replace('f"step-{n}"', 'f"{NAME}-{n}"'))
    module = loaded(path, "state_object")
    assert dd.replay(module.handler, history).ok
    monkeypatch.setattr(module, "NAME", "patched")
    assert [d.kind for d in dd.replay(module.handler, history).divergences] == ["renamed"]
    assert module.NAME == "patched"
    assert dd.replay(f"{path}:handler", history).ok  # imported for itself
    monkeypatch.setattr("state_app.NAME", "patched")
    for _ in range(2):
        assert [d.kind for d in dd.replay(f"{path}:handler", history).divergences] == ["renamed"]
    monkeypatch.undo()
    for _ in range(2):
        assert dd.replay(f"{path}:handler", history).ok and dd.replay(module.handler, history).ok


def test_what_pytest_has_patched_in_modules_of_its_own_holds_for_a_named_handler(
    tmp_path, monkeypatch
) -> None:
    history = recorded_package(tmp_path, monkeypatch)
    package(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    mine = importlib.import_module("statepackage.app")
    spec = "statepackage.app:handler"
    assert dd.replay(spec, history).ok
    for target, value in (
        ("statepackage.names.NAME", "patched"),
        ("statepackage.app.tools", lambda context: context.step(lambda _: [1], name="mine")),
        (
            "statepackage.app.tools",
            mock.Mock(side_effect=lambda context: context.step(lambda _: [1], name="mine")),
        ),
    ):
        with monkeypatch.context() as patch:
            patch.setattr(target, value)
            for _ in range(2):
                assert [d.kind for d in dd.replay(spec, history).divergences] == ["renamed"], target
                assert [d.kind for d in dd.replay(mine.handler, history).divergences] == ["renamed"], target
        for _ in range(2):
            assert dd.replay(spec, history).ok, target


@pytest.mark.parametrize("edit", ["NAME = 'pax'", "NAME = 'pay-v2'"])
def test_an_edit_is_no_patch(tmp_path, monkeypatch, edit) -> None:
    history = recorded_package(tmp_path, monkeypatch)
    folder = package(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    importlib.import_module("statepackage.app")
    assert dd.replay("statepackage.app:handler", history).ok
    (folder / "names.py").write_text(edit)
    assert [d.kind for d in dd.replay("statepackage.app:handler", history).divergences] == ["renamed"]


PACKAGE = {
    "__init__.py": "",
    "app.py": """
        from aws_durable_execution_sdk_python import durable_execution
        from . import names
        from .deep.cache import tools

        @durable_execution
        def handler(event, context):
            found = tools(context)
            from .late import LATE
            LATE.append(1)
            return context.step(lambda _: 1, name=f"{names.NAME}-{len(found)}-{len(LATE)}")
    """,
    "names.py": "NAME = 'pay'",
    "late.py": "LATE = []",
    "deep/__init__.py": "",
    "deep/cache.py": """
        _TOOLS = None

        def tools(context):
            global _TOOLS
            if _TOOLS is None:
                _TOOLS = context.step(lambda _: ["search"], name="get-tools")
            return _TOOLS
    """,
}


def package(folder, name="statepackage", **other):
    for file, source in (PACKAGE | other).items():
        path = folder / name / file
        path.parent.mkdir(exist_ok=True, parents=True)
        path.write_text(textwrap.dedent(source))
    return folder / name


def recorded_package(tmp_path, monkeypatch) -> dd.History:
    folder = package(tmp_path / "recorded", "staterecorded")
    monkeypatch.syspath_prepend(folder.parent)
    return history_of(importlib.import_module("staterecorded.app").handler, "package")


@pytest.mark.parametrize("form", ["by path", "by module"])
def test_a_package_with_relative_imports(tmp_path, monkeypatch, form) -> None:
    history = recorded_package(tmp_path, monkeypatch)
    folder = package(tmp_path)
    monkeypatch.chdir(tmp_path)
    spec = f"{folder}/app.py:handler" if form == "by path" else "statepackage.app:handler"
    for _ in range(3):
        run = dd.replay(spec, history)
        assert run.ok, run.report()
    with dd.debug(spec, history) as dbg:
        assert dbg.step().index == 1 and dbg.step_back().operation.name == "get-tools"


@pytest.mark.parametrize("form", ["by path", "by module"])
@pytest.mark.parametrize("file", ["names.py", "deep/cache.py", "late.py", "app.py"])
def test_an_edit_of_any_of_the_user_s_files_is_seen(tmp_path, monkeypatch, form, file) -> None:
    """Also within a second, of the same length, and in a module that is imported in a function."""
    history = recorded_package(tmp_path, monkeypatch)
    folder = package(tmp_path)
    monkeypatch.chdir(tmp_path)
    spec = f"{folder}/app.py:handler" if form == "by path" else "statepackage.app:handler"
    edits = {
        "names.py": ("'pay'", "'pax'"),
        "deep/cache.py": ("get-tools", "got-tools"),
        "late.py": ("[]", "[5]"),
        "app.py": ("names.NAME}-", "names.NAME}+"),
    }
    assert dd.replay(spec, history).ok
    before = (folder / file).read_text()
    (folder / file).write_text(before.replace(*edits[file]))
    assert [d.kind for d in dd.replay(spec, history).divergences] == ["renamed"]
    report = dd.audit(spec, [history], progress=False)
    assert not report.ok
    (folder / file).write_text(before)
    assert dd.replay(spec, history).ok


def test_the_user_s_own_modules_stay_where_they_are(tmp_path, monkeypatch) -> None:
    history = recorded_package(tmp_path, monkeypatch)
    package(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    mine = importlib.import_module("statepackage.app")
    names = importlib.import_module("statepackage.names")
    assert dd.replay("statepackage.app:handler", history).ok
    assert sys.modules["statepackage.app"] is mine and sys.modules["statepackage.names"] is names
    assert dd.replay(mine.handler, history).ok
    assert pickle.loads(pickle.dumps(mine.tools)) is mine.tools
    with dd.debug("statepackage.app:handler", history) as dbg:
        dbg.step()
    assert sys.modules["statepackage.app"] is mine


def test_a_module_that_was_used_before_is_cold_where_it_is_named(tmp_path, monkeypatch) -> None:
    history = recorded_package(tmp_path, monkeypatch)
    again = importlib.import_module("staterecorded.deep.cache")
    assert again._TOOLS == ["search"]  # it has run here, for the record
    assert dd.replay("staterecorded.app:handler", history).ok
    assert again._TOOLS == ["search"]


def test_two_packages_of_one_name_in_turn(tmp_path, monkeypatch) -> None:
    history = recorded_package(tmp_path, monkeypatch)
    one = package(tmp_path / "one")
    other = package(tmp_path / "other", **{"names.py": "NAME = 'other'"})
    for _ in range(3):
        assert dd.replay(f"{one}/app.py:handler", history).ok
        assert [d.kind for d in dd.replay(f"{other}/app.py:handler", history).divergences] == ["renamed"]
    with dd.debug(f"{one}/app.py:handler", history) as dbg:
        dbg.step()
        assert not dd.replay(f"{other}/app.py:handler", history).ok
        assert dbg.step_back().operation.name == "get-tools"
        assert dbg.step().operation.name == "pay-1-1"


def test_a_module_that_registers_itself_in_a_library(tmp_path) -> None:
    """It can't be imported twice: what can't be put back is then said, and the rest is put back."""
    state = (
        "import itertools, json\nif hasattr(json, 'registered_here'): raise ValueError('registered twice')\n"
        "json.registered_here = True\nN = itertools.count()\nSEEN = []"
    )
    path = written(tmp_path, state, "next(N) and 1 or SEEN.append(1) or len(SEEN)")
    import json

    try:
        history = recorded(path)
        del json.registered_here
        for _ in range(3):
            run = dd.replay(f"{path}:handler", history)
            assert run.ok, run.report()
        assert "can't be imported twice" in " ".join(run.unchecked)
    finally:
        del json.registered_here


def test_settings_are_read_again_where_the_environment_is_another(tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("STATE_NAME", "step")
    path = written(tmp_path, "import os\nNAME = os.environ['STATE_NAME']", "1")
    history = recorded(path)
    path.write_text(path.read_text().replace('f"step-{n}"', 'f"{NAME}-{n}"'))
    assert dd.replay(f"{path}:handler", history).ok
    monkeypatch.setenv("STATE_NAME", "other")
    assert [d.kind for d in dd.replay(f"{path}:handler", history).divergences] == ["renamed"]
    monkeypatch.setenv("STATE_NAME", "step")
    assert dd.replay(f"{path}:handler", history).ok


def test_modules_that_keep_nothing_are_imported_once(tmp_path) -> None:
    loads = "import sys; sys.state_loads = getattr(sys, 'state_loads', 0) + 1; import boto3; CLIENT = boto3.client('s3', region_name='eu-west-1')"
    path = written(tmp_path, f"{loads}\nSEEN = []", "SEEN.append(1) or len(SEEN)")
    try:
        history = recorded(path)
        before = sys.state_loads
        for _ in range(4):
            assert dd.replay(f"{path}:handler", history).ok
        with dd.debug(f"{path}:handler", history) as dbg:
            dbg.step()
            dbg.step_back()
        assert sys.state_loads == before + 1
    finally:
        del sys.state_loads


def test_each_thread_s_own_state(tmp_path) -> None:
    path = written(
        tmp_path,
        "import threading\nL = threading.local()\ndef count():\n    L.n = getattr(L, 'n', 0) + 1\n    return L.n",
        "count()",
    )
    history = recorded(path)
    for _ in range(3):
        assert dd.replay(f"{path}:handler", history).ok


def test_many_at_once(tmp_path) -> None:
    path = written(tmp_path, *STATES["a dict"])
    history = recorded(path)
    runs: list[dd.Run] = []

    def some() -> None:
        runs.extend(dd.replay(f"{path}:handler", history) for _ in range(5))

    threads = [threading.Thread(target=some) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [run.ok for run in runs] == [True] * 20


def test_a_function_whose_file_was_edited_says_so(tmp_path) -> None:
    path = written(tmp_path, "", "1")
    history = recorded(path)
    module = loaded(path, "state_object")
    assert not [s for s in dd.replay(module.handler, history).unchecked if s.startswith("Edits")]
    path.write_text(path.read_text().replace('"last"', '"other"'))
    run = dd.replay(module.handler, history)
    assert run.ok and any(s.startswith(f"Edits of {path}") for s in run.unchecked)
    assert not dd.replay(f"{path}:handler", history).ok


def test_an_open_debugger_stays_with_its_code(tmp_path) -> None:
    path = written(tmp_path, *STATES["a list"])
    history = recorded(path)
    with dd.debug(f"{path}:handler", history) as dbg:
        path.write_text(path.read_text().replace('"last"', '"other"'))
        assert [dbg.step().operation.name, dbg.step_back().operation.name] == ["last", "step-1"]
        assert not dd.replay(f"{path}:handler", history).ok
        assert dbg.restart().operation.name == "step-1" and dbg.step().operation.name == "last"


def test_what_a_body_did_that_was_let_run_stays(tmp_path) -> None:
    path = written(tmp_path, "RAN = []\nSEEN = []", "SEEN.append(1) or len(SEEN)")
    path.write_text(path.read_text().replace("lambda _: 2", "lambda _: RAN.append(1) or 2"))
    history = recorded(path)
    from tests.engine.test_safety import cut

    unfinished = cut(history, "last")
    module = loaded(path, "state_object")
    for times in (1, 2):
        run = dd.replay(module.handler, unfinished, run="last")
        assert (run.status, module.RAN, module.SEEN) == ("SUCCEEDED", [1] * times, [])
    with dd.debug(module.handler, unfinished, run="last") as dbg:
        for _ in range(3):
            dbg.run()
            dbg.step_back()
    assert module.RAN == [1] * 3
    assert any("ran once" in sentence for sentence in run.unchecked)
    assert os.path.exists(path)
