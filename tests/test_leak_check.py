"""The check that nothing of a replay is left behind notices what it should (`nothing_left_behind` in conftest.py)."""

from __future__ import annotations

pytest_plugins = ["pytester"]

CONFTEST = """
import tests.conftest
from tests.conftest import nothing_left_behind  # noqa

tests.conftest.LINGERING = 3
"""


def outcome(pytester, monkeypatch, body: str) -> dict[str, int]:
    monkeypatch.setenv("PYTHONPATH", str(__import__("pathlib").Path(__file__).parent.parent))
    pytester.makeconftest(CONFTEST)
    pytester.makepyfile(body)
    return pytester.runpytest_subprocess("-p", "no:cacheprovider").parseoutcomes()


def test_a_clean_test_passes_and_each_leak_is_an_error(pytester, monkeypatch):
    body = """
        import builtins, subprocess, sys, threading, time
        import aws_durable_execution_sdk_python.state as state

        def test_clean():
            thread = threading.Thread(target=time.sleep, args=(0.05,))
            thread.start()

        def test_thread():
            threading.Thread(target=threading.Event().wait, daemon=True, name="durable-debug-1").start()

        def test_trace_hook():
            sys.settrace(lambda *_: None)

        def test_hook_of_threads():
            sys.settrace(None)
            threading.settrace(lambda *_: None)

        def test_open():
            threading.settrace(None)
            builtins.open = lambda *_: None

        def test_sdk_module():
            state._STOP_SIGNAL_POLL_SECONDS = 0.001

        def test_sdk_class():
            state.ExecutionState.close = lambda self: None

        def test_sdk_name_taken_away():
            del state.CHECKPOINT_NOT_FOUND

        def test_sdk_module_replaced():
            sys.modules[state.__name__] = type(sys)(state.__name__)

        def test_clean_again():
            pass
    """
    assert outcome(pytester, monkeypatch, body) == {"passed": 10, "errors": 8}
