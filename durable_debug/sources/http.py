"""One file by http or https, with the standard library: no package is needed for it."""

from __future__ import annotations

import threading
import time
import urllib.error
import urllib.request
from urllib.parse import urlsplit

from durable_debug.errors import HistoryError
from durable_debug.sources import reading
from durable_debug.sources.waiting import OverdueError, within

__all__ = ["downloaded", "is_http", "without_secrets"]

_ONE_READ_SECONDS = 30.0
_REFUSED = {401, 403, 407}
_NOTHING = {404, 410}


def is_http(url: str) -> bool:
    """Whether a URL names a file that a web server gives; one that ends with / would name a folder."""
    return url.lower().startswith(("http://", "https://")) and not url.endswith("/")


def without_secrets(url: str) -> str:
    """Give a URL to be shown: what stands behind ? may be a signature, what stands before @ a password."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return url.partition("?")[0].rpartition("@")[2]
    return parts._replace(query="…" if parts.query else "", netloc=parts.netloc.rpartition("@")[2]).geturl()


def downloaded(url: str) -> bytearray:
    """Read a file from a web server, as much as is bearable and while it is.

    Raises
    ------
    HistoryError
        It can't be had; the message says why.
    """
    shown = without_secrets(url)
    try:
        content: bytearray = within(reading.MOST_SECONDS, threading.Event(), lambda: _read(url))
    except HistoryError as error:
        raise type(error)(f"{shown:.200}: {error.message}", cure=error.cure) from None
    except OverdueError:
        raise HistoryError(
            f"{shown:.200} did not come within {reading.MOST_SECONDS:g} s.",
            cure=f"Download it first. {reading.lift('MOST_SECONDS')}",
        ) from None
    except urllib.error.HTTPError as error:
        error.close()
        raise _refused(shown, error.code, str(error.reason)) from None
    except (OSError, ValueError) as error:  # of the network, of a certificate, of the URL itself
        told = getattr(error, "reason", None) or error
        raise HistoryError(
            f"{shown:.200} cannot be read: {told!s:.200}.", cure="Check the URL and the network."
        ) from None
    return content


def _read(url: str) -> bytearray:
    request = urllib.request.Request(url, headers={"User-Agent": "durable-debug", "Accept": "*/*"})  # noqa: S310 - `is_http`
    with urllib.request.urlopen(request, timeout=_ONE_READ_SECONDS) as response:  # noqa: S310 - as above
        return reading.taken(response, deadline=time.monotonic() + reading.MOST_SECONDS)


def _refused(shown: str, status: int, reason: str) -> HistoryError:
    if status in _NOTHING:
        return HistoryError(f"There is nothing at {shown:.200}.", cure="Check the URL, and who may read it.")
    if status in _REFUSED:
        return HistoryError(
            f"{shown:.200} may not be read: {status} {reason:.80}.",
            cure="Give a URL that asks for no sign-in, or has the signature in it and is not expired; or download the file.",
        )
    return HistoryError(f"{shown:.200} cannot be read: {status} {reason:.80}.", cure="Try again.")
