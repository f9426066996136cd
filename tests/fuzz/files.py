"""Files broken byte by byte: whatever they hold, `load` gives a history, names a problem, or raises an error of ours.

Each case is made of a seed and a number alone, so that a failure can be made again: ``python -m tests.fuzz.files SEED NUMBER``.
"""

from __future__ import annotations

import bz2
import gzip
import io
import json
import lzma
import random
import shutil
import sqlite3
import struct
import sys
import tarfile
import tempfile
import warnings
import zipfile
from functools import cache
from pathlib import Path
from typing import Any, Callable

from tests.fuzz.running import ROOT, child

SMALL = ("suspended", "poll_job", "espresso_cancelled", "payment_failed")


# ---- what is whole


@cache
def documents() -> list[dict[str, Any]]:
    return [json.loads((ROOT / f"sample_histories/{name}.json").read_bytes()) for name in SMALL]


@cache
def records() -> list[bytes]:
    """Records of the testing library's store."""
    return [
        path.read_bytes() for path in sorted((ROOT / "tests/sources/recorded/durable_executions").glob("*"))
    ]


def text(rng: random.Random) -> bytes:
    """A document as JSON, perhaps with values that JSON knows and people don't expect."""
    if rng.random() < 0.15:
        return rng.choice(records())
    raw = json.dumps(rng.choice(documents()), indent=rng.choice([None, 2])).encode()
    for _ in range(rng.choice([0, 0, 0, 1, 1, 2])):
        raw = with_odd_value(rng, raw)
    return raw


ODD = [
    b"null",
    b"true",
    b"-0.0",
    b"1e999",
    b"NaN",
    b"-Infinity",
    b"9223372036854775808",
    b"1" + b"0" * 400,
    b"1" * 5000,
    b'"\\ud800"',
    b'"\\udfff\\ud800"',
    b'"\\u0000"',
    b'"' + b"A" * 200_000 + b'"',
    b"[]",
    b"{}",
    b"[[]]",
    b'{"Payload": 5}',
    b'{"Payload": {"a": [1]}}',
    b'"9999-12-31T23:59:59.999999Z"',
    b'"0000-00-00"',
    b"253402300799.999",
    b"-1e15",
    b"[" * 300 + b"]" * 300,
    b"[" * 990 + b"]" * 990,
    b'{"a":' * 500 + b"1" + b"}" * 500,
    b'{"Truncated": true}',
    b'"' + b"[" * 5000 + b'"',
]


def with_odd_value(rng: random.Random, raw: bytes) -> bytes:
    """Put another value behind one of the colons."""
    colons = [at for at in range(len(raw)) if raw[at] == 58]
    if not colons:
        return raw
    at = rng.choice(colons) + 1
    end = at
    while end < len(raw) and raw[end] not in b",}]\n":
        end += 1
    return raw[:at] + rng.choice(ODD) + raw[end:]


def lines(rng: random.Random) -> bytes:
    many = [json.dumps(rng.choice(documents())).encode() for _ in range(rng.randint(1, 4))]
    return rng.choice([b"\n", b"\r\n", b"\n\n"]).join(many)


def utf16(rng: random.Random) -> bytes:
    return text(rng).decode(errors="replace").encode("utf-16")


def zipped(rng: random.Random) -> bytes:
    into = io.BytesIO()
    methods = [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA]
    with warnings.catch_warnings(action="ignore"), zipfile.ZipFile(into, "w", rng.choice(methods)) as archive:
        for number in range(rng.randint(0, 4)):
            name = rng.choice(
                ["a.json", f"f{number}/x.json", f"{number}.json.gz", "../up.json", "index.ndjson", "né.json"]
            )
            content = gzip.compress(text(rng)) if name.endswith("gz") else text(rng)
            archive.writestr(zipfile.ZipInfo(name), content, rng.choice(methods))
    return into.getvalue()


