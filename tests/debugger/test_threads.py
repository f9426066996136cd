"""Operations that are asked for in other threads stand at the user's own line, with their stack and variables."""

import textwrap

import durable_debug as dd
import pytest
from aws_durable_execution_sdk_python import durable_execution

from tests.engine.subject import history_of

APP = """
import asyncio, concurrent.futures, functools, threading
from aws_durable_execution_sdk_python import durable_execution

async def agent(context):
    notes = []
    for turn in range(2):
        notes.append(await asyncio.to_thread(context.step, lambda _: turn, name=f"to-thread-{turn}"))  # agent
    return notes

async def gathering(context):
    first = "gathered"
    return await asyncio.gather(asyncio.to_thread(context.step, lambda _: 1, name="gathered"))  # gathering

async def grouping(context):
    async with asyncio.TaskGroup() as group:
        group.create_task(asyncio.to_thread(context.step, lambda _: 1, name="grouped"))  # grouping

async def in_executor(context):
    call = functools.partial(context.step, lambda _: 1, name="in-executor")
    return await asyncio.get_running_loop().run_in_executor(None, call)  # in_executor

@durable_execution
def handler(event, context):
    for work in (agent, gathering, grouping, in_executor):
        asyncio.run(work(context))  # handler
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        pool.submit(context.step, lambda _: 2, name="submitted").result()  # submitted
        list(pool.map(lambda name: context.step(lambda _: 2, name=name), ["mapped"]))  # mapped
    thread = threading.Thread(target=context.step, args=(lambda _: 3,), kwargs={"name": "in-a-thread"})
    thread.start()  # thread
    thread.join()
    return context.step(lambda _: 4, name="last")  # last
"""
NAMES = [
    "to-thread-0",
    "to-thread-1",
    "gathered",
    "grouped",
    "in-executor",
    "submitted",
    "mapped",
    "in-a-thread",
    "last",
]
WHERE = {  # the line that is told, and the functions of the stack
    "to-thread-0": ("agent", ["agent", "handler"]),
    "to-thread-1": ("agent", ["agent", "handler"]),
    "gathered": ("gathering", ["gathering", "handler"]),
    "grouped": ("grouping", ["grouping", "handler"]),
    "in-executor": ("in_executor", ["in_executor", "handler"]),
    "submitted": ("submitted", ["handler"]),
    "mapped": ("mapped", ["handler.<locals>.<lambda>", "handler"]),
    "in-a-thread": ("thread", ["handler"]),
    "last": ("last", ["handler"]),
}


@pytest.fixture(scope="module")
def history() -> dd.History:
    @durable_execution
    def recorded(event, context):
        values = [context.step(lambda _, n=n: n, name=name) for n, name in enumerate(NAMES)]
        return values[-1]

    return history_of(recorded, "threads")


@pytest.fixture
def app(tmp_path):
    path = tmp_path / "threads_app.py"
    path.write_text(textwrap.dedent(APP))
    return path


def test_a_stop_stands_at_the_user_s_line(app, history) -> None:
    with dd.debug(f"{app}:handler", history) as dbg:
        assert dbg.run_result.ok, dbg.run_result.report()
        for name in NAMES:
            mark, functions = WHERE[name]
            assert dbg.stop.operation.name == name
            assert dbg.stop.source.source.endswith(f"# {mark}"), name
            assert [one.function for one in dbg.stack] == functions, name
            assert all(one.file == str(app) for one in dbg.stack)
            assert "context" in dbg.locals or "context" in [v.name for v in dbg.variables(1)]
            if name == "to-thread-1":
                assert dbg.locals["notes"] == [0] and dbg.evaluate("len(notes)") == 1
                assert "work" in [v.name for v in dbg.variables(1)]
            if name == "gathered":
                assert dbg.locals["first"] == "gathered"
            dbg.step_in()
        assert dbg.goto(name="to-thread-1").operation.name == "to-thread-1"
        assert [one.function for one in dbg.stack] == ["agent", "handler"]


@pytest.mark.parametrize("name", ["to-thread-1", "gathered", "grouped", "in-executor", "submitted", "mapped"])
def test_a_change_is_told_at_the_line_that_handed_it_over(app, history, name) -> None:
    source = app.read_text()
    old = 'f"to-thread-{turn}"' if name == "to-thread-1" else f'"{name}"'
    new = 'f"to-thread-{turn + 5}"' if name == "to-thread-1" else '"other"'
    app.write_text(source.replace(old, new))
    run = dd.replay(f"{app}:handler", history)
    (one,) = run.divergences
    assert one.kind == "renamed" and one.file == str(app), run.report()
    assert one.source.endswith(f"# {WHERE[name][0]}") or f'"{name}"' in source.splitlines()[one.line - 1]


def test_an_error_that_a_pool_or_a_group_hands_on_is_not_swallowed(tmp_path) -> None:
    """Two calls at once: whichever the SDK objects to first, the one that ends the execution is the one."""
    path = tmp_path / "threads_both.py"
    path.write_text(
        textwrap.dedent("""
        import concurrent.futures
        from aws_durable_execution_sdk_python import durable_execution

        @durable_execution
        def handler(event, context):
            with concurrent.futures.ThreadPoolExecutor(1) as pool:
                one = pool.submit(context.step, lambda _: 1, name="one-now")
                two = pool.submit(context.step, lambda _: 2, name="two-now")
                two.result()
                return one.result()
        """)
    )

    @durable_execution
    def recorded(event, context):
        context.step(lambda _: 1, name="one")
        context.step(lambda _: 2, name="two")
        return 1

    run = dd.replay(f"{path}:handler", history_of(recorded, "both"))
    assert {one.kind for one in run.divergences} == {"renamed"}, run.report()


def test_a_library_s_line_is_nobody_s(tmp_path) -> None:
    """The SDK's own decorators, a wrapper of a library: the line is the nearest of the user's."""
    path = tmp_path / "threads_library.py"
    path.write_text(
        textwrap.dedent("""
        import contextlib, functools, tempfile
        from aws_durable_execution_sdk_python import durable_execution

        @durable_execution
        def handler(event, context):
            stack = contextlib.ExitStack()
            stack.callback(context.step, lambda _: 1, name="first")
            stack.close()
            return functools.reduce(context.run_in_child_context, [lambda c: 5])
        """)
    )

    @durable_execution
    def recorded(event, context):
        context.step(lambda _: 1, name="other")
        return 1

    run = dd.replay(f"{path}:handler", history_of(recorded, "library"))
    assert {one.source for one in run.divergences if one.kind == "renamed"} == {"stack.close()"}, run.report()
