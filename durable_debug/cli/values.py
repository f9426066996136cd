"""Values of options, as `argparse` has them read."""

from __future__ import annotations

from argparse import ArgumentTypeError

__all__ = ["jobs", "seconds"]


def jobs(text: str) -> int:
    """Read a number of jobs: joblib's meaning, so -1 is one per core."""
    number = int(text)
    if number == 0:
        raise ValueError(text)
    return number


def seconds(text: str) -> float:
    """Read a length of time that is longer than nothing."""
    number = float(text)
    if not number > 0:  # nor is "nan"
        raise ArgumentTypeError(f"{text} is no number of seconds above 0")
    return number
