"""The tables in the documents are what the rows in benchmarks/results say."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import pytest

from imcodec.bench.codecs import codec_named
from imcodec.bench.ours import parts
from imcodec.bench.rows import Row, RowFile, read_rows

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "benchmarks"))

import damage  # noqa: E402 (benchmarks is no package)
import merge  # noqa: E402
import tables  # noqa: E402

SCALING = ROOT / "benchmarks" / "results" / "scaling.jsonl"
DAMAGE = SCALING.with_name("damage.jsonl")
RESULTS = sorted(set(SCALING.parent.glob("*.jsonl")) - {SCALING, DAMAGE})


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


def test_the_scaling_study_says_where_it_was_made() -> None:
    rows = [json.loads(line) for line in SCALING.read_text().splitlines()]
    assert {row["study"] for row in rows} == {"size", "threads"}
    assert all(row["machine"]["commit"] and row["machine"]["processor"] for row in rows)


def test_damage_says_where_it_was_made() -> None:
    machine, *rows = (json.loads(line) for line in DAMAGE.read_text().splitlines())
    assert machine["machine"]["commit"]
    assert machine["machine"]["processor"]
    assert {row["machine"] for row in rows} == {machine["machine"]["id"]}
    assert [row["format"] for row in rows][: len(damage.FORMATS)] == list(damage.FORMATS)
    for how in ("flipped", "cut"):
        assert len({sum(row[how].values()) for row in rows}) == 1


def test_every_damaged_copy_is_counted() -> None:
    def show(data: bytes) -> np.ndarray:
        if len(data) < 8:
            raise ValueError
        return np.frombuffer(data, np.uint8)[:4]  # damage to the other four is not seen

    counted = damage.row("ours", damage.Whole(bytes(8), "1", show), 200, 50, seed=1)
    copies = damage.damaged(bytes(8), 200, 50, seed=1)
    seen = sum(any(copy[:4]) for how, copy in copies if how == "flipped")
    assert 0 < seen < 200
    assert counted["flipped"] == {"different": seen, "same": 200 - seen, "refused": 0, "crash": 0}
    assert counted["cut"] == {"different": 0, "same": 0, "refused": 50, "crash": 0}


def test_a_table_in_an_item_is_indented() -> None:
    wanted = '{"kind": "sentence", "rows": "benchmarks/results/kodak.jsonl", "text": "a b"}'
    item = f"* An item.\n  <!-- table {wanted} -->\nold\n  <!-- end of table -->\n"
    assert tables.rewritten(item) == item.replace("\nold", "\n  a b")


def test_the_graph_is_as_large_as_the_readme_says() -> None:
    graph = parts((ROOT / "tests" / "golden" / "pyramid-pixel.onnx").read_bytes())["graph"]
    assert f"The graph alone is {graph / 1000:.1f} kB" in (ROOT / "README.md").read_text()


def test_rows_of_another_machine_are_merged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def made(name: str, machine: str, rows: list[tuple[str, str, float, int]]) -> Path:
        file = RowFile(tmp_path / name)
        file.add_machine({"id": machine, "processor": machine})
        for codec, version, setting, size in rows:
            values = ("a.png", "0", 8, 8, codec, setting, version, size, {"psnr": 30.0})
            file.add(Row(*values, machine=machine))
        file.close()
        return tmp_path / name

    here = made("here", "A", [("jpeg", "1", 1, 9), ("jpeg", "1", 2, 9), ("webp", "1", 1, 9)])
    there = made("there", "B", [("jpeg", "1", 2, 8), ("webp", "2", 5, 8), ("jxl", "1", 1, 8)])
    monkeypatch.setattr(sys, "argv", ["merge.py", str(here), str(there)])
    merge.main()
    found = read_rows(here)
    assert found.machines == {name: {"id": name, "processor": name} for name in "AB"}
    assert [(r.codec, r.version, r.setting, r.bytes, r.machine) for r in found.rows] == [
        ("jpeg", "1", 1, 9, "A"),
        ("jpeg", "1", 2, 8, "B"),
        ("webp", "2", 5, 8, "B"),
        ("jxl", "1", 1, 8, "B"),
    ]
    merge.main()
    assert read_rows(here) == found
