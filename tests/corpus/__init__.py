"""The corpus: small durable functions of every kind, each with one execution that was really run.

    from corpus import CASES
    from corpus.recorder import record
    recorded = record(CASES["retries_succeed_in_the_end"])

A test of replay asks it for the history and holds what it finds against what happened.
"""

from __future__ import annotations

import importlib

from corpus.case import DEATHS, RAN, REGISTRY, Case

GROUPS = (
    "steps",
    "retries",
    "waits",
    "callbacks",
    "invokes",
    "children",
    "virtual",
    "maps",
    "parallels",
    "conditions",
    "serdes",
    "large",
    "errors",
    "crashes",
    "handlers",
    "mixed",
    "outside",
    "matrix",
)

for group in GROUPS:
    importlib.import_module(f"corpus.{group}")

CASES: dict[str, Case] = REGISTRY

__all__ = ["CASES", "DEATHS", "GROUPS", "RAN", "Case"]
