"""Begins in another interpreter: finds this package by its folder, so that nothing else gets on the path, and serves.

Run by path, with the folder of the package and the number of a file descriptor. Needs the standard library only.
"""

import importlib.util
import sys


def main(folder: str, descriptor: str, *before: str) -> None:
    """Make `durable_debug` of a folder, and serve; packages of the folders `before` come first."""
    sys.path[:] = [
        *before,
        *(one for one in sys.path if one != sys.path[0]),
    ]  # without this file's own folder
    spec = importlib.util.spec_from_file_location(
        "durable_debug", f"{folder}/__init__.py", submodule_search_locations=[folder]
    )
    if spec is None or spec.loader is None:
        sys.exit(f"no package in {folder}")
    package = importlib.util.module_from_spec(spec)
    sys.modules["durable_debug"] = package
    spec.loader.exec_module(package)

    from durable_debug.engine.elsewhere.server import serve

    serve(int(descriptor))


if __name__ == "__main__":
    main(*sys.argv[1:])
