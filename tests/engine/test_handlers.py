"""A handler may be given in many forms, with whatever lies around it."""

from __future__ import annotations

import contextlib
import functools
import json
import linecache
import os
import sys
import textwrap
from types import SimpleNamespace

import durable_debug as dd
import pytest
from aws_durable_execution_sdk_python import durable_execution
from aws_durable_execution_sdk_python.plugin import DurableInstrumentationPlugin

from tests.engine.subject import handler, history, history_of

APP = """
    from aws_durable_execution_sdk_python import durable_execution
    {imports}

    @durable_execution
    def handler(event, context):
        {first}
        return context.step(lambda _: {value}, name={name!r})
"""


def app(path, name="first", value="1", imports="", first="pass") -> None:
    path.parent.mkdir(exist_ok=True, parents=True)
    path.write_text(textwrap.dedent(APP).format(name=name, value=value, imports=imports, first=first))


@pytest.fixture(autouse=True)
def as_before(monkeypatch):
    """Modules and paths that a test brings in go with it."""
    modules, path = dict(sys.modules), list(sys.path)
    yield
    for name in set(sys.modules) - set(modules):
        if "test_handlers" in str(getattr(sys.modules[name], "__file__", "")) or name.startswith(
            ("app", "helper")
        ):
            del sys.modules[name]
    sys.path[:] = path


@pytest.fixture(scope="module")
def one_step() -> dd.History:
    @durable_execution
    def recorded(event, context):
        return context.step(lambda _: 1, name="first")

    return history_of(recorded, "one-step", input={"a": 1})


def clean(run: dd.Run) -> bool:
    return run.ok and run.status == "SUCCEEDED"


# ------------------------------------------------------------------------------------------ where it is from


def test_a_function() -> None:
    assert clean(dd.replay(handler, history()))


def test_a_function_from_a_notebook_s_cell() -> None:
    source = textwrap.dedent(APP).format(name="first", value="1", imports="", first="a_variable = event['a']")
    name = "/tmp/ipykernel_1/123456.py"
    linecache.cache[name] = (len(source), None, source.splitlines(True), name)
    space: dict = {"__name__": "__main__"}
    exec(compile(source, name, "exec"), space)

    @durable_execution
    def recorded(event, context):
        return context.step(lambda _: 1, name="first")

    run = dd.replay(space["handler"], history_of(recorded, "cell", input={"a": 1}))
    assert clean(run)
    assert run.operations[0].place.source == 'return context.step(lambda _: 1, name="first")'.replace(
        '"', "'"
    )
    with dd.debug(space["handler"], run.history) as dbg:
        assert dbg.locals["a_variable"] == 1
        dbg.break_at(line=7)
        assert dbg.breakpoints[1].bound


def test_a_module_and_a_name(one_step, tmp_path, monkeypatch) -> None:
    app(tmp_path / "app_package/orders.py")
    (tmp_path / "app_package/__init__.py").touch()
    monkeypatch.chdir(tmp_path)
    assert clean(dd.replay("app_package.orders:handler", one_step))
    assert str(tmp_path) not in sys.path


def test_a_path_and_a_name(one_step, tmp_path, monkeypatch) -> None:
    app(tmp_path / "app_one.py")
    monkeypatch.chdir(tmp_path)
    for spec in ("app_one.py:handler", "./app_one.py:handler", f"{tmp_path}/app_one.py:handler"):
        assert clean(dd.replay(spec, one_step))
    monkeypatch.setenv("HOME", str(tmp_path))
    assert clean(dd.replay("~/app_one.py:handler", one_step))


def test_a_path_with_neighbours(one_step, tmp_path) -> None:
    folder = tmp_path / "src"
    app(
        folder / "app.py",
        imports="import helper_near; from helper_package.inner import INNER",
        first="import helper_late",
    )
    source = (folder / "app.py").read_text()
    (folder / "app.py").write_text(
        source.replace("name='first'", "name=helper_near.NAME + helper_late.REST + INNER")
    )
    (folder / "helper_near.py").write_text("NAME = 'fir'\n")
    (folder / "helper_late.py").write_text("REST = 's'\n")
    (folder / "helper_package").mkdir()
    (folder / "helper_package/__init__.py").touch()
    (folder / "helper_package/inner.py").write_text("INNER = 't'\n")
    assert clean(dd.replay(f"{folder}/app.py:handler", one_step))


