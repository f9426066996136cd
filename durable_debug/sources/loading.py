"""`load`: a history, or many, from wherever they are."""

from __future__ import annotations

import contextlib
import difflib
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from durable_debug.errors import DurableDebugError, HistoryError, OptionError
from durable_debug.history import History
from durable_debug.options import unknown_options
from durable_debug.sources import reading, runners
from durable_debug.sources.archives import TarFiles, ZipFiles
from durable_debug.sources.collection import Histories
from durable_debug.sources.connection import WHERE, LookUp, connect
from durable_debug.sources.documents import from_document, several
from durable_debug.sources.http import downloaded, is_http, without_secrets
from durable_debug.sources.logs import with_logs
from durable_debug.sources.members import named
from durable_debug.sources.reading import is_database, is_tar, is_zip, parsed, unpacked
from durable_debug.sources.records import arn_of
from durable_debug.sources.redaction import redactor
from durable_debug.sources.shelves import (
    DatabaseShelf,
    DocumentsShelf,
    FolderShelf,
    LocalFiles,
    UrlFiles,
    from_url,
)
from durable_debug.sources.traces import with_trace
from durable_debug.spelling import read_by

if TYPE_CHECKING:
    from collections.abc import Callable

    from durable_debug.history.payloads import Decode
    from durable_debug.sources.redaction import Redact

__all__ = ["load", "load_one"]


def load(  # noqa: PLR0913
    source: Any,
    execution: str | None = None,
    *,
    format: str | None = None,  # noqa: A002
    children: bool = False,
    logs: bool | str = False,
    trace: bool = False,
    redact: Redact | None = None,
    decode: Decode | None = None,
    **where: Any,
) -> History | Any:
    """Load the history of a durable execution, or of many.

    Parameters
    ----------
    source
        - ARN of an execution in an account, or on a local server (``endpoint_url``);
        - path of a file: the JSON of the AWS CLI, boto3, SAM, the local runner, the JavaScript testing library or the
          Lambda console; a record of the testing SDK's store, of telemetry or insight, an EventBridge message; one such
          document or one on each line; packed as .gz or .zst or not;
        - path of a folder of such files, of a zip or tar archive of them (.zip, .tar, .tgz, .tar.zst …), of the sqlite
          database of the testing SDK or of SAM;
        - URL of a file or archive (``https://…``), or of whatever fsspec reaches: ``s3://…`` with the extra ``files``;
        - the same as a dict, list, bytes or open file;
        - a ``DurableFunctionTestRunner``;
        - a `History` or `Histories`, returned as they are, or redacted.
    execution
        Which one, where the source holds many: ARN, name or file name. In a path it may follow a ``#``.
    format
        What it is, where it should not be told by looking: ``"history"``, ``"pages"``, ``"events"``, ``"event"``,
        ``"store"``, ``"telemetry"`` or ``"notice"``.
    children
        Load the executions that it invoked too, at once; else `History.children` does when asked.
    logs
        Its log events, too (`History.logs`), from CloudWatch, where they are not in the file already: True, or the name of
        the log group, if it is neither the function's usual one nor the one that it is configured for. Of many histories,
        each one's when it is read.
    trace
        X-Ray's segments, too (`History.segments`): of the trace that the execution's record names, and of those that its
        logs name, where they are loaded.
    redact
        Put placeholders where values are: see `redacted`.
    decode
        Gives the plain text of payloads that are encrypted, compressed or kept elsewhere: see `History.decoded`. Nothing is
        decoded before it is shown.
    **where
        Where an ARN is looked up: ``client``, ``session``, ``profile``, ``region``, ``endpoint_url``, ``rate`` (history
        requests a second, 15). With one of these, a telemetry record or EventBridge message loads the execution that it
        tells of.

    Returns
    -------
    History or Histories
        `Histories` where there are many and none was named. What is wrong with a record but does not prevent loading it
        is in its ``warnings``.

    Raises
    ------
    HistoryError
        There is no such thing, or it is no history, or the account does not let you. The message says what to do.

    Examples
    --------
    >>> history = load("order.json")  # doctest: +SKIP
    >>> history = load("arn:aws:lambda:…/durable-execution/order-42/ce67da72-…", profile="dev")  # doctest: +SKIP
    >>> history = load("arn:aws:lambda:…/durable-execution/order-42/ce67da72-…", logs=True)  # doctest: +SKIP
    >>> history = load("histories/", "order-42")  # doctest: +SKIP
    >>> history = load(runner)  # doctest: +SKIP
    """
    unknown_options(
        "load", where, ("execution", "format", "children", "logs", "trace", "redact", "decode", *WHERE)
    )
    more = _both(with_logs(logs, where), with_trace(trace, where))
    treat = _both(_both(_located(where), more), _both(redactor(redact), _decoding(decode)))
    found = _Loader(format, treat, where).found(source, execution)
    if isinstance(found, Histories):
        found = found[execution] if execution is not None else found
    if isinstance(found, History) and children:
        with_children(found)
    return found