def zipped_bomb(rng: random.Random) -> bytes:
    """Members that say that they are small."""
    size = rng.choice([1, 4]) << 20
    into = io.BytesIO()
    with zipfile.ZipFile(into, "w", rng.choice([8, 12, 14])) as archive:
        archive.writestr("a.json", rng.choice([b"    ", b"[[[[", b"{},\n", b"\n\n\n\n"]) * (size // 4))
    return into.getvalue().replace(struct.pack("<I", size), struct.pack("<I", rng.choice([1, 100, 2**31])))


def many_members(rng: random.Random) -> bytes:
    pack: Callable[[bytes], bytes] = rng.choice([gzip.compress, bz2.compress, lzma.compress])
    return pack(b" ") * rng.randint(1, 2000) + pack(text(rng))


def zstandard_of(rng: random.Random) -> bytes:
    import zstandard

    return zstandard.compress(rng.choice([text(rng), b"\n" * (20 << 20)]))


def tarred(rng: random.Random) -> bytes:
    into = io.BytesIO()
    with tarfile.open(fileobj=into, mode=rng.choice(["w", "w:gz", "w:bz2", "w:xz"])) as archive:
        content = text(rng)
        info = tarfile.TarInfo("a.json")
        info.size = len(content)
        archive.addfile(info, io.BytesIO(content))
    return into.getvalue()


@cache
def store() -> bytes:
    return (ROOT / "tests/sources/recorded/durable-executions.db").read_bytes()


def database(rng: random.Random) -> bytes:
    """A store, or a table of the same name that holds something else."""
    if rng.random() < 0.6:
        return store()
    odd: list[Any] = [None, 5, 2.5, b"\xff\xfe", "text", "{}", "\ud800".encode(errors="replace"), 1e300]
    with tempfile.TemporaryDirectory() as folder:
        path = f"{folder}/a.db"
        with sqlite3.connect(path) as made:
            columns = "durable_execution_arn, function_name, execution_name, status, start_timestamp, end_timestamp, data"
            made.execute(f"CREATE TABLE executions ({columns})")
            for _ in range(rng.randint(1, 5)):
                row = [rng.choice(odd) for _ in range(7)]
                made.execute("INSERT INTO executions VALUES (?, ?, ?, ?, ?, ?, ?)", row)
        made.close()
        return Path(path).read_bytes()


PACKED: dict[str, Callable[[random.Random], bytes]] = {
    "json": text,
    "ndjson": lines,
    "utf16": utf16,
    "gz": lambda rng: gzip.compress(text(rng)),
    "bz2": lambda rng: bz2.compress(text(rng)),
    "xz": lambda rng: lzma.compress(text(rng)),
    "zst": zstandard_of,
    "members": many_members,
    "zip": zipped,
    "zip bomb": zipped_bomb,
    "tar": tarred,
    "db": database,
}


# ---- and what is broken


def flipped(rng: random.Random, raw: bytearray) -> None:
    for _ in range(rng.choice([1, 1, 2, 8, 64])):
        if raw:
            raw[rng.randrange(len(raw))] ^= 1 << rng.randrange(8)


def cut(rng: random.Random, raw: bytearray) -> None:
    del raw[rng.randrange(len(raw) + 1) :]


def without_a_piece(rng: random.Random, raw: bytearray) -> None:
    at = rng.randrange(len(raw) + 1)
    del raw[at : at + rng.choice([1, 2, 4, 8, 100])]


def with_a_piece_twice(rng: random.Random, raw: bytearray) -> None:
    at = rng.randrange(len(raw) + 1)
    piece = raw[at : at + rng.choice([1, 4, 30, 500])]
    to = rng.randrange(len(raw) + 1)
    raw[to:to] = piece


def with_a_number(rng: random.Random, raw: bytearray) -> None:
    """Lie in a field of a header, which are at the beginning and the end."""
    number = rng.choice([0, 1, 0x7F, 0xFF, 0xFFFF, 0x7FFFFFFF, 0xFFFFFFFF, 2**63, 2**64 - 1])
    size = rng.choice([1, 2, 4, 8])
    near = rng.randrange(min(len(raw), 120) + 1)
    at = rng.choice([near, max(len(raw) - near, 0), rng.randrange(len(raw) + 1)])
    raw[at : at + size] = (number % 2 ** (8 * size)).to_bytes(size, rng.choice(["little", "big"]))


def with_another_start(rng: random.Random, raw: bytearray) -> None:
    raw[:0] = rng.choice(
        [
            b"\x1f\x8b\x08",
            b"PK\x03\x04",
            b"BZh9",
            b"\xfd7zXZ\0",
            b"\x28\xb5\x2f\xfd",
            b"\xff\xfe",
            b"\xef\xbb\xbf",
            b"{",
            b"\0" * 16,
        ]
    )


def with_noise(rng: random.Random, raw: bytearray) -> None:
    at = rng.randrange(len(raw) + 1)
    raw[at : at + 64] = rng.randbytes(rng.choice([1, 16, 64]))


BREAK = (
    flipped,
    flipped,
    cut,
    without_a_piece,
    with_a_piece_twice,
    with_a_number,
    with_a_number,
    with_another_start,
    with_noise,
)


def case(seed: int, number: int) -> tuple[str, bytes]:
    """The kind of one case, and its bytes."""
    rng = random.Random(f"files {seed} {number}")
    kind = rng.choice(list(PACKED))
    raw = bytearray(PACKED[kind](rng))
    for _ in range(rng.choice([0, 0, 0, 1, 1, 2])):
        rng.choice(BREAK)(rng, raw)
    return kind, bytes(raw)


# ---- what is done with it


def tried(raw: bytes, folder: Path) -> None:
    """Load it in every way that there is, and look at what came."""
    import durable_debug as dd

    path = folder / "x.json"
    path.write_bytes(raw)
    for source in (path, raw, io.BytesIO(raw), folder):
        try:
            found = dd.load(source)
        except dd.DurableDebugError as error:
            assert error.message, "an error that says nothing"
            continue
        if isinstance(found, dd.History):
            looked_at(found, folder / "out")
        else:
            many(found, folder / "out")


def many(found: Any, out: Path) -> None:
    import durable_debug as dd

    assert len(repr(found)) < 5_000 and len(found.frame) == len(found)
    assert len(found._repr_html_()) < 500_000
    assert all(len(problem) < 2_000 for problem in found.problems)
    for number in range(min(len(found), 4)):
        try:
            looked_at(found[number], out)
        except dd.DurableDebugError as error:
            assert error.message, "an error that says nothing"


def looked_at(history: Any, out: Path) -> None:
    """What is saved is what was loaded, or an error says why not, and leaves nothing."""
    import durable_debug as dd

    assert len(history.raw) == len(history)
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir()
    for to in (f"{out}/folder/", f"{out}/one.json"):
        try:
            saved = history.save(to)
        except dd.DurableDebugError:
            assert not [path for path in out.rglob("*") if path.is_file() and path.name != "one.json"]
            continue
        assert dd.load(saved).raw == history.raw or dd.load(saved) == history, "another history was saved"
        assert not [path for path in out.rglob(".*") if path.is_file()], "half a file was left"
    try:
        gone = dd.redacted(history)
        assert gone.redacted is not None and len(gone) == len(history)
    except dd.DurableDebugError:
        pass


if __name__ == "__main__":
    child(sys.argv, lambda seed, number, folder: tried(case(seed, number)[1], folder))
