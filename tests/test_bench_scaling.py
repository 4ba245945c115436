"""The scaling study."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from imcodec.bench import scaling
from imcodec.bench.plan import load_picture
from imcodec.bench.plots import drawn, scaling_plot
from imcodec.bench.rows import Row
from imcodec.image import write_picture
from pictures import scene


def test_threads_double() -> None:
    assert scaling._doubling(1) == [1]
    assert scaling._doubling(6) == [1, 2, 4, 6]
    assert scaling._doubling(8) == [1, 2, 4, 8]


def test_a_study(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Sizes and threads are those asked for, rows are kept, and nothing is measured twice."""
    write_picture(scene(40, 30), tmp_path / "bird.png")
    picture = load_picture(tmp_path / "bird.png", tmp_path, max_pixels=0)
    asked: list[tuple[tuple[int, ...], int]] = []

    def measure(job, crew, judge, processors, scratch, machine):  # type: ignore[no-untyped-def]
        pixels = np.load(job.picture.pixels)
        asked.append((pixels.shape, len(processors)))
        size = pixels.size // 20
        return Row(
            *(job.picture.name, job.picture.sha256, pixels.shape[1], pixels.shape[0]),
            *(job.codec.name, job.setting, "1", size, {"psnr": 30.0}),
            *(pixels.size / 1e5, pixels.size / 1e6),
        )

    monkeypatch.setattr(scaling, "measure", measure)
    monkeypatch.setattr(scaling, "processors", lambda: [0, 1])
    # not asked of git, whose answer changes when somebody commits meanwhile
    monkeypatch.setattr(scaling, "this_machine", lambda device: {"id": "m", "processor": "A"})
    rows: list[dict[str, object]] = []
    call = (picture, tmp_path, tmp_path, [0.01, 0.03], [])
    written = scaling.study(*call, rows.append)
    assert asked == [
        *[((87, 115, 3), 2), ((150, 200, 3), 2)],
        *[((866, 1155, 3), 1), ((866, 1155, 3), 2)],
    ]
    assert [row["threads"] for row in rows] == [2, 2, 1, 2]
    assert rows[0]["megapixels"] == pytest.approx(0.01, rel=0.01)
    assert all(path.stat().st_size > 5000 for path in written)
    scaling.study(*call, rows.append)
    assert len(asked) == len(rows) == 4


def test_a_plot_of_one_size() -> None:
    row = {"study": "size", "megapixels": 1.0, "threads": 1, "encode_mb": None, "decode_mb": None}
    row["machine"] = {"processor": "A"}
    assert drawn(scaling_plot([row | {"encode_s": 3.0, "decode_s": 0.1}]), "svg")
