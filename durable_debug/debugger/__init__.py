"""A replay held still: sessions, breakpoints, stops, going back. Knows nothing of Jupyter."""

from durable_debug.debugger.breakpoints import Breakpoint
from durable_debug.debugger.explanation import Explanation, why
from durable_debug.debugger.session import Debugger, debug
from durable_debug.debugger.stop import StackFrame, Stop
from durable_debug.engine.variables import Variable

__all__ = ["Breakpoint", "Debugger", "Explanation", "StackFrame", "Stop", "Variable", "debug", "why"]
