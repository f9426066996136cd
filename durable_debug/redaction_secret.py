"""The secret of a redaction: bytes that are given, or in a file, or in the file that DURABLE_DEBUG_SECRET names."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

from durable_debug.errors import HistoryError

__all__ = ["VARIABLE", "name_of", "own_secret", "secret_from"]

VARIABLE = "DURABLE_DEBUG_SECRET"
_SHORTEST = 16


def secret_from(given: bytes | str | os.PathLike[str]) -> bytes:
    """Give the secret that is given, or in a file.

    Raises
    ------
    HistoryError
        It can't be read, or is so short that it could be found out.
    """
    cure = "Make one, and keep it where the histories are not: head -c 32 /dev/urandom | base64 > redaction.secret"
    if isinstance(given, bytes):
        found = given
    else:
        path = Path(given).expanduser()
        try:
            found = path.read_bytes().strip()
        except OSError as error:
            raise HistoryError(
                f"The secret in {str(path)!r:.200} can't be read: {error.strerror or type(error).__name__}.",
                cure=cure,
            ) from None
    if len(found) < _SHORTEST:
        raise HistoryError(
            f"A secret of {len(found)} bytes is too short: {_SHORTEST} or more are needed, drawn by chance.",
            cure=cure,
        )
    return found


def own_secret(name: str | None = None) -> bytes | None:
    """Give the secret that the environment names; where a name is given, only if it is that one.

    Raises
    ------
    HistoryError
        As for `secret_from`.
    """
    file = os.environ.get(VARIABLE)
    if not file:
        return None
    secret = secret_from(file)
    return secret if name is None or name == name_of(secret) else None


def name_of(secret: bytes) -> str:
    """Name a secret, so that it is known again, and nothing is known of it."""
    return hashlib.sha256(b"durable_debug name of a secret" + secret).hexdigest()[:16]
