"""`durable-debug debug`: a debugger for the terminal, over pipes and in a terminal."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import durable_debug as dd
import pytest
from aws_durable_execution_sdk_python import durable_execution
from aws_durable_execution_sdk_python_testing import DurableFunctionTestRunner
from durable_debug.cli.debug_commands import BY_NAME, help_text
from durable_debug.cli.debug_readline import completions
from durable_debug.cli.debug_shell import Shell

from tests.cli.terminal import CTRL_C, CTRL_D, TAB, Terminal
from tests.patience import PATIENCE

ROOT = Path(__file__).parents[2]
SAMPLES = ROOT / "sample_histories"
PROGRAM = [sys.executable, "-m", "durable_debug", "debug"]
PROMPT = "(debug) "


def sample(app: str, history: str) -> list[str]:
    return [f"{SAMPLES / 'apps' / app}.py:handler", str(SAMPLES / f"{history}.json")]


PAYMENT = sample("payment", "payment_failed")


def debug(*arguments: object, typed: str = "", **more: object) -> SimpleNamespace:
    """Run it as a program, with this in its pipe."""
    found = subprocess.run(
        [*PROGRAM, *map(str, arguments)],
        input=typed,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        cwd=more.pop("cwd", ROOT),
        **more,
    )
    return SimpleNamespace(code=found.returncode, out=found.stdout, err=found.stderr)


@pytest.fixture
def shell(capsys):
    """``shell("nested", "nested")("s;; w")`` does commands in this process, and gives what they print."""
    opened = []

    def open_shell(app: str, history: str, displays=()):
        one = Shell(lambda: dd.debug(*sample(app, history)), displays)
        opened.append(one)

        def do(*lines: str) -> str:
            capsys.readouterr()
            for line in lines:
                assert one.line(line) is False
            return capsys.readouterr().out

        do.shell = one
        return do

    yield open_shell
    for one in opened:
        one.close()


# ------------------------------------------------------------------------------------ over pipes


def test_piped_commands_go_forth_and_back_and_look():
    told = debug(*PAYMENT, typed="b charge-*\nc\np cents\nend\nback\nrc\np basket_id\nq\np 1 + 1\n")
    assert (told.code, told.err) == (0, "")
    lines = told.out.splitlines()
    at = [line for line in lines if line.startswith("> ")]
    assert [line.split()[2] for line in at] == [
        "price-basket",
        "charge-card",
        "end:",
        *at[3].split()[2:3],
        "charge-card",
    ]
    assert "PaymentFailed" in at[3]
    assert "3030" in lines and "'b-77'" in lines
    assert "2" not in lines  # nothing is done behind `q`
    assert PROMPT not in told.out and "\x1b" not in told.out


def test_each_stop_tells_the_operation_and_the_line():
    told = debug(*PAYMENT, "-c", "g charge-card")
    operation, place, *source = told.out.splitlines()[-5:]
    for part in ("charge-card", "Step", "position 2", "failed", "4 attempts"):
        assert part in operation
    assert re.fullmatch(r"  sample_histories/apps/payment\.py:\d+ in handler", place)
    assert [line.startswith(" -> ") for line in source] == [False, True, False]
    assert "charge_card(basket_id, cents)" in source[1]


def test_without_commands_it_goes_from_stop_to_stop_and_prints():
    told = debug(
        *PAYMENT,
        "--break",
        "payment.py:86",
        "--break",
        "status=FAILED",
        "--print",
        "cents",
        "--print",
        "event",
    )
    assert told.code == 0
    assert len(re.findall("^breakpoint [12]: ", told.out, re.M)) == 2  # of three stops: the exception is one
    assert told.out.count("  event = {'basketId'") == 3
    assert told.out.count("  cents = 3030") == 2 and "cents: NameError" in told.out
    assert told.out.rstrip().endswith("as recorded")


def test_a_program_that_talks_to_it_is_answered_line_by_line():
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with subprocess.Popen([*PROGRAM, *PAYMENT], text=True, bufsize=1, cwd=ROOT, **pipes) as program:
        program.stdin.write("p 6 * 7\n\n")
        assert "42\n" in iter(program.stdout.readline, "")
        program.stdin.write("q\n")
        program.stdin.close()
        program.stdout.read()
    assert program.returncode == 0


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ((*PAYMENT, "--break", "charge-crd"), "Did you mean 'charge-card'"),
        ((*PAYMENT, "--break", "colour=red"), "colour"),
        ((*PAYMENT, "--print", "a b"), "not an expression"),
        ((*PAYMENT, "--invocation", "77"), "invocation 77"),
        ((PAYMENT[0] + "x", PAYMENT[1]), "handlerx"),
        ((PAYMENT[0], "nowhere.json"), "nowhere.json"),
    ],
)
def test_what_can_not_be_opened_is_code_2(call, arguments, says):
    code, out, err = call("debug", *arguments)
    assert (code, out) == (2, "") and says in err


def test_its_options_are_those_of_replay(tmp_path):
    path = tmp_path / "app.py"
    path.write_text(
        "import os\nfrom aws_durable_execution_sdk_python import durable_execution\n\n@durable_execution\n"
        "def handler(event, context):\n    where = os.environ['TABLE']\n    open('made', 'w').write('x')\n"
        "    context.step(lambda _: os.getpid(), name='price-basket')\n"
        "    return context.step(lambda _: where, name='new')\n"
    )
    options = ("--env", "TABLE=orders", "--allow", "open *made*", "--run", "new", "--python", sys.executable)
    told = debug(
        f"{path}:handler", PAYMENT[1], *options, "-c", "g new", "-c", "p where", "-c", "end", cwd=tmp_path
    )
    assert told.code == 0, told.err
    assert "'orders'" in told.out.splitlines()
    assert (tmp_path / "made").exists()
    assert "> the end: ✓ succeeded" in told.out


def test_a_breakpoint_call_in_the_handler_is_refused_and_says_where(tmp_path):
    path = tmp_path / "app.py"
    path.write_text(
        "from aws_durable_execution_sdk_python import durable_execution\n\n@durable_execution\n"
        "def handler(event, context):\n    breakpoint()\n    return 1\n"
    )
    told = debug(f"{path}:handler", PAYMENT[1], typed="n\ndivergences\nq\n")
    assert told.code == 0
    assert "ask for input" in told.out and f"{path}:" in told.out and "only stop" in told.out


# ------------------------------------------------------------------------------ what commands do


def test_steps_go_over_into_and_out_of_contexts(shell):
    do = shell("nested", "nested")
    where = lambda: do.shell.debugger.stop.asked.position  # noqa: E731
    walked = []
    for command in ("s", "s", "n", "r", "n", "back", "g 3-1", "g hotel-1", "g event 4"):
        do(command)
        walked.append(where())
    assert walked == ["1-1", "1-1-1", "1-1-2", "1-2", "2", "1", "3-1", "2", "1-1-1"]


def test_the_end_is_a_stop_and_moving_on_says_so(shell):
    do = shell("payment", "payment_failed")
    assert "the end" in do("end")
    for command in ("n", "s", "r", "c", "end"):
        assert do(command).startswith("This is the end")
    for command in ("w", "u", "d", "l", "ll", "p cents", "cents"):
        assert do(command).startswith("***")
    assert "> " in do("start") and do("back").startswith("This is the first stop")
    assert do("").startswith("This is the first stop")  # again


def test_breakpoints(shell):
    do = shell("payment", "payment_failed")
    assert "moved to line 94" in do("b payment.py:92, cents > 5")
    assert "payment.py:94" in do("b 94")  # of this file
    assert "fits no operation" in do("b chrge") and "Did you mean" in do("b charge-crd")
    assert [line.split()[0] for line in do("b").splitlines()] == ["0", "1", "2"]
    assert "breakpoint 1" in do("c")
    do("start", "disable 1", "cl 2")
    assert "leaves the handler" in do("c")
    assert "release-basket" in do("enable 1", "rc")
    assert do("cl 7").startswith("***") and do("disable x").startswith("***")
    do("cl", "start", "tbreak 91")
    assert "charge-card" in do("c") and [one.id for one in do.shell.debugger.breakpoints] == [0]
    assert do("b colour=red").startswith("***") and do("b a,").startswith("***")


def test_the_stack_and_its_variables(shell):
    do = shell("nested", "nested")
    do("g 1-1-1")
    assert [line.split()[-1] for line in do("w").splitlines()[::2]] == ["handler", "book_trains", "book_leg"]
    assert "start   = 'Porto'" in do("a")
    assert "handler" in do("u", "u") and "from" in do("p event")
    assert do("u").startswith("***")
    assert do("p start").startswith("*** NameError")
    assert "B" not in do("l") and "->" in do(".") + do("l .")
    assert do("d", "d", "start == 'Porto'").splitlines()[-1] == "True"


def test_source_is_listed_and_goes_on(shell):
    do = shell("payment", "payment_failed")
    do("b 91")
    first, second = do("l"), do("l")
    assert re.search(r"^·-> 86  ", first, re.M) and re.search(r"^B   91  ", first, re.M)
    assert int(second.split()[0].strip("B·")) == 92 or "92" in second.splitlines()[0]
    assert do("l 1").splitlines()[0].split()[0] == "1"
    whole = do("ll").splitlines()
    assert "@durable_execution" in whole[0] and "return" in whole[-1]
    assert do("l x").startswith("***") and "No lines" in do("l 9999")


def test_values_are_printed_whole_and_errors_on_a_line(shell, tmp_path):
    do = shell("payment", "payment_failed")
    assert do("p list(range(300))").strip() == repr(list(range(300)))
    assert (
        do("p event['items'][0]", "event['items'][0]").splitlines()
        == [repr({"item": "beans", "cents": 1290, "count": 2})] * 2
    )
    assert len(do("pp event").splitlines()) == 3
    assert do("p '\\x1b[31m\\n'").strip() == repr("\x1b[31m\n") and "\x1b" not in do("pp ['\\x1b' * 90] * 2")
    for typed in (
        "p 1/0",
        "p (",
        "p nothing",
        f"p open({str(tmp_path / 'x')!r}, 'w')",
        "p exit()",
        "p",
        "x = 5",
        "p type('R', (), {'__repr__': lambda s: open('made-by-repr', 'w')})()",
    ):
        told = do(typed)
        assert told.startswith("***") and told.count("\n") == 1, typed
    assert not list(tmp_path.iterdir()) and not Path("made-by-repr").exists()
    assert "Did you mean 'step'" in do("stpe") and "Did you mean 'step'" in do("help stpe")


def test_an_expression_that_changes_something_is_told(shell):
    do = shell("payment", "payment_failed")
    assert "changed" in do("p event.update(x=1)", "n")
    assert "changed" not in do("start", "n")


def test_displays(shell):
    do = shell("payment", "payment_failed", displays=["cents"])
    assert "cents = 3030" in do("n")
    assert "basket_id = 'b-77'" in do("display basket_id") and "basket_id" in do("n")
    assert do("display (").startswith("***") and do("undisplay nothing").startswith("***")
    told = do("undisplay basket_id", "n")
    assert "cents = 3030" in told and "basket_id =" not in told
    do("undisplay")
    assert "cents =" not in do("back")


def test_operations_answers_divergences_and_logs(shell):
    do = shell("shipping", "shipping_v1")
    do("c")
    listed = do("o").splitlines()
    assert [line[:3] for line in listed].count(" ->") == 1 and "no record" in next(
        line for line in listed if "->" in line
    )
    assert "no answer" in do("answer")
    assert do("divergences").startswith("->")
    do = shell("payment", "payment_failed")
    assert do("divergences").count("\n") == 1
    answer = do("g charge-card", "answer")
    assert answer.count("no answer to charge") == 5 and "attempt 4" in answer  # and as its error
    assert "not paid" in do("n", "logs")
    assert do("o nothing").count("\n") == 1 and do("o charge").count("\n") == 1


def test_of_many_operations_those_around_are_listed(shell):
    do = shell("map_items", "map_200")
    around = do("g 1-100", "o").splitlines()
    assert len(around) < 40 and sum("->" in line for line in around) == 1
    assert len(do("o all").splitlines()) == len(do.shell.debugger.history.tree())


def test_hostile_names_steer_no_terminal(tmp_path):
    @durable_execution
    def handler(event, context):
        context.step(lambda _: "\x1b[2J", name="a\x1b[31mb\nc")
        raise ValueError("\x1b]0;title\x07")

    with DurableFunctionTestRunner(handler=handler) as runner:
        runner.run(input=json.dumps({"k\x1b[0m": "\x9b31m"}))
        dd.load(runner).save(tmp_path / "history.json")
    path = tmp_path / "app.py"
    path.write_text(
        "from aws_durable_execution_sdk_python import durable_execution\n\n@durable_execution\ndef handler(event, context):\n"
        '    got = context.step(lambda _: "", name="a\\x1b[31mb\\nc")\n    raise ValueError("\\x1b]0;title\\x07")\n'
    )
    typed = "b a*\np event\na\no\nanswer\nn\np got\nend\ng a\x1b[31mb\nb \x1b[31m\n\x1b[31m\n"
    told = debug(f"{path}:handler", tmp_path / "history.json", typed=typed)
    assert told.code == 0 and "Traceback" not in told.err
    assert "the end" in told.out and all(one == "\n" or one.isprintable() for one in told.out)


def test_a_replay_whose_process_dies_is_taken_anew(capsys):
    shell = Shell(lambda: dd.debug(*PAYMENT, python=sys.executable))
    try:
        shell.line("b charge-card;; c;; p __import__('os')._exit(3)")
        told = capsys.readouterr().out
        assert "exit code 3" in told.splitlines()[-2] and told.splitlines()[-2].startswith("***")
        shell.line("p cents;; b;; rc")
        told = capsys.readouterr().out.splitlines()
        assert told[0] == "3030" and "charge-card" in told[2] and "price-basket" in told[-5]
    finally:
        shell.close()


def test_help_fits_80_columns_and_names_every_command(shell):
    do = shell("payment", "payment_failed")
    every = [*help_text(), *(line for one in BY_NAME.values() for line in help_text(one))]
    assert max(map(len, every)) <= 80
    told = do("help")
    assert all(name in told for name in BY_NAME)
    assert all(
        callable(getattr(do.shell, f"do_{one.word}")) for one in BY_NAME.values() if one.word != "quit"
    )


# ------------------------------------------------------------------------------------ completion


@pytest.mark.parametrize(
    ("typed", "found"),
    [
        ("und", ["undisplay "]),
        ("tb", ["tbreak "]),
        ("b cha", ["b charge-card"]),
        ("n;; b payment.py:9", ["n;; b payment.py:91", "n;; b payment.py:94"]),
        ("b sub", ["b sub_type="]),
        ("goto p", ["goto price-basket"]),
        ("p bas", ["p basket_id"]),
        ("p len(bas", ["p len(basket_id"]),
        ("bask", []),
        ("p event['i", ["p event['items']"]),
        ("p event['items'][1]['c", ["p event['items'][1]['cents']", "p event['items'][1]['count']"]),
        ("p event['items'][", ["p event['items'][0]", "p event['items'][1]"]),
        ("p context._nothing.", []),
        ("undisplay ", ["undisplay cents"]),
        ("cl ", ["cl 0"]),
        ("help und", ["help undisplay"]),
        ("n ", []),
    ],
)
def test_what_completes(shell, typed, found):
    do = shell("payment", "payment_failed", displays=["cents"])
    do("g charge-card")
    assert completions(do.shell, typed) == found


# ------------------------------------------------------------------------------------ a terminal

HANGS = """
import os
from aws_durable_execution_sdk_python import durable_execution

