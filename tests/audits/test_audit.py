"""`audit`: many histories, one row each, whatever happens to any of them."""

from __future__ import annotations

import gc
import json
import os
import subprocess
import sys
import threading
from pathlib import Path

import joblib
import pytest

import durable_debug as dd
from durable_debug.audits import workers
from durable_debug.engine.one_core import OneCore
from durable_debug.audits.audit import audit
from durable_debug.audits.inputs import gathered
from durable_debug.errors import DivergenceError, DurableDebugError, HandlerError, HistoryError, OptionError
from tests.divergence.histories import APP, steps_document, write

ROOT = Path(__file__).parents[2]
NAMES = ["reserve", "charge"]


@pytest.fixture
def app(tmp_path):
    path = tmp_path / "app.py"
    path.write_text(APP)
    return f"{path}:handler"


@pytest.fixture(autouse=True)
def no_process_left_behind():
    yield
    assert not any(workers._idle.values()) and not any(workers._busy.values())
    children = Path(f"/proc/self/task/{os.getpid()}/children")
    if children.exists():
        commands = [Path(f"/proc/{pid}/cmdline").read_text() for pid in children.read_text().split()]
        assert [command for command in commands if "worker_main" in command] == []


def moods(*values):
    """Histories of executions whose input makes the handler behave so; None for well."""
    return [steps_document(NAMES, number=n, input={"mood": value}) for n, value in enumerate(values)]


def run_audit(handler, histories, **options):
    return audit(handler, histories, progress=False, **{"n_jobs": 1, **options})


# ---- what comes out


def test_the_samples_are_clean_under_their_own_handlers_told_by_function(samples):
    handlers = {
        dd.load(samples / f"{history}.json").function_name: f"{samples / 'apps' / app}.py:handler"
        for history, app in {
            "espresso_completed": "espresso",
            "map_200": "map_items",
            "nested": "nested",
            "payment_failed": "payment",
            "poll_job": "poll_job",
            "suspended": "suspended",
        }.items()
    }
    chosen = [
        samples / f"{name}.json"
        for name in ("espresso_completed", "espresso_timed_out", "map_200", "nested", "suspended")
    ]
    report = run_audit(handlers, chosen, n_jobs=2)
    assert report.ok, report.report()
    assert list(report.frame["function"].unique()) == list(
        dict.fromkeys(dd.load(path).function_name for path in chosen)
    )
    assert "5 of 5 histories clean" in report.summary
    report.raise_for_divergence()


def test_a_row_says_what_replay_says(samples):
    handler, path = f"{samples}/apps/shipping.py:handler", samples / "shipping_v1.json"
    run = dd.replay(handler, path)
    report = run_audit(handler, path)
    row = report.frame.iloc[0]
    assert row["arn"] == run.history.arn
    assert (row["status"], row["recorded_status"]) == (run.status, run.history.status)
    assert row["divergences"] == len(run.divergences)
    assert row["kinds"] == ", ".join(one.kind for one in run.divergences)
    assert (row["file"], row["line"]) == (run.divergences[0].file, run.divergences[0].line)
    assert row["message"] == run.divergences[0].message
    assert not row["clean"] and row["severity"] == "error"
    assert [cause.divergence for cause in report.causes] == list(run.divergences)
    assert all(cause.example == str(path) for cause in report.causes)
    with pytest.raises(DivergenceError, match="check-address"):
        report.raise_for_divergence()


def test_rows_come_in_the_order_given_and_the_frame_is_typed(app, tmp_path):
    documents = [steps_document(NAMES if n % 3 else ["reserve", f"pay-{n}"], number=n) for n in range(60)]
    report = run_audit(app, write(tmp_path, documents), n_jobs=2)
    frame = report.frame
    assert list(frame["name"]) == [f"run-{n}" for n in range(60)]
    assert list(frame["clean"]) == [bool(n % 3) for n in range(60)]
    kinds = {
        name: frame[name].dtype.name for name in ("clean", "divergences", "line", "cause", "seconds", "known")
    }
    assert kinds == dict(zip(kinds, ("bool", "int64", "Int64", "Int64", "float64", "int64"), strict=True))
    assert frame["line"].isna().equals(frame["clean"])
    assert (frame["seconds"] > 0).all()


