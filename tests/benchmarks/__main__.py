"""``python -m tests.benchmarks [WORD ...]``: run the ``main()`` of each ``bench_*.py`` here, or of those whose name holds a word.

Each has a process of its own, so that none measures what another one loaded.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent


def run(words: list[str]) -> int:
    """Run them, and give the number of those that failed."""
    names = [path.stem for path in sorted(HERE.glob("bench_*.py"))]
    chosen = [name for name in names if not words or any(word in name for word in words)]
    if not chosen:
        sys.exit(f"No benchmark is called so. There are: {', '.join(names) or 'none'}")
    failed = 0
    for name in chosen:
        print(f"== {name.removeprefix('bench_')}", flush=True)
        code = f"from tests.benchmarks.{name} import main; main()"
        failed += subprocess.run([sys.executable, "-c", code], cwd=HERE.parent.parent).returncode != 0
        print(flush=True)
    return failed


if __name__ == "__main__":
    sys.exit(min(run(sys.argv[1:]), 1))
