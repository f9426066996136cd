"""Where histories come from. Each source ends in a `History`."""

from durable_debug.sources.files import load

__all__ = ["load"]