def test_histories_that_break_at_one_line_are_one_cause(app, tmp_path):
    documents = [steps_document(["reserve", f"pay-for-{'abc'[n % 3]}"], number=n) for n in range(30)]
    documents += [steps_document([*NAMES, "receipt", f"mail-{n}"], number=100 + n) for n in range(4)]
    documents += [steps_document(NAMES, number=200 + n, result={"total": n}) for n in range(2)]
    report = run_audit(app, write(tmp_path, documents), n_jobs=2)
    assert [(cause.divergence.kind, cause.count) for cause in report.causes] == [
        ("renamed", 30),
        ("result", 2),
        ("missing", 4),
    ]
    assert [cause.id for cause in report.causes] == [1, 2, 3]
    assert [Path(cause.example).name for cause in report.causes] == ["0000.json", "0034.json", "0030.json"]
    assert len(report.histories(cause=3)) == 4 and len(report.histories()) == 36
    assert (report.frame["cause"] == 1).sum() == 30
    assert (
        len({cause.divergence.line for cause in report.causes}) == 2
    )  # a missing tail and the result: both where it returns


def test_the_most_severe_cause_comes_first(samples, tmp_path):
    """A timeout changed under both histories brings nothing about; an operation renamed under one fails it."""
    source = (samples / "apps" / "espresso.py").read_text()
    changed = tmp_path / "espresso.py"
    changed.write_text(
        source.replace("from_minutes(2)", "from_minutes(3)").replace('"drink-ready"', '"drink"')
    )
    names = ("espresso_cancelled", "espresso_completed")
    report = run_audit(f"{changed}:handler", [samples / f"{name}.json" for name in names])
    severities = [cause.divergence.severity for cause in report.causes]
    assert severities[0] == "error" and severities == sorted(
        severities, key=["error", "warning", "info"].index
    )
    assert report.causes[0].count < report.causes[-1].count
    assert report.causes[0].example.endswith("espresso_completed.json")
    assert report.worst() == "error"


def test_a_report_is_the_same_whatever_the_number_of_jobs(app, tmp_path):
    paths = write(
        tmp_path,
        [steps_document(["reserve", "pay"] if n % 4 else [*NAMES, "more"], number=n) for n in range(40)],
    )
    one, two = (run_audit(app, paths, n_jobs=jobs) for jobs in (1, 2))
    assert one.causes == two.causes
    assert [replaced(row) for row in one.rows] == [replaced(row) for row in two.rows]


def replaced(row):
    return [getattr(row, name) for name in row.__dataclass_fields__ if name != "seconds"]


# ---- what goes wrong


def test_a_history_that_hangs_is_a_row(app):
    report = run_audit(app, moods(None, "loops", None, "locks", "backtracks", None), timeout=1)
    assert list(report.frame["clean"]) == [True, False, True, False, False, True]
    assert [row.kinds for row in report.rows if not row.clean] == [("hung",)] * 3
    assert report.rows[1].line is not None and "after operation 1" in report.rows[1].message
    assert "3 could not be compared" in report.summary


@pytest.mark.parametrize("jobs", [1, 2])
def test_a_history_that_ends_its_process_is_a_row(app, jobs):
    report = run_audit(app, moods(None, "exits", None, "aborts", None, None), n_jobs=jobs)
    assert list(report.frame["clean"]) == [True, False, True, False, True, True]
    assert report.rows[1].kinds == report.rows[3].kinds == ("crashed",)
    assert "exit code 3" in report.rows[1].message
    assert "signal 6" in report.rows[3].message


def test_what_the_handler_writes_to_the_terminal_does_not_come_between(app):
    assert run_audit(app, moods("says", None)).ok


@pytest.mark.skipif(not hasattr(os, "sched_getaffinity"), reason="only Linux keeps threads on a core")
def test_the_threads_of_a_replay_keep_to_one_core_that_is_chosen_anew():
    allowed, seen = os.sched_getaffinity(0), []

    def replays():
        core = OneCore()
        for _ in range(3):
            core.stay()
            inner = threading.Thread(target=lambda: seen.append(os.sched_getaffinity(0)))
            inner.start()
            inner.join()
            core._until = 0  # time has passed

    worker = threading.Thread(target=replays)
    worker.start()
    worker.join()
    assert [len(cores) for cores in seen] == [1, 1, 1] and all(cores <= allowed for cores in seen)
    assert os.sched_getaffinity(0) == allowed  # of this thread


def test_what_cannot_be_read_is_a_row(app, tmp_path, samples):
    broken = tmp_path / "broken.json"
    broken.write_text("{")
    given = [moods(None)[0], broken, tmp_path / "none.json", {"a": 1}, 7, lambda: 0, b"", {"Events": []}]
    report = run_audit(app, iter(given))  # of a list, the path that leads nowhere would be an error at once
    assert list(report.frame["clean"]) == [True] + [False] * 7
    assert all(row.kinds == ("unreadable",) and row.message for row in report.rows[1:])
    assert report.rows[1].history == str(broken)


