"""A fleet's histories in one audit: rate and memory at 1,000, 10,000 and 100,000.

The histories are recorded: a handler of 20 steps is run by the sample recorder, and the samples were. What makes many of
few are cheap copies, with names, ids and times of their own. Each size is measured in a process of its own, so that its
memory is its own: the most of the process that audits, and of the one that replays.

``python -m tests.benchmarks.bench_fleet 1000 10000`` measures these sizes only.
"""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

SAMPLES = Path(__file__).parents[2] / "sample_histories"
SIZES = (1_000, 10_000, 100_000)
APPS = {
    "espresso_completed": "espresso",
    "espresso_timed_out": "espresso",
    "espresso_cancelled": "espresso",
    "payment_failed": "payment",
    "poll_job": "poll_job",
    "nested": "nested",
    "shipping_v1": "shipping",  # diverges: one cause in every so many
    "suspended": "suspended",
}
STEPS = """
from aws_durable_execution_sdk_python import durable_execution

@durable_execution
def handler(event, context):
    found = [context.step(lambda _: {"n": n}, name=f"step-{n}") for n in range(1, 21)]
    return found[-1]
"""


def recorded(folder: Path) -> tuple[dict[str, str], list[dict[str, object]]]:
    """Handlers by function name, and a history of each kind: half of the fleet is the handler of 20 steps."""
    sys.path.insert(0, str(SAMPLES))
    from recording import RecordingRunner, iso

    app = folder / "steps.py"
    app.write_text(STEPS)
    space: dict[str, object] = {"__name__": "steps"}
    exec(compile(STEPS, str(app), "exec"), space)
    with RecordingRunner(space["handler"]) as runner:
        made = runner.record({}, function_name="steps", execution_name="steps-1")
    steps = json.loads(json.dumps({"DurableExecutionArn": made.arn, **made.history}, default=iso))
    handlers = {"steps": f"{app}:handler"}
    others = []
    for history, name in APPS.items():
        document = json.loads((SAMPLES / f"{history}.json").read_text())
        others.append(document)
        handlers[document["DurableExecutionArn"].split(":function:")[1].split(":")[0]] = (
            f"{SAMPLES / 'apps' / name}.py:handler"
        )
    return handlers, [one for other in others for one in (steps, other)]


def copies(documents: list[dict[str, object]], count: int) -> Iterator[bytes]:
    """So many executions, each with a name, an id and times of its own."""
    texts = []
    for document in documents:
        arn = str(document["DurableExecutionArn"])
        head, name, known = arn.rsplit("/", 2)
        texts.append((json.dumps(document), name, known, document["Events"]))
    for number in range(count):
        text, name, known, events = texts[number % len(texts)]
        text = text.replace(known, str(uuid.UUID(int=number))).replace(f'"{name}"', f'"{name}-{number}"')
        text = text.replace(f"/{name}/", f"/{name}-{number}/")
        for date in {str(event["EventTimestamp"])[:10] for event in events}:
            other = datetime.fromisoformat(date) - timedelta(days=number % 90)
            text = text.replace(f'"EventTimestamp": "{date}', f'"EventTimestamp": "{other.date()}')
        yield text.encode()


def measured(count: int, jobs: int) -> dict[str, float]:
    """Audit so many, from a file of JSON lines."""
    import durable_debug as dd

    with tempfile.TemporaryDirectory() as directory:
        folder = Path(directory)
        handlers, documents = recorded(folder)
        lines = folder / "fleet.jsonl"
        with lines.open("wb") as file:
            file.writelines(line + b"\n" for line in copies(documents, count))
        before = memory(resource.RUSAGE_SELF)
        start = time.perf_counter()
        report = dd.audit(handlers, lines, n_jobs=jobs, progress=False)
        seconds = time.perf_counter() - start
        assert len(report.rows) == count and len(report.causes) == 2, report.summary
    return {
        "seconds": seconds,
        "rate": count / seconds,
        "before": before,
        "audits": memory(resource.RUSAGE_SELF),
        "replays": memory(resource.RUSAGE_CHILDREN),
    }


def memory(whose: int) -> float:
    """The most megabytes so far."""
    return resource.getrusage(whose).ru_maxrss * (1 if sys.platform == "darwin" else 1024) / 1e6


def beside() -> None:
    """Print the rate of Temporal's replay_workflows over histories of the same shape, 20 activities."""
    from tests.benchmarks.bench_audit import peers

    for name, rate in peers().items():
        print(f"{rate:>8.0f} /s  {name}, 20 activities", flush=True)


def main(sizes: tuple[int, ...] = SIZES, jobs: int = 2) -> None:
    """Print a line for each size."""
    for count in sizes:
        code = f"from tests.benchmarks.bench_fleet import measured; import json; print(json.dumps(measured({count}, {jobs})))"
        done = subprocess.run(
            [sys.executable, "-c", code], cwd=Path(__file__).parents[2], capture_output=True, text=True
        )
        if done.returncode:
            sys.exit(done.stderr)
        found = json.loads(done.stdout.splitlines()[-1])
        print(
            f"{count:>8,} histories, {jobs} jobs: {found['rate']:5.0f} /s;  {found['audits']:4.0f} MB where it audits "
            f"({found['before']:.0f} before), {found['replays']:.0f} MB where it replays",
            flush=True,
        )
    beside()


if __name__ == "__main__":
    main(tuple(int(one) for one in sys.argv[1:]) or SIZES)
