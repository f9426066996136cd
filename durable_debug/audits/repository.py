"""Where the user's code lies: its repository, its project's settings, and paths that are the same on every machine."""

from __future__ import annotations

from pathlib import Path, PurePath

__all__ = ["home_of", "path_in_repository", "root_of", "store_of"]


def root_of(folder: Path) -> Path | None:
    """Give the top of the git repository, or worktree, that a folder is in; None where it is in none."""
    return next((one for one in (folder, *folder.parents) if (one / ".git").exists()), None)


def store_of(root: Path) -> Path:
    """Give the folder in which git keeps what all worktrees of a repository share."""
    link = root / ".git"
    if link.is_file():
        told = Path(link.read_text(errors="replace").removeprefix("gitdir:").strip())
        if told.parent.name == "worktrees":
            return told.parent.parent.resolve()
    return link.resolve()


def home_of(handler: object) -> Path:
    """Give the folder that a handler's settings are looked for in and above: that of its file, else the current one."""
    code = getattr(getattr(handler, "__wrapped__", handler), "__code__", None)
    named = handler if isinstance(handler, str) else getattr(code, "co_filename", "")
    for text in (named, named.rpartition("#")[0], named.rpartition(":")[0], named.partition(":")[0]):
        path = Path(text).expanduser()
        if path.is_file():
            return path.resolve().parent
    return Path.cwd().resolve()


def path_in_repository(file: str) -> str:
    """Give a file's path from the top of its own repository, with slashes; only its name where it is in none."""
    if file.startswith("<"):
        return file  # a notebook's cell
    path = Path(file).resolve()
    root = root_of(path.parent)
    return path.relative_to(root).as_posix() if root is not None else PurePath(file).name
