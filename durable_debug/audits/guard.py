"""The guard: a patch that keeps running executions on the old path, and is given only where replays show that it does."""

from __future__ import annotations

import ast
import copy
import difflib
import io
import shutil
import tempfile
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from durable_debug.audits.patching import NoPatch, patched
from durable_debug.divergence.run import replayed
from durable_debug.engine.arn import for_replay
from durable_debug.options import Options

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from durable_debug.divergence.run import Run
    from durable_debug.history import History

__all__ = ["Guard", "NoPatch", "Subject", "guard_for"]

_MOST_EXECUTIONS = 500  # that a handler is to name one by one
_MOST_FILES = 2_000  # of a handler's folder, which is copied to try the patch out
_MOST_BYTES = 50_000_000
_OTHERS_FOLDERS = {"__pycache__", "node_modules", "site-packages", "venv", "dist", "build"}
_FRESH_ID = "00000000-0000-4000-8000-000000000000"


@dataclass(frozen=True, slots=True)
class Guard:
    """A patch of the new code, with which running executions go on as before and new ones take the new path.

    It names the executions that it keeps, by their ARNs: ``context.execution_context.durable_execution_arn`` is the same
    in each replay, whatever the code asks for. What begins after the histories were fetched is not among them.

    Attributes
    ----------
    patch
        A unified diff against the new code, as ``git apply`` and ``patch -p1`` take it.
    folder
        Where to apply it.
    executions
        How many running executions it keeps on the old path.
    verified
        How many replays showed that: of each of these with each SDK, of a new execution, and of ended ones.
    """

    patch: str
    folder: str
    executions: int
    verified: int


@dataclass(frozen=True, slots=True)
class Subject:
    """What a guard is made for.

    Attributes
    ----------
    old, new
        The handlers, by name.
    before, after
        Options that each of them is replayed with; of the new one for each SDK.
    running, ended
        Histories that the guard is tried with.
    """

    old: str
    new: str
    before: Mapping[str, Any]
    after: Sequence[Mapping[str, Any]]
    running: Sequence[History]
    ended: Sequence[History]


@dataclass(frozen=True, slots=True)
class _Code:
    """Where the code of a handler lies: what is imported from, and the file that it is in."""

    root: Path
    file: Path

    @property
    def inside(self) -> Path:
        """The folder of it that is the handler's: its package, or the folder that it is in."""
        parts = self.file.relative_to(self.root).parts
        return self.root / parts[0] if len(parts) > 1 else self.root


def guard_for(subject: Subject, goes_on: Callable[[History, str, Mapping[str, Any]], str | None]) -> Guard:
    """Make a guard, and try it out.

    Parameters
    ----------
    goes_on
        Replays a running execution with the handler of this name: None where it goes on as before, else why it does not.

    Raises
    ------
    NoPatch
        There is none, and why.
    """
    arns = _arns(subject.running)
    old, new = _code_of(subject.old, subject), _code_of(subject.new, subject)
    changes = dict(_patched_files(old, new, arns))
    if not changes:
        raise NoPatch(
            "no function that has the durable context differs between the two: what differs is asked for elsewhere, by the "
            "SDK, by what the module holds, or by a library"
        )
    with _copied(new, changes) as file:
        tried = f"{file}:{subject.new.rpartition(':')[2]}"
        verified = _verify(subject, tried, goes_on)
    diff = "".join(_diff(path, changes[path], new.root) for path in sorted(changes))
    return Guard(diff, str(new.root), len(arns), verified)


def _arns(running: Sequence[History]) -> list[str]:
    if len(running) > _MOST_EXECUTIONS:
        raise NoPatch(f"{len(running):,} running executions are too many for a handler to name")
    found = set()
    for history in running:
        arn = history.arn
        if history.redacted is not None:
            raise NoPatch("a history is redacted: whether a patch keeps its execution can't be seen")
        if arn is None:
            raise NoPatch("a history has no ARN, which is what a handler can tell an execution by")
        if for_replay(arn, history.final_state()[0]["Id"]).arn != arn:
            raise NoPatch(f"the ARN of {history.name or arn} does not end with the execution's id")
        found.add(arn)
    return sorted(found)


def _code_of(name: str, subject: Subject) -> _Code:
    """Find the handler's file, as what runs it has it."""
    options = subject.before if name == subject.old else subject.after[0]
    told = replayed(name, subject.running[0], Options(**options)).recording.runner.file
    where = name.rpartition(":")[0]
    file = Path(where if where.endswith(".py") and Path(where).is_file() else told or "").resolve()
    if not file.is_file():
        raise NoPatch(f"the source of {name} can't be found")
    root = file.parent
    for _ in range(_relative(file)):  # a package need not have an __init__.py
        root = root.parent
    while (root / "__init__.py").is_file():
        root = root.parent
    return _Code(root, file)