def _located(where: dict[str, Any]) -> Callable[[History], History] | None:
    """Let a history that came from a file know where its account is, if that was said."""
    if not where:
        return None

    def located(history: History) -> History:
        if history.source is None:
            history.source = LookUp(where)
        return history

    return located


def _decoding(decode: Decode | None) -> Callable[[History], History] | None:
    if decode is None:
        return None
    if not callable(decode):
        raise OptionError(
            f"decode={decode!r:.80} is no function.",
            cure="Give a function from a payload's text to its plain text.",
        )
    return lambda history: history.decoded(decode)


def load_one(source: Any, **options: Any) -> History:
    """Load one history: as `load`, and where a source holds many, they must be one, or one must be named.

    Raises
    ------
    HistoryError
        As `load`; or there are many, or none.
    """
    found = load(source, **options)
    if not isinstance(found, Histories):
        return found
    if len(found) == 1:
        return found[0]
    names = ", ".join(str(name) for name in found.frame["name"].fillna(found.frame["file"]).head(5))
    raise HistoryError(
        f"{found.where} holds {len(found)} executions{f': {names:.300}' if names else ''}"
        f"{', …' if len(found) > 5 else ''}.",
        cure=f"Name one: '{found.where}#NAME'." if len(found) else "Give a place that holds histories.",
    )


def _both(
    one: Callable[[History], History] | None, other: Callable[[History], History] | None
) -> Callable[[History], History] | None:
    if one is None or other is None:
        return one or other
    return lambda history: other(one(history))


def with_children(history: History) -> None:
    """Load all that it invoked, and what that invoked."""
    for child in history.children.values():
        with_children(child)


