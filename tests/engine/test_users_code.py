"""Which code is the user's: where lines are told, and what is imported anew."""

import os
import sys
import sysconfig
import textwrap

import aws_durable_execution_sdk_python
import boto3
import durable_debug as dd
import pytest
from aws_durable_execution_sdk_python import durable_execution
from durable_debug.engine import users_code
from durable_debug.engine.handlers import resolve

from tests.engine.subject import history_of


@pytest.fixture
def site(tmp_path, monkeypatch):
    """A folder of installed packages: one of the user's own, from a wheel, and a library."""
    folder = tmp_path / "lib/python3/site-packages"
    for name, source in {
        "mine/__init__.py": "",
        "mine/app.py": """
            from aws_durable_execution_sdk_python import durable_execution
            import thirdparty
            from mine.cache import SEEN

            @durable_execution
            def handler(event, context):
                SEEN.append(1)
                thirdparty.LOADS.append(1)
                return thirdparty.called(lambda: context.step(lambda _: 1, name=f"step-{len(SEEN)}"))
        """,
        "mine/cache.py": "SEEN = []",
        "thirdparty.py": """
            LOADS = []

            def called(function):
                return function()

            def asks(context):
                return context.step(lambda _: 1, name="asked-by-a-library")
        """,
    }.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(textwrap.dedent(source))
    monkeypatch.setattr(users_code, "_LIBRARIES", (*users_code._LIBRARIES, f"{folder}/"))
    monkeypatch.setattr(users_code, "_claimed", set())
    users_code.is_users.cache_clear()
    monkeypatch.syspath_prepend(folder)
    yield folder
    users_code.is_users.cache_clear()
    for name in [name for name in sys.modules if name.partition(".")[0] in {"mine", "thirdparty"}]:
        del sys.modules[name]


def test_what_is_the_user_s() -> None:
    for file in (__file__, "/tmp/ipykernel_1/123.py", "<ipython-input-1>", "<stdin>", "<string>", "app.py"):
        assert users_code.is_users(file), file
    sdk, package = aws_durable_execution_sdk_python.__file__, dd.__file__
    library = os.path.join(sysconfig.get_path("stdlib"), "socket.py")
    for file in (boto3.__file__, sdk, package, library, os.__file__, "<frozen os>"):
        assert not users_code.is_users(file), file
    assert users_code.is_machinery(sdk) and users_code.is_machinery(package)


def test_python_s_library_can_not_be_claimed(monkeypatch) -> None:
    monkeypatch.setattr(users_code, "_claimed", set())
    users_code.claim(os.__file__)
    assert users_code._claimed == set()


@pytest.fixture(scope="module")
def one_step() -> dd.History:
    @durable_execution
    def recorded(event, context):
        return context.step(lambda _: 1, name="step-1")

    return history_of(recorded, "installed")


@pytest.mark.parametrize("form", ["mine.app:handler", "{site}/mine/app.py:handler", "object"])
def test_a_handler_that_is_installed_is_the_user_s(site, one_step, form) -> None:
    if form == "object":
        import mine.app

        handler = mine.app.handler
    else:
        handler = form.format(site=site)
    for _ in range(3):
        run = dd.replay(handler, one_step)
        assert run.ok, run.report()
        assert (run.operations[0].place.file, run.operations[0].place.source[:6]) == (
            f"{site}/mine/app.py",
            "return",
        )
    import thirdparty

    assert len(thirdparty.LOADS) == 3 or form != "object"  # a library's own state is nobody's
    with dd.debug(handler, one_step) as dbg:
        assert [os.path.basename(frame.file) for frame in dbg.stack] == ["app.py", "app.py"]
    assert not users_code.is_users(f"{site}/thirdparty.py")


def test_an_edit_of_what_is_installed_is_seen(site, one_step) -> None:
    assert dd.replay("mine.app:handler", one_step).ok
    (site / "mine/cache.py").write_text("SEEN = [5]")
    assert [d.kind for d in dd.replay("mine.app:handler", one_step).divergences] == ["renamed"]


def test_an_operation_that_a_library_asks_for_has_the_line_that_called_it(site, one_step, tmp_path) -> None:
    path = tmp_path / "users_app.py"
    path.write_text(
        textwrap.dedent("""
        from aws_durable_execution_sdk_python import durable_execution
        import thirdparty

        @durable_execution
        def handler(event, context):
            return thirdparty.asks(context)
        """)
    )
    (one,) = dd.replay(f"{path}:handler", one_step).divergences
    assert (one.kind, one.file, one.source) == ("renamed", str(path), "return thirdparty.asks(context)")
    assert resolve(f"{path}:handler").code.co_filename == str(path)