@durable_execution
def handler(event, context):
    first = context.step(lambda _: 1, name="one")
    if os.path.exists({flag!r}):
        open({gate!r}).read()
    while os.path.exists({flag!r}):
        pass
    return context.step(lambda _: 2, name="two")

def hang():
    open({gate!r}).read()
    while True:
        pass
"""


@pytest.fixture
def terminal(tmp_path):
    """``terminal(HANDLER, HISTORY, …)`` runs the debugger in a terminal."""
    opened = []

    usual = {
        "XDG_STATE_HOME": str(tmp_path / "state"),
        "TERM": "xterm",
        "NO_COLOR": "",
        "PYTHONPATH": str(ROOT),
    }

    def open_terminal(*arguments: object, **environment: str) -> Terminal:
        one = Terminal(*PROGRAM, *arguments, **usual | environment)
        opened.append(one)
        return one

    yield open_terminal
    for one in opened:
        one.close()


def test_in_a_terminal_with_completion_colour_and_history(terminal, tmp_path):
    one = terminal(*PAYMENT)
    assert "price-basket" in one.until(PROMPT) and "\x1b[" in one.text
    one.press(f"b char{TAB}\n")
    assert "b charge-card" in one.until(PROMPT)
    one.press("c\n")
    one.until(PROMPT)
    one.press(f"p bas{TAB}\n")
    assert "'b-77'" in one.until(PROMPT)
    one.press(f"half a line{CTRL_C}")
    one.until(PROMPT)
    one.press("p exit()\n")  # which closes Python's own standard input
    one.until(PROMPT)
    one.press(CTRL_D)
    assert one.ends() == 0 and "Traceback" not in one.text
    (kept,) = (tmp_path / "state").rglob("*history")
    assert kept.read_text().splitlines()[:3] == ["b charge-card", "c", "p basket_id"]
    assert kept.stat().st_mode & 0o077 == 0


def test_no_color_and_no_place_for_history(terminal):
    one = terminal(*PAYMENT, "-c", "n", "-c", "p cents", NO_COLOR="1", XDG_STATE_HOME="/proc/nowhere")
    assert "3030" in one.until(PROMPT)
    one.press("q\n")
    assert one.ends() == 0 and "\x1b[3" not in one.text and "Traceback" not in one.text


@pytest.mark.parametrize("elsewhere", [False, True], ids=["here", "elsewhere"])
def test_ctrl_c_interrupts_a_command_and_the_session_goes_on(terminal, tmp_path, elsewhere):
    flag, gate, path = tmp_path / "flag", tmp_path / "gate", tmp_path / "app.py"
    os.mkfifo(gate)
    path.write_text(HANGS.format(flag=str(flag), gate=str(gate)))
    history = tmp_path / "history.json"

    @durable_execution
    def recorded(event, context):
        context.step(lambda _: 1, name="one")
        return context.step(lambda _: 2, name="two")

    with DurableFunctionTestRunner(handler=recorded) as runner:
        runner.run(input="{}")
        dd.load(runner).save(history)

    one = terminal(f"{path}:handler", history, *(("--python", sys.executable) if elsewhere else ()))
    one.until(PROMPT)
    one.press(CTRL_C)  # at the prompt it is for nobody else
    one.until(PROMPT)
    flag.touch()
    for command in ("c", "p hang()"):
        one.press(f"{command}\n")
        gate.open("w").close()  # waits until it is opened there: now it hangs
        one.sleeps()
        one.press(CTRL_C)
        assert "Interrupted" in one.until(PROMPT)
    one.press("p 40 + 2\n")
    assert "42" in one.until(PROMPT)
    flag.unlink()
    one.press("c\n")
    assert "the end" in one.until(PROMPT)
    one.press("back\n")
    assert "two" in one.until(PROMPT)
    one.press("p first\n")
    assert "1" in one.until(PROMPT).splitlines()
    one.press("q\n")
    assert one.ends() == 0 and "Traceback" not in one.text


def test_lines_are_gone_over_and_values_are_listed(shell):
    do = shell("payment", "payment_failed")
    assert do("line").startswith("> before ")
    there = do.shell.debugger.stop.source.line
    do("line", "line back")
    assert do.shell.debugger.stop.source.line == there
    assert do("values cents") == "  handler:86  3030\n"
    assert "No variable nowhere" in do("values nowhere")
    assert "is no line" in do("until later")
    assert "is no way" in do("line sideways")
    assert "does not run" in do("until 100000")
    do("line", "line", f"until {there} back")
    assert do.shell.debugger.stop.source.line == there and do.shell.debugger.stop.kind == "line"
