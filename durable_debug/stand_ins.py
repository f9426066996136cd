"""What stands in for a value that is hidden: another one of the same form, by a secret.

The form of a value is what it tells without its letters and digits: of a text the length, the signs between them, and which
of its characters are capitals, small letters and digits; of a number the sign and how many digits stand before the point. A
date stays a date that there is, a UUID keeps its version, hexadecimal digits stay such, a number as text stays one, and so do
IPv4 addresses; a URL keeps its scheme, an ARN its first four fields.

Among the texts of one form (up to 12 letters and digits) this is a permutation that leaves none in its place: equal values
stay equal, others stay different. Without the secret nobody can try values until one gives the same stand-in.
"""

from __future__ import annotations

import base64
import datetime as dt
import hashlib
import json
import re
import string
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["StandIns", "coarse", "dumped", "extreme", "form", "json_text"]

_ROUNDS = 8
_LONGEST_PERMUTED = (
    12  # letters and digits: two longer texts have the same stand-in as often as two hashes are the same
)
_DEEPEST = 200
_MOST_WALKED = 2_000
_LONGEST_LOOKED_AT = 1_000  # characters of a text that may by chance become one of another kind
_MOST_KEPT = 20_000
_CAPITALS, _SMALL, _DIGITS = string.ascii_uppercase, string.ascii_lowercase, string.digits

_DATE = re.compile(
    r"(?P<date>\d{4}-\d\d-\d\d)(?:(?P<sign>[T ])(?P<time>\d\d:\d\d(?::\d\d(?:[.,]\d+)?)?)(?P<zone>Z|[+-]\d\d:?\d\d)?)?"
)
_DATE_DIGITS = ["12", "90", _DIGITS, _DIGITS, "", "01", _DIGITS, "", "0123", _DIGITS]
_TIME_DIGITS = ["012", _DIGITS, "", "012345", _DIGITS, "", "012345", _DIGITS]
_TIME = re.compile(r"(?:[01]\d|2[0-3]):[0-5]\d(?::[0-5]\d(?:[.,]\d+)?)?", re.ASCII)
_UUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_HEX = re.compile(
    r"(?=[^0-9]*[0-9])(?=[^a-f]*[a-f])[0-9a-f]{8,}|(?=[^0-9]*[0-9])(?=[^A-F]*[A-F])[0-9A-F]{8,}"
)
_NUMBER = re.compile(r"[+-]?(?P<whole>0|[1-9]\d*)(?P<part>\.\d+)?(?P<power>[eE][+-]?\d+)?", re.ASCII)
_IPV4 = re.compile(r"(?:(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)(?:\.(?!$)|$)){4}", re.ASCII)
_BEGINS = re.compile(r"[a-z][a-z0-9+.-]{0,20}://|arn:[a-z-]*:[a-z0-9-]*:[a-z0-9-]*:")
_BASE64 = re.compile(r"(?:[A-Za-z0-9+/]{4}){3,}(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?", re.ASCII)
_NOT_NUMBERS = frozenset({"nan", "snan", "infinity", "inf"})