def test_a_history_that_names_no_function_or_an_unknown_one_is_a_row(app):
    arn = "arn:aws:lambda:eu-west-1:123456789012:function:{}:1/durable-execution/run-0/9b2ae6c4-6f4f-4b4c-8f46-000000000000"
    documents = [steps_document(NAMES, arn=arn.format(name)) for name in ("orders", "others")] + [
        steps_document(NAMES)
    ]
    report = run_audit({"orders": app}, documents)
    assert list(report.frame["clean"]) == [True, False, False]
    assert "'others'" in report.rows[1].message and report.rows[2].kinds == ("no_handler",)


def test_a_handler_that_cannot_be_had_is_an_error_at_once(tmp_path):
    for handler in ("nowhere.py:handler", "json:dumps", {"orders": "nowhere.py:handler"}):
        with pytest.raises(HandlerError):
            run_audit(handler, moods(None), n_jobs=2)
    dies = tmp_path / "dies.py"
    dies.write_text("import os\nos._exit(4)")
    with pytest.raises(HandlerError, match="exit code 4"):
        run_audit(f"{dies}:handler", moods(None))


def test_no_histories_are_an_error(app, tmp_path):
    for histories in (tmp_path / "*.txt", [], iter(())):
        with pytest.raises(HistoryError):
            run_audit(app, histories)
    (tmp_path / "empty").mkdir()
    with pytest.raises(HistoryError, match="empty"):
        run_audit(app, tmp_path / "empty")


def test_a_path_that_leads_nowhere_is_an_error_at_once(app, tmp_path):
    (good,) = write(tmp_path, moods(None))
    gone = tmp_path / "0001.json"
    for histories in (gone, str(gone), [good, gone], (gone,), f"{tmp_path / 'none'}#run-0", "", [""]):
        with pytest.raises(HistoryError):
            run_audit("nowhere.py:handler", histories)  # before any process is started
    with pytest.raises(HistoryError, match="Did you mean 0000.json"):
        run_audit(app, [good, gone])
    assert run_audit(app, [f"{tmp_path}#0000.json"]).ok


def test_what_means_nothing_is_refused(app):
    with pytest.raises(HistoryError, match="None is no history"):
        run_audit(app, None)
    for handlers in ({"handler": {}}, {"handler": app, "against": {}}):
        with pytest.raises(HandlerError, match="empty"):
            run_audit(histories=moods(None), **handlers)
    for options in ({"timeout": 0}, {"timeout": -1.0}, {"timeout": float("nan")}, {"n_jobs": 0}):
        with pytest.raises(DurableDebugError, match=next(iter(options))):
            run_audit(app, moods(None), **options)
    assert run_audit(app, moods(None), timeout=None, n_jobs=-1).ok


def test_unreadable_files_are_one_cause_a_reason_and_come_after_those_of_the_code(app, tmp_path):
    paths = write(tmp_path, [steps_document(["reserve", "pay"]), *moods(None)])
    for number, content in enumerate(["{", "it's no [JSON", '{"Events": "(', "", " "]):
        paths.append(tmp_path / f"of run {number}.txt")
        paths[-1].write_text(content)
    report = run_audit(app, paths)
    assert [(cause.divergence.kind, cause.count) for cause in report.causes] == [
        ("renamed", 1),
        ("unreadable", 3),
        ("unreadable", 2),
    ]


# ---- what goes in


def test_folders_patterns_files_and_documents(app, tmp_path):
    (tmp_path / "deep").mkdir()
    write(tmp_path, moods(None, None))
    write(tmp_path / "deep", moods(None))
    documents = moods(None)
    for histories, count in (
        (tmp_path, 3),
        (str(tmp_path / "*.json"), 2),
        (str(tmp_path / "**" / "*.json"), 3),
        (tmp_path / "0000.json", 1),
        ([tmp_path / "deep", str(tmp_path / "000[01].json")], 3),
        (documents[0], 1),
        (documents[0]["Events"], 1),
        ((tmp_path / "0000.json").open("rb"), 1),
        ([dd.load(document) for document in documents], 1),
        ({"a": documents[0]}.values(), 1),
    ):
        report = run_audit(app, histories)
        assert report.ok and len(report.rows) == count, histories


