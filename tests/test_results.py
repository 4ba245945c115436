"""The tables in the documents are what the rows in benchmarks/results say."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from imcodec.bench.codecs import codec_named
from imcodec.bench.rows import read_rows

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "benchmarks"))

import tables  # noqa: E402 (benchmarks is no package)

RESULTS = sorted((ROOT / "benchmarks" / "results").glob("*.jsonl"))


@pytest.mark.parametrize("path", tables.DOCUMENTS, ids=lambda path: path.name)
def test_tables_agree_with_the_rows(path: Path) -> None:
    text = path.read_text()
    assert tables.TABLE.search(text)
    assert tables.rewritten(text) == text, "run: python benchmarks/tables.py"


def test_a_table_that_was_edited_is_noticed() -> None:
    text = (ROOT / "README.md").read_text()
    (found,) = list(tables.TABLE.finditer(text))[:1]
    digit = next(i for i in range(found.end(1), found.end()) if text[i].isdigit())
    changed = text[:digit] + str((int(text[digit]) + 1) % 10) + text[digit + 1 :]
    assert tables.rewritten(changed) == text


@pytest.mark.parametrize("path", RESULTS, ids=lambda path: path.name)
def test_rows_say_where_they_were_made(path: Path) -> None:
    found = read_rows(path)
    assert found.rows
    for row in found.rows:
        codec_named(row.codec)
        assert found.machines[row.machine]["commit"]
        assert found.machines[row.machine]["processor"]