def test_two_versions_of_one_name_in_two_folders(tmp_path) -> None:
    """Each with a neighbour of its own: neither takes the other's, in whichever order they are replayed."""
    for version in ("v1", "v2"):
        folder = tmp_path / version
        folder.mkdir()
        (folder / "helper.py").write_text(f"NAME = 'near {version}'\n")
        (folder / "helper_late.py").write_text(f"NAME = 'late {version}'\n")
        (folder / "app.py").write_text(
            textwrap.dedent("""
            from aws_durable_execution_sdk_python import durable_execution
            import helper

            @durable_execution
            def handler(event, context):
                import helper_late
                context.step(lambda _: 1, name=helper.NAME)
                return context.step(lambda _: 1, name=helper_late.NAME)
            """)
        )

    def recorded_for(version):
        @durable_execution
        def recorded(event, context):
            context.step(lambda _: 1, name=f"near {version}")
            return context.step(lambda _: 1, name=f"late {version}")

        return history_of(recorded, f"of-{version}")

    histories = {version: recorded_for(version) for version in ("v1", "v2")}
    for version in ("v1", "v2", "v1", "v1", "v2", "v2", "v1"):
        assert clean(dd.replay(f"{tmp_path}/{version}/app.py:handler", histories[version])), version
    assert not dd.replay(f"{tmp_path}/v1/app.py:handler", histories["v2"]).ok


def test_an_edited_file_is_read_again_and_so_are_its_neighbours(one_step, tmp_path) -> None:
    path = tmp_path / "app_edited.py"
    app(path, name="other")
    assert not dd.replay(f"{path}:handler", one_step).ok
    touched(lambda: app(path, name="first"), path)
    run = dd.replay(f"{path}:handler", one_step)
    assert clean(run)
    assert "name='first'" in run.operations[0].place.source

    near = tmp_path / "helper_edited.py"
    near.write_text("NAME = 'other'\n")
    touched(
        lambda: path.write_text(
            path.read_text()
            .replace("'first'", "NAME")
            .replace("\n\n@", "\nfrom helper_edited import NAME\n@")
        ),
        path,
    )
    assert not dd.replay(f"{path}:handler", one_step).ok
    touched(lambda: near.write_text("NAME = 'first'\n"), near)
    assert clean(dd.replay(f"{path}:handler", one_step))


def touched(edit, path) -> None:
    before = path.stat().st_mtime_ns
    edit()
    os.utime(path, ns=(before + 2_000_000_000, before + 2_000_000_000))  # a later second: bytecode goes by it


def test_a_module_is_loaded_once(one_step, tmp_path) -> None:
    app(tmp_path / "app_once.py", imports="LOADED = []; LOADED.append(1)")
    for _ in range(3):
        dd.replay(f"{tmp_path}/app_once.py:handler", one_step)
    assert sys.modules["app_once"].LOADED == [1]


def test_a_file_called_like_an_installed_module(one_step, tmp_path) -> None:
    app(tmp_path / "json.py")
    assert clean(dd.replay(f"{tmp_path}/json.py:handler", one_step))
    assert sys.modules["json"] is json and json.loads("1") == 1


def test_clients_may_be_made_while_it_is_imported_without_any_aws_settings(
    one_step, tmp_path, monkeypatch
) -> None:
    monkeypatch.delenv("AWS_DEFAULT_REGION", raising=False)
    monkeypatch.delenv("AWS_REGION", raising=False)
    app(
        tmp_path / "app_clients.py",
        imports="import boto3; client = boto3.client('s3'); table = boto3.resource('dynamodb').Table('t')",
    )
    assert clean(dd.replay(f"{tmp_path}/app_clients.py:handler", one_step))
    assert "AWS_DEFAULT_REGION" not in os.environ


# ------------------------------------------------------------------------------------------ what lies around


def with_wraps(function):
    @functools.wraps(function)
    def around(event, context):
        return function(event, context)

    return around