def test_what_is_named_twice_is_one_history(app, tmp_path, monkeypatch):
    one, two = write(tmp_path, [steps_document(NAMES, number=n) for n in (1, 2)])
    monkeypatch.chdir(tmp_path)
    for given in (
        [one, one, two],
        [one, str(two), "0000.json", tmp_path / "." / "0001.json"],
        [f"{tmp_path}/*.json", one],
        [tmp_path, "*.json"],
        iter([one, tmp_path / "0000.json", tmp_path, str(two)]),
    ):
        report = run_audit(app, given)
        assert sorted(Path(row.history).name for row in report.rows) == ["0000.json", "0001.json"], given
    document = steps_document(NAMES)
    assert len(run_audit(app, [document, document]).rows) == 2, "documents have no name to be told by"


def test_a_cause_that_there_is_not_is_an_error(app, tmp_path):
    clean = run_audit(app, [steps_document(NAMES)])
    with pytest.raises(OptionError, match="no cause 1.*It has 0 causes"):
        clean.histories(1)
    assert clean.histories() == ()
    broken = run_audit(app, [steps_document(["reserve", "gone"], number=7)])
    assert broken.histories(1) == broken.histories() != ()
    for cause in (0, 99, -1, "1"):
        with pytest.raises(OptionError, match="no cause"):
            broken.histories(cause)


def test_how_many_there_are_is_known_beforehand_where_nothing_must_be_opened_for_it(app, tmp_path):
    write(tmp_path, moods(None, None))
    for histories, count in (
        ([tmp_path, str(tmp_path / "*.json"), tmp_path / "0000.json"], 2),  # each once
        (tmp_path, 2),
        ([dd.load(tmp_path)], None),
        (iter([tmp_path]), None),
    ):
        assert gathered(histories)[1] == count


def test_archives_stores_and_packed_files(app, tmp_path):
    import gzip
    import zipfile

    folder = tmp_path / "many"
    folder.mkdir()
    paths = write(folder, [steps_document(NAMES, number=n) for n in range(3)])
    (folder / "0003.json.gz").write_bytes(gzip.compress(paths[0].read_bytes()))
    archive = tmp_path / "many.zip"
    with zipfile.ZipFile(archive, "w") as zipped:
        for path in paths:
            zipped.write(path, path.name)
        zipped.writestr("broken.json", "{")
    for histories, count in ((folder, 4), (dd.load(folder), 4), (dd.load(folder)[:2], 2)):
        report = run_audit(app, histories)
        assert report.ok and len(report.rows) == count, report.report()
    for histories in (archive, str(archive), [archive], dd.load(archive)):
        report = run_audit(app, histories)
        assert sorted(row.name or "" for row in report.rows) == ["", "run-0", "run-1", "run-2"]
        assert [row.kinds for row in report.rows if not row.clean] == [("unreadable",)]
        assert "broken.json" in next(row.message for row in report.rows if not row.clean)


def test_relative_paths_are_taken_from_here(app, tmp_path, monkeypatch):
    write(tmp_path, moods(None))
    monkeypatch.chdir(tmp_path)
    report = run_audit("app.py:handler", "*.json")
    assert report.ok and report.rows[0].history == "0000.json"


class Document(dict):
    alive = 0

    def __init__(self, *given):
        super().__init__(*given)
        Document.alive += 1

    def __del__(self):
        Document.alive -= 1

    def __reduce__(self):
        return dict, (dict(self),)


def test_an_iterator_is_never_held_as_a_whole(app):
    most = 0

    def histories():
        nonlocal most
        for number in range(400):
            yield Document(steps_document(NAMES, number=number))
            most = max(most, Document.alive)

    assert run_audit(app, histories(), n_jobs=2).ok
    gc.collect()
    assert most < 10 and Document.alive == 0


def test_an_error_of_the_iterator_is_told_as_it_is(app):
    def histories():
        yield from moods(None, None)
        raise LookupError("no more pages")

    for jobs in (1, 2):
        with pytest.raises(LookupError, match="no more pages"):
            run_audit(app, histories(), n_jobs=jobs)


# ---- before and after a change


