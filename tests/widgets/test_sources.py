"""Highlighting: every character of the source arrives, whatever it is."""

from __future__ import annotations

import hypothesis
import hypothesis.strategies as st

from durable_debug.widgets._sources import highlighted, source_of


@hypothesis.given(
    st.lists(
        st.text(st.characters(exclude_characters="\n\r\x0b\x0c\x1c\x1d\x1e\x85\u2028\u2029"), max_size=40),
        max_size=12,
    )
)
def test_no_character_is_lost(lines):
    shown = highlighted([f"{line}\n" for line in lines])
    assert ["".join(tokens[1::2]) for tokens in shown] == lines


def test_tokens_have_classes():
    (line,) = highlighted(['def f(x): return "a" + 1  # c\n'])
    assert dict(zip(line[1::2], line[::2], strict=True)) == {
        "def": "keyword", " ": "", "f": "function", "(x): ": "", "return": "keyword", '"a"': "string", " + ": "", "1": "number",
        "  ": "", "# c": "comment",
    }  # fmt: skip


def test_a_file_that_is_not_there_has_no_lines():
    assert source_of("/nowhere/at/all.py")["lines"] == []


def test_a_huge_file_is_cut_and_says_so(tmp_path):
    path = tmp_path / "huge.py"
    path.write_text("x = 1\n" * 6_000 + "y" * 5_000)
    source = source_of(str(path), {3, 1, 3})
    assert len(source["lines"]) == 5_000
    assert source["cut"]
    assert source["operations"] == [1, 3]


def test_a_changed_file_is_read_again(tmp_path):
    path = tmp_path / "one.py"
    path.write_text("a = 1\n")
    assert source_of(str(path))["lines"] == [["", "a = ", "number", "1"]]
    path.write_text("a = 12\n")
    assert source_of(str(path))["lines"] == [["", "a = ", "number", "12"]]