class _Loader:
    """One call of `load`: what was asked for, and the way from each kind of source to a history.

    Parameters
    ----------
    format, treat, where
        What it is taken for, what is done to each history, and where an ARN is looked up.
    """

    def __init__(
        self,
        format: str | None,  # noqa: A002
        treat: Callable[[History], History] | None,
        where: dict[str, Any],
    ) -> None:
        self._format = format
        self._treat = treat
        self._where = where

    def found(self, source: Any, execution: str | None) -> History | Histories:
        if isinstance(source, History):
            return self._treated(source)
        if isinstance(source, Histories):
            return source.treated(self._treat) if self._treat else source
        if isinstance(source, dict | list | tuple):
            document = list(source) if isinstance(source, tuple) else source
            return self._document(reading.require_shallow(document), "the list")
        if isinstance(source, bytes | bytearray | memoryview):
            return self._content(bytes(source), "the bytes")
        if callable(getattr(source, "read", None)):
            name = f"{getattr(source, 'name', 'the file')!s:.200}"
            try:
                return self._content(reading.taken(source), name)
            except (OSError, UnicodeError) as error:
                raise HistoryError(f"{name} cannot be read: {error!s:.200}.", cure="Open it again.") from None
        if isinstance(source, str | os.PathLike):
            return self._text(source)
        if runners.is_of_testing_library(source):
            return self._testing(source, execution)
        raise HistoryError(
            f"A {type(source).__name__} is no source of a history.",
            cure="Give an ARN, the path or URL of a file or folder, a response of GetDurableExecutionHistory (dict) or a "
            "list of events.",
        )

    def _testing(self, thing: Any, execution: str | None) -> History | Histories:
        if (store := runners.store_of(thing)) is not None:
            many = Histories(runners.RunnerShelf(store), treat=self._treat)
            return many if execution is not None else many[runners.latest(store)]
        if (client := runners.cloud_client(thing)) is not None and execution is not None:
            return self._treated(connect(client=client)(execution))
        return self._document(runners.document_of(thing), "the result")

    def _text(self, source: str | os.PathLike[str]) -> History | Histories:
        text = os.fsdecode(source)
        if isinstance(source, str):
            if text.lstrip()[:1] in {"{", "["}:
                raise HistoryError(
                    "This is JSON text, not a path.",
                    cure=read_by(
                        python="Give the parsed document: `dd.load(json.loads(text))`.",
                        terminal="Pipe it in: `… | durable-debug show -`.",
                    ),
                )
            if text.startswith("arn:"):
                return self._account(text)
            if "://" in text:
                place, _, name = text.partition("#")
                return _one_of(self._url(place), name)
        path = _path_of(text)
        if not text.strip():
            raise HistoryError("The path is empty.", cure="Give the path of a JSON file.")
        if self._where and not _exists(path):
            return self._account(text)  # a local server's ARN looks like any text
        if "#" in text and not _exists(path):
            place, _, name = text.rpartition("#")
            return self._one_in(_path_of(place), name)
        return self._path(path)

    def _one_in(self, path: Path, name: str) -> History | Histories:
        if name and path.is_file() and self._format is None:
            with contextlib.suppress(OSError):
                found = named(path, name)
                if found is not None:
                    return self._treated(found)
        return _one_of(self._path(path), name)

    def _account(self, arn: str) -> History:
        return self._treated(connect(subject=arn, **self._where)(arn))

    def _path(self, path: Path) -> History | Histories:
        try:
            if path.is_dir():
                return self._folder(path)
            with reading.opened(path) as file:
                start = file.read(16)
                if is_database(start):
                    return Histories(DatabaseShelf(path), treat=self._treat)
                raw = reading.taken(file, start)
        except HistoryError as error:
            raise type(error)(f"{path.name}: {error.message}", cure=error.cure) from None
        except (FileNotFoundError, NotADirectoryError):
            near = difflib.get_close_matches(path.name, _names(path.parent), n=3, cutoff=0.5)
            raise HistoryError(
                f"There is no file {path}.",
                cure=f"Did you mean {', '.join(near)}?"
                if near
                else f"The working directory is {Path.cwd()}.",
            ) from None
        except (OSError, ValueError) as error:
            raise HistoryError(
                f"{str(path)!r:.200} cannot be read: {error}.", cure="Check the path."
            ) from None
        return self._content(raw, path.name)

    def _folder(self, path: Path) -> Histories:
        for database in ("durable-executions.db", ".durable-executions-local/durable-executions.db"):
            if (path / database).is_file():  # as SAM keeps it
                return Histories(DatabaseShelf(path / database), treat=self._treat)
        return Histories(FolderShelf(LocalFiles(path)), treat=self._treat)

    def _url(self, url: str) -> History | Histories:
        if is_http(url):
            return self._content(downloaded(url), without_secrets(url))
        try:
            import fsspec
        except ImportError:
            raise DurableDebugError(
                f"To read {url.partition('://')[0]:.20}:// fsspec is needed.",
                cure="Install it with: pip install 'durable_debug[files]'; or download the file.",
            ) from None
        try:
            system, root = fsspec.core.url_to_fs(url)
            if "file" in _protocols(system):
                return self._path(Path(root))
            if url.endswith("/") or (not url.startswith("http") and system.isdir(root)):
                return Histories(FolderShelf(UrlFiles(system, root, url)), treat=self._treat)
            raw = from_url(system, root)
        except DurableDebugError as error:
            raise type(error)(f"{url:.200}: {error.message}", cure=error.cure) from None
        except FileNotFoundError:
            raise HistoryError(
                f"There is nothing at {url:.200}.", cure="Check the URL, and who may read it."
            ) from None
        except ImportError as error:  # fsspec says which package reads this kind of URL
            raise DurableDebugError(
                f"{url:.200} cannot be read yet: {error!s:.200}.",
                cure="pip install 'durable_debug[files]' brings what s3:// needs.",
            ) from None
        except Exception as error:  # noqa: BLE001 - each of its file systems has errors of its own
            raise HistoryError(
                f"{url:.200} cannot be read: {type(error).__name__} {error!s:.200}.",
                cure="Check the URL and the credentials.",
            ) from None
        return self._content(raw, url)

    def _content(self, raw: bytes | bytearray, name: str) -> History | Histories:
        try:
            if is_zip(raw):
                return Histories(FolderShelf(ZipFiles(bytes(raw), name)), treat=self._treat)
            content = unpacked(raw)
            if is_tar(content):
                return Histories(FolderShelf(TarFiles(content, name)), treat=self._treat)
            return self._document(parsed(content), name)
        except HistoryError as error:
            raise type(error)(f"{name}: {error.message}", cure=error.cure) from None

    def _document(self, document: Any, name: str) -> History | Histories:
        many = several(document) if self._format is None else None
        if many is not None:
            return Histories(DocumentsShelf(many, name), treat=self._treat)
        if (
            isinstance(document, list)
            and len(document) == 1
            and self._format is None
            and isinstance(document[0], dict)
            and "EventType" not in document[0]
        ):
            document = document[0]
        if (
            self._where
            and isinstance(document, dict)
            and "Events" not in document
            and (arn := arn_of(document))
        ):
            return self._account(arn)
        return self._treated(from_document(document, format=self._format))

    def _treated(self, history: History) -> History:
        return self._treat(history) if self._treat else history


def _protocols(system: Any) -> tuple[str, ...]:
    protocol = getattr(system, "protocol", ())
    return (protocol,) if isinstance(protocol, str) else tuple(protocol)


def _one_of(found: History | Histories, name: str) -> History | Histories:
    return found[name] if name and isinstance(found, Histories) else found


def _path_of(text: str) -> Path:
    try:
        return Path(text).expanduser()
    except RuntimeError:  # ~somebody who is not there
        return Path(text)


def _exists(path: Path) -> bool:
    try:
        return path.exists()
    except (OSError, ValueError):
        return False


def _names(directory: Path) -> list[str]:
    try:
        return sorted(each.name for each in directory.iterdir())
    except (OSError, ValueError):
        return []