def test_against_the_handler_before_only_what_changed_counts(app, tmp_path):
    changed = tmp_path / "changed.py"
    changed.write_text(
        APP.replace('context.step(lambda _: 1, name="reserve")', 'context.step(lambda _: 1, name="book")')
    )
    documents = [
        steps_document(NAMES, number=0),  # only the change breaks it
        steps_document(["reserve", "pay"], number=1),  # broken before, in another place
        steps_document(["book", "charge"], number=2),  # broken before, whole now
        steps_document(["book", "pay"], number=3),  # broken before and after alike
    ]
    report = run_audit(f"{changed}:handler", documents, against=app)
    assert list(report.frame["clean"]) == [False, False, True, True]
    assert list(report.frame["known"]) == [0, 1, 0, 1]
    assert [(cause.divergence.kind, cause.count) for cause in report.causes] == [("renamed", 2)]
    assert report.causes[0].divergence.asked == "STEP 'book'"
    assert "left out" in report.report()


def test_which_running_executions_a_deploy_breaks(app, tmp_path):
    changed = tmp_path / "changed.py"
    changed.write_text(APP.replace('"charge"', '"pay"'))
    documents = [
        steps_document(NAMES[:1], number=0, ended=False),  # has not come to the change yet
        steps_document(NAMES, number=1, ended=False),
    ]
    report = run_audit(f"{changed}:handler", documents, against=app)
    assert list(report.frame["recorded_status"]) == ["RUNNING", "RUNNING"]
    assert list(report.frame["clean"]) == [True, False]


def changed_app(tmp_path, *changes):
    """The application after a change; it has no moods."""
    source = APP.replace('mood = event.get("mood")', "mood = None")
    for old, new in changes:
        assert old in source
        source = source.replace(old, new)
    path = tmp_path / "changed.py"
    path.write_text(source)
    return f"{path}:handler"


def test_where_the_old_handler_is_no_baseline_the_row_says_so_and_nothing_is_left_out(app, tmp_path):
    changed = changed_app(tmp_path, ('"reserve"', '"book"'))
    documents = moods("exits", None, "loops", "backtracks", None)
    for jobs in (1, 2):
        report = run_audit(changed, documents, against=app, timeout=1, n_jobs=jobs)
        assert [row.kinds for row in report.rows] == [("renamed",)] * 5
        told = [(row.no_baseline or "").partition(": ")[0] for row in report.rows]
        assert told == ["crashed", "", "hung", "hung", ""]
    assert "exit code 3" in report.frame["no_baseline"][0] and report.frame["no_baseline"].isna()[1]
    assert json.loads(report.to_json())["rows"][0]["no_baseline"] == report.rows[0].no_baseline
    for text in (report.report(), report._repr_html_(), report.to_junit()):
        assert "no baseline: crashed: The replay ended its process" in text
    assert "No baseline for 3 histories" in report.report()


def test_an_old_handler_that_cannot_be_replayed_is_no_baseline(app, tmp_path):
    arn = "arn:aws:lambda:eu-west-1:123456789012:function:orders:1/durable-execution/run-0/9b2ae6c4-6f4f-4b4c-8f46-000000000000"
    report = run_audit(
        app, [steps_document(["reserve", "pay"], arn=arn), *moods(None)], against={"others": app}
    )
    assert [row.kinds for row in report.rows] == [("renamed",), ()]
    assert "no handler for the function 'orders'" in report.rows[0].no_baseline
    assert report.rows[1].no_baseline is None  # there was nothing to compare


def test_a_crash_of_the_old_handler_costs_no_other_history(app, tmp_path):
    changed = changed_app(tmp_path, ('"charge"', '"pay"'))
    report = run_audit(changed, moods(*["exits", None] * 6), against=app)
    assert [row.kinds for row in report.rows] == [("renamed",)] * 12
    assert [bool(row.no_baseline) for row in report.rows] == [True, False] * 6


def test_what_diverges_as_before_is_not_called_clean(app, tmp_path):
    documents = [steps_document(NAMES), *(steps_document(["reserve", "pay"], number=n) for n in (1, 2))]
    report = run_audit(app, documents, against=app)
    assert report.ok and report.summary == "1 of 3 histories clean, 2 as before"
    assert "2 divergences left out, in 2 histories" in report.report()
    told = json.loads(report.to_json())
    assert (told["clean"], told["as_before"]) == (1, 2)
    assert "2 as before" in report._repr_html_()


def test_an_end_that_a_known_divergence_keeps_it_from_is_not_of_this_change(app, tmp_path):
    changed = changed_app(tmp_path, ('"done"', '"over"'))
    broken_before, whole = steps_document(["reserve", "pay"], number=0), steps_document(NAMES, number=1)
    report = run_audit(changed, [broken_before, whole], against=app)
    assert [row.kinds for row in report.rows] == [(), ("result",)]
    assert [row.known for row in report.rows] == [2, 0]
    changed = changed_app(tmp_path, ('"done"', '"over"'), ('"charge"', '"bill"'))
    (row,) = run_audit(changed, [whole], against=app).rows
    assert row.kinds == ("renamed", "result")  # what stops it is new: so is the rest


