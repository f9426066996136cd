"""Runs a handler over a history through the real SDK."""
