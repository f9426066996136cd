"""Cases of a fuzzer, run in a process of its own whose memory is bounded and which a timer ends where one of them hangs."""

from __future__ import annotations

import resource
import signal
import subprocess
import sys
import tempfile
import traceback
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent
MOST_MEMORY = 3 << 30
MOST_SECONDS = 60  # of one case; the slowest takes a tenth of that on a busy machine
FAILED = 3


def run(
    module: str, seed: int, count: int, start: int = 0, described: Callable[[int, int], str] | None = None
) -> int:
    """Try so many cases of a module; print each that fails, with how to make it again, and give their number."""
    failures, at = 0, start
    while at < start + count:
        ended = subprocess.run(
            [sys.executable, "-m", module, str(seed), str(at), str(start + count)],
            cwd=ROOT,
            capture_output=True,
            text=True,
        )
        if ended.returncode == 0:
            break
        tail = ended.stdout.rsplit("\n", 2)[-2:]
        number = int(next((line for line in reversed(tail) if line.strip().isdigit()), at))
        what = {-signal.SIGALRM: "hangs", FAILED: "fails"}.get(
            ended.returncode, f"ends the process ({ended.returncode})"
        )
        about = f" ({described(seed, number)})" if described else ""
        print(f"python -m {module} {seed} {number}{about} {what}\n{ended.stderr[-2500:]}", flush=True)
        failures += 1
        at = number + 1
    return failures


def child(arguments: list[str], tried: Callable[[int, int, Path], None]) -> None:
    """Try cases until one fails. The number of each is printed before, so that it is known which one ended the process."""
    seed, start = int(arguments[1]), int(arguments[2])
    stop = int(arguments[3]) if len(arguments) > 3 else start + 1
    resource.setrlimit(resource.RLIMIT_AS, (MOST_MEMORY, MOST_MEMORY))
    sys.path.insert(0, str(ROOT))
    for number in range(start, stop):
        print(number, flush=True)
        signal.alarm(MOST_SECONDS)
        with tempfile.TemporaryDirectory() as folder:
            try:
                tried(seed, number, Path(folder))
            except BaseException:
                traceback.print_exc()
                sys.stderr.flush()
                sys.exit(FAILED)
        signal.alarm(0)