# ---- where it runs

MAIN = """
import threading, sys
from aws_durable_execution_sdk_python import durable_execution
from durable_debug.audits.audit import audit
from tests.divergence.histories import steps_document

lock = threading.Lock()  # can't be pickled, like the clients that a handler's steps use
SECOND = "charge"

def reserve(step):
    with lock:
        return "reserve"

@durable_execution
def handler(event, context):
    context.step(reserve, name="reserve")
    context.step(lambda _: lock.locked(), name=SECOND)
    {body}
    return "done"

report = audit(handler, [steps_document(["reserve", "charge"], number=n) for n in range(5)], n_jobs=2, progress=False)
print(report.report())
print(report.rows[0].line)
"""


def script(text, tmp_path):
    path = tmp_path / "script.py"
    path.write_text(text)
    return subprocess.run(
        [sys.executable, str(path)],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        timeout=120,
    )


def test_a_handler_of_main_travels_by_value_without_what_cannot(tmp_path):
    found = script(MAIN.replace("{body}", ""), tmp_path)
    assert "5 of 5 histories clean" in found.stdout, found.stdout + found.stderr


def test_using_what_could_not_travel_says_so(tmp_path):
    found = script(MAIN.replace("{body}", "lock.acquire()"), tmp_path)
    assert "0 of 5 histories clean" in found.stdout, found.stdout + found.stderr
    assert "uses its lock outside steps" in found.stdout


def test_joblib_s_own_process_backend(app):
    with joblib.parallel_config(backend="multiprocessing", n_jobs=2):
        report = audit(app, moods(None, "exits", None), progress=False)
    assert list(report.frame["clean"]) == [True, False, True]


DASK = """
import json, sys
import joblib
from dask.distributed import Client, LocalCluster
from durable_debug.audits.audit import audit
from tests.divergence.histories import steps_document

if __name__ == "__main__":
    moods = [None] * 40
    moods[7], moods[9] = "exits", "loops"
    documents = [steps_document(["reserve", "charge"], number=n, input={"mood": m}) for n, m in enumerate(moods)]
    with LocalCluster(n_workers=3, threads_per_worker=1, host="127.0.0.1", dashboard_address=None) as cluster, Client(cluster) as client:
        with joblib.parallel_config(backend="dask"):
            options = {"timeout": 1, "progress": False, "coverage": True, "resume": sys.argv[2]}
            report = audit(sys.argv[1], documents, **options)
            again = audit(sys.argv[1], documents, **options)
        workers = client.run(lambda dask_worker: len(dask_worker.state.log))
    print(json.dumps({
        "rows": len(report.rows),
        "kinds": {n: row.kinds for n, row in enumerate(report.rows) if not row.clean},
        "again": [row.kinds for row in again.rows] == [row.kinds for row in report.rows] and again.remarks(),
        "missed": [one.coverage.frame.query("state == 'missed'")["source"].tolist() for one in (report, again)],
        "workers": {name: count for name, count in workers.items() if count},
    }))
"""


def test_a_dask_cluster(app, tmp_path):
    """The same call, on three worker processes of a real cluster that hosts the replays."""
    path = tmp_path / "on_dask.py"
    path.write_text(DASK)
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    found = subprocess.run(
        [sys.executable, str(path), app, str(tmp_path / "fleet.audit")],
        capture_output=True,
        text=True,
        env=environment,
        timeout=180,
    )
    assert found.returncode == 0, found.stderr
    told = json.loads(found.stdout.splitlines()[-1])
    assert told["kinds"] == {"7": ["crashed"], "9": ["hung"]}
    assert told["rows"] == 40
    assert "38 histories as replayed before" in told["again"][0], "all but the examples of the two causes"
    first, second = told["missed"]
    assert first == second and any("lock.acquire" in line for line in first)
    assert len(told["workers"]) == 3 and sum(told["workers"].values()) >= 4


def test_a_handler_that_travels_by_value_keeps_its_lines(tmp_path):
    path = tmp_path / "cell.py"
    path.write_text(APP)
    space = {"__name__": "__main__"}
    exec(compile(APP, str(path), "exec"), space)
    report = run_audit(space["handler"], [steps_document(["reserve", "pay"])])
    (cause,) = report.causes
    assert cause.divergence.file == str(path) and "charge" in cause.divergence.source
