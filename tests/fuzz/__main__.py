"""``python -m tests.fuzz [SEED] [COUNT]``: so many broken files, and half as many broken histories; says which fail, and how to try them again."""

from __future__ import annotations

import random
import sys

from tests.fuzz import histories
from tests.fuzz.running import run


def main(arguments: list[str]) -> int:
    seed = int(arguments[0]) if arguments else random.randrange(1_000_000)
    count = int(arguments[1]) if len(arguments) > 1 else 1_000
    print(f"seed {seed}: {count:,} broken files", flush=True)
    failures = run("tests.fuzz.files", seed, count)
    print(f"seed {seed}: {count // 2:,} broken histories", flush=True)
    failures += run("tests.fuzz.histories", seed, count // 2, described=histories.described)
    print(f"{failures} failures" if failures else "no failure")
    return min(failures, 1)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
