"""What differs between the lines of the SDK, asked in one place: `LINE` is that of the installed one.

A line is a module with its answers, and an entry in `contract`, which names what is relied on of it.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

from durable_debug.engine.sdk import contract

if TYPE_CHECKING:
    from durable_debug.engine.sdk.lines.line import Line

__all__ = ["LINE"]

LINE: Line = importlib.import_module(f"{__name__}.{contract.check().module}").LINE
contract.check_decorators(LINE.is_durable)