def without_wraps(function):
    def around(event, context):
        return function(event, context)

    return around


def copies_the_event(function):
    def around(event, context):
        return function({**event, "added": True}, context)

    return around


def takes_json(function):
    def around(event, context):
        return function(json.loads(json.dumps(event)), context)

    return around


def with_arguments(level):
    return lambda function: with_wraps(function) if level else function


class Holds:
    def __init__(self, function):
        self.function = function
        self.calls = 0

    def __call__(self, event, context):
        self.calls += 1
        return self.function(event, context)


class HoldsInSlots:
    __slots__ = ("_function",)

    def __init__(self, function):
        self._function = function

    def __call__(self, event, context):
        return self._function(event, context)


class LikePowertools:
    """A logger that is kept as an attribute and whose decorator puts things on the Lambda context."""

    def inject_lambda_context(self, lambda_handler=None, *, log_event=False):
        if lambda_handler is None:
            return functools.partial(self.inject_lambda_context, log_event=log_event)

        @functools.wraps(lambda_handler)
        def decorate(event, context, *args, **kwargs):
            context.powertools = SimpleNamespace(
                request=context.aws_request_id,
                function=(context.function_name, context.memory_limit_in_mb, context.invoked_function_arn),
                left=context.get_remaining_time_in_millis(),
            )
            try:
                return lambda_handler(event, context, *args, **kwargs)
            finally:
                del context.powertools

        return decorate


class Service:
    def __init__(self):
        self.made = True

    def handle(self, event, context):
        assert self.made
        return handler(event, context)


class Callable:
    def __call__(self, event, context):
        return handler(event, context)


def plain(event, context):
    return handler(event, context)


def plain_with_a_default(event, context, *, more=None):
    assert "DurableExecutionArn" in event
    return handler(event, context)


def manages(function):
    @contextlib.contextmanager
    def around():
        yield

    @functools.wraps(function)
    def wrapped(*args, **kwargs):
        with around():
            return function(*args, **kwargs)

    return wrapped


AROUND = {
    "functools.wraps": with_wraps(handler),
    "no wraps": without_wraps(handler),
    "two": with_wraps(without_wraps(handler)),
    "with arguments": with_arguments(3)(handler),
    "a copied event": copies_the_event(handler),
    "an event through JSON": takes_json(handler),
    "a class": Holds(handler),
    "a class with slots": HoldsInSlots(handler),
    "a class around a function around": Holds(without_wraps(handler)),
    "like powertools": LikePowertools().inject_lambda_context(handler),
    "like powertools with arguments": LikePowertools().inject_lambda_context(log_event=True)(handler),
    "a partial": functools.partial(handler),
    "a partial of a decorated one": functools.partial(with_wraps(handler)),
    "a partial with an argument": functools.partial(plain_with_a_default, more=1),
    "a bound method": Service().handle,
    "a callable object": Callable(),
    "a plain function that calls it": plain,
    "a context manager": manages(handler),
}


@pytest.mark.parametrize("name", AROUND)
def test_what_lies_around_a_handler_is_kept(name) -> None:
    for _ in range(2):
        assert clean(dd.replay(AROUND[name], history()))
    with dd.debug(AROUND[name], history()) as dbg:
        assert dbg.goto(name="one-branch").asked.position == "4-0-1"
        assert dbg.step_back().asked.position == "4-0"


def test_a_decorated_handler_may_change_the_outcome() -> None:
    """As on Lambda: what lies around sees the SDK's output."""
    seen = []

    def looks(function):
        def around(event, context):
            output = function(event, context)
            seen.append((output["Status"], event["DurableExecutionArn"], type(context).__name__))
            return output

        return around

    run = dd.replay(looks(handler), history())
    assert clean(run) and seen[0][0] == "SUCCEEDED"


def test_the_users_objects_stay_as_they_are() -> None:
    holds = Holds(handler)
    dd.replay(holds, history())
    assert holds.function is handler and holds.calls == 0


class Instruments:
    made = 0

    def create_plugin(self, info) -> DurableInstrumentationPlugin:
        Instruments.made += 1
        raise RuntimeError("instrumentation has no part in a replay")