class StandIns:
    """Gives for each value another one of the same form; for the same value the same.

    Parameters
    ----------
    secret
        Whoever has it can find out short values again, by trying.

    Examples
    --------
    >>> stand_ins = StandIns(b"a secret of yours")
    >>> len(stand_ins.text("order-42")), stand_ins.text("order-42")[5]
    (8, '-')
    """

    def __init__(self, secret: bytes) -> None:
        self._secret = hashlib.sha256(b"durable_debug stand-ins 1" + secret).digest()
        self._known: dict[str, str] = {}

    def of(self, value: Any) -> Any:
        """Give the stand-in for a text, number or boolean; anything else as it is."""
        if isinstance(value, bool):
            return False  # of two values nothing could be hidden by exchanging them
        if isinstance(value, int | float):
            return self.number(value)
        return self.text(value) if isinstance(value, str) else value

    def number(self, value: float) -> float:
        """Give a number of the same sign and as many digits; 0 for 0."""
        written = _written(value)
        if _NUMBER.fullmatch(written) is None:  # not a number, infinity
            return value
        new = value
        for _ in range(_MOST_WALKED):
            written = self.text(written)
            new = type(value)(written)
            if new != value and form(new) == form(value):
                break  # else it was rounded; and nothing stands in for 0 but 0
            if not value:
                break
        return new

    def text(self, text: str) -> str:
        """Give a text of the same form."""
        new = self._known.get(text)
        if new is None:
            new = self._text(text)
            if len(self._known) < _MOST_KEPT and len(text) <= _LONGEST_LOOKED_AT:
                self._known[text] = new
        return new

    def data(self, encoded: str) -> str:
        """Give as many other bytes, in base64."""
        try:
            held = base64.b64decode(encoded)
        except ValueError:
            return self.text(encoded)
        return base64.b64encode(self._hashed(b"bytes", held, len(held))).decode()

    def _text(self, text: str) -> str:
        kind = _kind(text)
        if kind in {"date", "far date"}:
            return self._date(text)
        if kind == "time":
            return self._permuted(text, (_TIME_DIGITS + [""] + [_DIGITS] * len(text))[: len(text)])
        if kind == "number":
            return self._permuted(text, _digits_of_number(text))
        if kind in {"uuid", "hex"}:
            text = text if text.lower() == text else text.upper()
            return self._permuted(text, _hex_digits(text, keeps_version=kind == "uuid"))
        if kind == "ipv4":
            return self._permuted(
                text, [each for part in text.split(".") for each in (*_octet(part), "")][:-1]
            )
        if kind == "json":
            return _with_leaves(text, self.of)
        if text.lstrip("+-").lower() in _NOT_NUMBERS:
            return text
        begins = _BEGINS.match(text)
        kept = begins.end() if begins is not None else 0
        return text[:kept] + self._permuted(text[kept:], [_alphabet(each) for each in text[kept:]])

    def _date(self, text: str) -> str:
        parts = _DATE.fullmatch(text)
        assert parts is not None
        date = parts["date"]
        digits = list(_DATE_DIGITS)
        if date[:2] not in {"19", "20"}:  # as 9999-12-31, which means never
            digits[:2] = ["", ""]
        new = self._permuted(date, digits)
        if parts["time"] is None:
            return new
        zone = re.sub(r"\d", "0", parts["zone"] or "")
        return f"{new}{parts['sign']}{self.text(parts['time'])}{zone}"

    def _permuted(self, text: str, alphabets: list[str]) -> str:
        """Give the next text in a cycle of all that have these alphabets, in an order that the secret decides."""
        places = [at for at, alphabet in enumerate(alphabets) if alphabet]
        if not places:
            return text
        used = [alphabets[at] for at in places]
        values = [_index(text[at], alphabets[at]) for at in places]
        about = "".join(
            f"{alphabet[0]}{len(alphabet)}" if alphabet else each
            for each, alphabet in zip(text, alphabets, strict=True)
        ).encode(errors="surrogatepass")
        kind = _kind(text)
        new = text
        for _ in range(
            _MOST_WALKED
        ):  # on, to one of the same kind: the texts of a kind have a cycle of their own
            values = self._next(values, used, about)
            letters = list(text)
            for at, alphabet, value in zip(places, used, values, strict=True):
                letters[at] = alphabet[value]
            new = "".join(letters)
            if len(text) > _LONGEST_LOOKED_AT or _kind(new) == kind:
                break
        return new

    def _next(self, values: list[int], alphabets: list[str], about: bytes) -> list[int]:
        sizes = [len(alphabet) for alphabet in alphabets]
        if len(values) > _LONGEST_PERMUTED:
            stream = self._hashed(about, bytes(values), len(values))
            return [number % size for number, size in zip(stream, sizes, strict=True)]
        if len(values) == 1:
            order = sorted(range(sizes[0]), key=lambda one: self._hashed(about, bytes([one]), 16))
            return [order[(order.index(values[0]) + 1) % len(order)]]
        mixed = self._mixed(values, sizes, about, 1)
        at = len(mixed) - 1
        while at >= 0:  # one more, with carry
            mixed[at] = (mixed[at] + 1) % sizes[at]
            if mixed[at]:
                break
            at -= 1
        return self._mixed(mixed, sizes, about, -1)

    def _mixed(self, values: list[int], sizes: list[int], about: bytes, way: int) -> list[int]:
        """Mix both halves with each other (a Feistel network); with -1 for the way, undo that."""
        half = len(values) // 2
        left, right = values[:half], values[half:]
        begun = hashlib.shake_256(self._secret + len(about).to_bytes(8, "big") + about)
        for number in range(_ROUNDS)[::way]:
            by, changed, offset = (right, left, 0) if number % 2 else (left, right, half)
            hashed = begun.copy()
            hashed.update(bytes([number, *by]))
            for at, add in enumerate(hashed.digest(len(changed))):
                changed[at] = (changed[at] + way * add) % sizes[offset + at]
        return left + right

    def _hashed(self, about: bytes, what: bytes, length: int) -> bytes:
        return hashlib.shake_256(
            self._secret + len(about).to_bytes(8, "big") + about + b"\0\0" + what
        ).digest(length)


def form(value: Any) -> Any:
    """Give what a value and its stand-in have in common, as a value to be compared."""
    if isinstance(value, bool) or value is None:
        return type(value).__name__
    if isinstance(value, int | float):
        return _form_of_number(value)
    if not isinstance(value, str):
        return value
    kind = _kind(value)
    if kind == "json":
        return _with_leaves(value, form)
    if kind in {"uuid", "hex"}:
        return re.sub("[0-9a-zA-Z]", "h", value)
    return "".join(
        ("0" if alphabet is _DIGITS else alphabet[0]) if (alphabet := _alphabet(each)) else each
        for each in value
    )


