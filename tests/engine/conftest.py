"""What tests of replay share. The corpus is a package beside this folder: `from corpus import CASES`."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

TESTS = str(Path(__file__).parent.parent)
if TESTS not in sys.path:
    sys.path.insert(0, TESTS)

from tests.engine.subject import RAN, TROUBLE


@pytest.fixture(autouse=True)
def nothing_runs():
    """No body of a step, submitter, check or invoke runs in any of these tests but where it says so."""
    RAN.clear()
    yield
    TROUBLE.clear()
    assert RAN == []