def test_plugins_of_its_own_have_no_part() -> None:
    function = handler.__wrapped__
    assert clean(dd.replay(durable_execution(function, plugins=[Instruments()]), history()))
    assert Instruments.made == 0


def test_plugins_named_in_the_environment_have_no_part(monkeypatch) -> None:
    decorated = durable_execution(handler.__wrapped__)
    monkeypatch.setenv("DURABLE_EXECUTION_PLUGINS", "nowhere.to.be:Found")
    assert clean(dd.replay(decorated, history()))
    assert os.environ["DURABLE_EXECUTION_PLUGINS"] == "nowhere.to.be:Found"


# ------------------------------------------------------------------------------------------ what is no handler


def not_durable(event, context):
    return 1


@pytest.mark.parametrize(
    ("given", "says"),
    [
        (not_durable, "not a durable function"),
        (lambda event, context: 1, "not a durable function"),
        (print, "not a durable function"),
        (Service, "not a durable function"),
        (3, "int, not a function"),
        (None, "NoneType, not a function"),
        ("handler", "does not name a handler"),
        ("nowhere.py", "no file"),
        (":handler", "does not name a handler"),
        ("nowhere_at_all:handler", "no module 'nowhere_at_all'"),
        ("json:nothing", "no 'nothing' in json"),
        ("json:loads", "not a durable function"),
        ("json:decoder.JSONDecoder", "not a durable function"),
        ("/nowhere/app.py:handler", "no file /nowhere/app.py"),
    ],
)
def test_what_is_no_handler_is_told_with_a_cure(given, says) -> None:
    for use in (dd.replay, dd.debug):
        with pytest.raises(dd.HandlerError, match=says) as caught:
            use(given, history())
        assert caught.value.cure


@pytest.mark.parametrize(
    ("source", "says"),
    [
        ("def broken(:\n", r"SyntaxError: .*line 1"),
        ("x = 1\nraise ValueError('while importing')", r"ValueError: while importing .*line 2"),
        ("import nowhere_at_all_either", "nowhere_at_all_either"),
        ("import sys; sys.exit(3)", "SystemExit: 3"),
        ("x = 1", "no 'handler' in"),
        ("handlre = 1", "Did you mean 'handlre'"),
        ("handler = 1", "int, not a function"),
        ("async def handler(e, c): ...", "not a durable function"),
        (
            "from aws_durable_execution_sdk_python import durable_execution\n"
            "@durable_execution\nasync def handler(event, context):\n    return 1\n",
            "async function",
        ),
    ],
)
@pytest.mark.parametrize("form", ["{folder}/app_bad.py:handler", "app_bad:handler"])
def test_a_module_that_is_no_good_is_told_with_a_cure(source, says, form, tmp_path, monkeypatch) -> None:
    (tmp_path / "app_bad.py").write_text(source)
    monkeypatch.chdir(tmp_path)
    before = list(sys.path)
    for _ in range(2):  # a failed import leaves nothing that a second one would trip over
        with pytest.raises(dd.HandlerError, match=says) as caught:
            dd.replay(form.format(folder=tmp_path), history())
        assert caught.value.cure
        sys.modules.pop("app_bad", None)
    assert [entry for entry in sys.path if entry not in before] in ([], [str(tmp_path)])


def test_a_decorator_that_loses_the_call_is_told() -> None:
    def loses(function):
        def around(event, context):
            function(event, context)

        return around

    with pytest.raises(dd.HandlerError, match="where the SDK's output belongs") as caught:
        dd.replay(loses(handler), history())
    assert "decorator" in caught.value.cure

    def calls_wrongly(function):
        def around(event, context):
            return function()

        return around

    with pytest.raises(dd.HandlerError, match="could not be called") as caught:
        dd.replay(calls_wrongly(handler), history())
    assert caught.value.cure


def test_another_function_than_the_history_s_is_a_divergence() -> None:
    @durable_execution
    def another(event, context):
        return context.step(lambda _: 1, name="something-else")

    run = dd.replay(another, history())
    assert not run.ok and run.divergences
    assert "something-else" in run.report()