def extreme(value: Any, *, highest: bool) -> Any:
    """Give the lowest or highest number, by its amount, that has the form of this one, or date; None of what is neither."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    written = value if isinstance(value, str) else _written(value)
    if _kind(written) == "date":
        parts = _DATE.fullmatch(written)
        assert parts is not None
        time = ("23:59:59.999999999" if highest else "00:00:00.000000000")[: len(parts["time"] or "")]
        date = "2099-12-31" if highest else "1900-01-01"
        return f"{date}{parts['sign'] or ''}{time}{parts['zone'] or ''}"
    if _NUMBER.fullmatch(written) is None:
        return None
    digits = zip(written, _digits_of_number(written), strict=True)
    return type(value)(
        "".join(alphabet[-1 if highest else 0] if alphabet else each for each, alphabet in digits)
    )


def coarse(value: Any) -> Any:
    """Give less than the form: of a text its length, and the signs between letters and digits; of a number, that it is one."""
    if isinstance(value, str):
        return "".join("x" if each.isalnum() else each for each in value)
    return "number" if isinstance(value, int | float) else form(value)  # some write a boolean as a number


def _form_of_number(value: float) -> str:
    """Sign and digits before the point; 0 only of 0."""
    if not value or not _NUMBER.fullmatch(_written(value)):
        return _written(value) if value else "nothing"
    sign = "-" if value < 0 else ""
    return sign + "9" * len(_written(abs(int(value))))


def _written(value: float) -> str:
    try:
        return repr(value)
    except ValueError:  # more digits than Python writes
        return ""


def _kind(text: str) -> str:
    """Tell what a text is, of what a stand-in has to stay."""
    if text[:1] in {"{", "["}:
        return "json" if json_text(text) is not None else ""
    if not text or not text.isascii():
        return ""
    if _DATE.fullmatch(text):
        try:
            dt.datetime.fromisoformat(text.replace(",", "."))
        except ValueError:
            return ""
        return "date" if text[:2] in {"19", "20"} else "far date"
    if _TIME.fullmatch(text):
        return "time"
    if _UUID.fullmatch(text):
        return "uuid"
    if _NUMBER.fullmatch(text):
        return "number"
    if _HEX.fullmatch(text):
        return "hex"
    if _IPV4.fullmatch(text):
        return "ipv4"
    return "json" if json_text(text) is not None else ""


def json_text(text: str) -> tuple[Any, Callable[[Any], str]] | None:
    """Read a text that is JSON of a list or object, or base64 of such.

    Returns
    -------
    tuple or None
        The value, and what writes another value as this one is written.
    """
    inner, is_encoded = text, False
    try:
        if text[:1] in {"e", "W"} and _BASE64.fullmatch(text):  # as { and [ begin
            inner, is_encoded = base64.b64decode(text).decode(), True
        if inner[:1] not in {"{", "["}:
            return None
        value = json.loads(inner)
    except (ValueError, RecursionError):
        return None

    def written(new: Any) -> str:
        json_ = dumped(new, inner)
        return base64.b64encode(json_.encode(errors="surrogatepass")).decode() if is_encoded else json_

    return value, written


def _with_leaves(text: str, leaf: Callable[[Any], Any]) -> str:
    """Write JSON text anew, with other leaves."""
    found = json_text(text)
    if found is None:
        return text
    value, written = found

    def walk(held: Any, depth: int = 0) -> Any:
        if depth > _DEEPEST:
            return None
        if isinstance(held, dict):
            return {key: walk(one, depth + 1) for key, one in held.items()}
        if isinstance(held, list):
            return [walk(one, depth + 1) for one in held]
        return leaf(held)

    return written(walk(value))


def dumped(value: Any, like: str) -> str:
    """Write JSON text with the spaces that another one has."""
    separators = None if ", " in like or '": ' in like else (",", ":")
    return json.dumps(value, separators=separators, ensure_ascii=like.isascii())


def _alphabet(each: str) -> str:
    if each.islower():
        return _SMALL
    if each.isalpha():
        return _CAPITALS
    return _DIGITS if each.isalnum() else ""  # ¼ and Ⅷ, too


def _index(each: str, alphabet: str) -> int:
    at = alphabet.find(each)
    return at if at >= 0 else ord(each) % len(alphabet)


def _hex_digits(text: str, *, keeps_version: bool) -> list[str]:
    digits = "0123456789abcdef" if text.lower() == text else "0123456789ABCDEF"
    alphabets = [digits if each.isalnum() else "" for each in text]
    if keeps_version:
        alphabets[14] = alphabets[19] = ""  # version and variant
    return alphabets


def _octet(part: str) -> list[str]:
    return ["12" if len(part) == 3 else _DIGITS[len(part) > 1 :], *[_DIGITS] * (len(part) - 1)]


def _digits_of_number(text: str) -> list[str]:
    """Which digits may stand where, so that a number stays as long when it is read and written again."""
    found = _NUMBER.fullmatch(text)
    assert found is not None
    alphabets = ["" for _ in text]
    begin, end = found.span("whole")
    if found["whole"] != "0":
        alphabets[begin:end] = [_DIGITS[1:], *[_DIGITS] * (end - begin - 1)]
    begin, end = found.span("part")
    if found["part"] and found["part"].strip("0") != ".":
        inner = [_DIGITS] * (end - begin - 2)
        alphabets[begin + 1 : end] = [*inner, _DIGITS[1:] if text[end - 1] != "0" else ""]
    return alphabets
