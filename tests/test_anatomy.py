"""benchmarks/anatomy.py accounts for every byte of a graph."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from imcodec import info
from make_golden import GOLDEN, PYRAMIDS

sys.path.insert(0, str(Path(__file__).parents[1] / "benchmarks"))

from anatomy import anatomy


@pytest.mark.parametrize("name", PYRAMIDS)
def test_the_items_are_the_whole_graph(name: str) -> None:
    path = GOLDEN / f"{name}.onnx"
    items = anatomy(path)
    assert sum(item.size for item in items) == info(path).bytes.graph
    assert min(item.size for item in items if item.kind == "node") > len("Op")


def test_another_model_is_refused() -> None:
    with pytest.raises(ValueError, match="no pyramid"):
        anatomy(GOLDEN / "grey.onnx")