def _relative(file: Path) -> int:
    """How many folders up a file imports from."""
    try:
        tree = ast.parse(file.read_bytes())
    except (SyntaxError, ValueError) as error:
        raise NoPatch(f"{file.name} can't be read: {error}") from error
    return max((node.level for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)), default=0)


def _patched_files(old: _Code, new: _Code, arns: Sequence[str]) -> Iterator[tuple[Path, str]]:
    pairs = {new.file: old.file}
    for path in _python_files(new.inside):
        pairs.setdefault(path, old.inside / path.relative_to(new.inside))
    for path, before in pairs.items():
        if not before.is_file() or before.read_bytes() == path.read_bytes():
            continue
        try:
            source = path.read_bytes().decode()
            text = patched(_unix(before.read_bytes().decode()), _unix(source), arns)
        except (SyntaxError, ValueError) as error:
            raise NoPatch(f"{path.name} can't be read: {error}") from error
        if text is not None:
            yield path, text.replace("\n", "\r\n") if "\r\n" in source else text


def _unix(source: str) -> str:
    return source.replace("\r\n", "\n")


def _python_files(folder: Path) -> Iterator[Path]:
    return (path for path in _files(folder) if path.suffix == ".py")


def _files(folder: Path) -> Iterator[Path]:
    """The user's own files of a folder, those of its environments apart."""
    for path in sorted(folder.iterdir()):
        if path.is_dir() and not path.is_symlink():
            others = path.name in _OTHERS_FOLDERS or path.name.startswith(".")
            if not others and not (path / "pyvenv.cfg").exists():
                yield from _files(path)
        elif path.is_file():
            yield path


@contextmanager
def _copied(code: _Code, changes: Mapping[Path, str]) -> Iterator[Path]:
    """Copy the code with its changes; give the handler's file there."""
    size = 0
    with tempfile.TemporaryDirectory(prefix="durable_debug-") as folder:
        for number, path in enumerate(_files(code.root)):
            size += path.stat().st_size
            if number >= _MOST_FILES or size > _MOST_BYTES:
                raise NoPatch(f"{code.root} is too large to be copied, so that a patch can't be tried")
            into = Path(folder) / path.relative_to(code.root)
            into.parent.mkdir(parents=True, exist_ok=True)
            if path in changes:
                into.write_bytes(changes[path].encode())
            else:
                shutil.copyfile(path, into)
        yield Path(folder) / code.file.relative_to(code.root)


# ---- trying it out


def _verify(
    subject: Subject, tried: str, goes_on: Callable[[History, str, Mapping[str, Any]], str | None]
) -> int:
    """Replay old executions, which must go on as before, and new ones, which must do as the new code does.

    Returns
    -------
    int
        How many replays showed it.
    """
    verified = 0
    for options in subject.after:
        for history in subject.running:
            why = goes_on(history, tried, options)
            if why is not None:
                raise NoPatch(
                    f"with the old statements beside the new ones, {history.name or history.arn} still does not go on as "
                    f"before: {why}"
                )
            verified += 1
        for history in (_fresh(subject.running[0]), *subject.ended):
            done = [_done(replayed(name, history, Options(**options))) for name in (subject.new, tried)]
            if done[0] != done[1]:
                raise NoPatch("a new execution does not take the new path with it")
            verified += 1
    return verified


def _fresh(history: History) -> History:
    """An execution with the same input that has only just begun."""
    first = copy.deepcopy(dict(history.raw[0]))
    first["Id"] = _FRESH_ID
    arn = f"{(history.arn or '').rpartition('/')[0]}/{_FRESH_ID}"
    return type(history)([first], arn=arn)


def _done(run: Run) -> object:
    """What a replay does, without the lines that it does it from."""
    asked = [(one.position, one.type, one.sub_type, one.name) for one in run.complete.calls]
    return run.status, run.result, asked, sorted((one.kind, one.asked or "") for one in run.divergences)


def _diff(path: Path, text: str, root: Path) -> str:
    name = path.relative_to(root).as_posix()
    before, after = (list(io.StringIO(one, newline="\n")) for one in (path.read_bytes().decode(), text))
    told = difflib.unified_diff(before, after, f"a/{name}", f"b/{name}")
    return "".join(one if one.endswith("\n") else f"{one}\n\\ No newline at end of file\n" for one in told)
