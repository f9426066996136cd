"""Handlers in another interpreter: the environment of a project, with its own packages and its own SDK.

A process of that interpreter runs the same engine, from the files of this package, and needs nothing besides the standard
library and the SDK that is there. `server` is what runs there, `process` talks to it, `runner` is the `Runner` on this side.
"""
