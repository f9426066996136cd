"""Tar archives, packed by whatever there is, and hostile ones."""

from __future__ import annotations

import io
import tarfile
from pathlib import Path
from typing import Callable

import pytest
import zstandard

from durable_debug.audits import audit
from durable_debug.errors import HistoryError
from durable_debug.sources import Histories, load, reading

NAMES = ["espresso_completed.json", "payment_failed.json"]


def packed(samples: Path, mode: str) -> bytes:
    """As ``tar -C sample_histories -c .`` packs them: a folder, files below it, a link, and what a Mac adds."""
    into = io.BytesIO()
    with tarfile.open(fileobj=into, mode=mode) as archive:
        folder = tarfile.TarInfo("./histories")
        folder.type = tarfile.DIRTYPE
        archive.addfile(folder)
        for name in NAMES:
            archive.add(samples / name, f"./histories/{name}")
        archive.add(samples / NAMES[0], "./histories/._espresso_completed.json")
        link = tarfile.TarInfo("./histories/passwd.json")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        archive.addfile(link)
    return into.getvalue()


@pytest.mark.parametrize(
    ("name", "mode", "pack"),
    [
        ("all.tar", "w:", bytes),
        ("all.tgz", "w:gz", bytes),
        ("all.tar.bz2", "w:bz2", bytes),
        ("all.tar.xz", "w:xz", bytes),
        ("all.tar.zst", "w:", zstandard.ZstdCompressor().compress),
    ],
)
def test_every_tar(
    samples: Path, tmp_path: Path, name: str, mode: str, pack: Callable[[bytes], bytes]
) -> None:
    path = tmp_path / name
    path.write_bytes(pack(packed(samples, mode)))
    found = load(path)
    assert isinstance(found, Histories)
    assert (sorted(found.frame["file"]), found.problems) == (NAMES, ())
    assert load(f"{path}#{NAMES[1]}") == load(samples / NAMES[1])
    assert len(load(path.read_bytes())) == 2


def test_an_audit_of_one(samples: Path, tmp_path: Path) -> None:
    path = tmp_path / "all.tgz"
    path.write_bytes(packed(samples, "w:gz"))
    report = audit(f"{samples}/apps/payment.py:handler", str(path), progress=False)
    assert dict(zip(report.frame["history"], report.frame["clean"])) == {
        "basket-77": True,
        "order-402": False,
    }


def test_two_of_a_name_are_told_apart_by_their_folders(samples: Path) -> None:
    into = io.BytesIO()
    with tarfile.open(fileobj=into, mode="w:") as archive:
        for folder, name in zip(("a", "b"), NAMES):
            archive.add(samples / name, f"{folder}/order.json")
            archive.add(samples / name, f"{folder}/._order.json")
    assert sorted(load(into.getvalue()).frame["file"]) == ["a/order.json", "b/order.json"]


@pytest.mark.parametrize("cut", [100, 700, 5_000])
def test_one_that_is_cut_short(samples: Path, cut: int) -> None:
    raw = packed(samples, "w:")
    with pytest.raises(HistoryError, match=r"all.tar: It is (a broken tar|not JSON)"):
        load(named(raw[:cut]))


def test_one_whose_members_lie_before_themselves(samples: Path) -> None:
    raw = bytearray(packed(samples, "w:"))
    size = (-1024).to_bytes(12, "big", signed=True)  # as numbers beyond octal are written
    header = 512  # of the second member
    raw[header + 124 : header + 136] = size
    raw[header + 148 : header + 156] = b" " * 8
    raw[header + 148 : header + 156] = f"{sum(raw[header : header + 512]):06o}\0 ".encode()
    with pytest.raises(HistoryError, match="broken tar archive"):
        load(named(bytes(raw)))


def test_bounds_hold(samples: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    raw = packed(samples, "w:gz")
    monkeypatch.setattr(reading, "MOST_FILES", 3)
    with pytest.raises(HistoryError, match="more than 3 files"):
        load(raw)
    monkeypatch.setattr(reading, "MOST_BYTES", 2_000)
    with pytest.raises(HistoryError, match="more than 2,000 bytes"):
        load(raw)


def test_one_that_is_called_a_history(samples: Path, tmp_path: Path) -> None:
    (tmp_path / "order.json").write_bytes(packed(samples, "w:gz"))
    (problem,) = load(tmp_path).problems
    assert "tar archive" in problem


def named(raw: bytes) -> io.BytesIO:
    file = io.BytesIO(raw)
    file.name = "all.tar"
    return file
