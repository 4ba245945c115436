"""Curves and BD-rates."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest

from imcodec.bench.bd import NoOverlapError, bd_rate, compare
from imcodec.bench.codecs import CODECS, codec_named, in_order
from imcodec.bench.curves import Curve, mean_curve, mean_points, picture_sets
from imcodec.bench.plots import colour, cost_plot, networks_plot, rate_plot
from imcodec.bench.published import all_from_kodak, comparison, is_kodak, published
from imcodec.bench.quality import METRICS
from imcodec.bench.rows import Row, Rows
from imcodec.errors import TargetError

PSNR = METRICS["psnr"]


def line(low: float, high: float, factor: float = 1.0, points: int = 5) -> Curve:
    """PSNR = 30 + 6 log2(rate / factor): 6 dB for each doubling."""
    qualities = np.linspace(low, high, points)
    return Curve.of((factor * 2 ** ((q - 30) / 6), q) for q in qualities)


def row(codec: str, picture: str, setting: float, size: int, quality: float | None) -> Row:
    return Row(f"{picture}.png", picture, 100, 80, codec, setting, "1", size, {"psnr": quality})


@pytest.mark.parametrize("factor", [0.5, 1.0, 1.25, 3.0])
def test_a_constant_factor_is_the_bd_rate(factor: float) -> None:
    found = bd_rate(line(26, 40), line(28, 44, factor, 7), PSNR)
    assert found.percent == pytest.approx(100 * (factor - 1), abs=1e-6)
    assert (found.low, found.high) == (28, 40)
    assert found.overlap == pytest.approx(12 / 14)


def test_only_the_common_range_counts() -> None:
    """What a curve does beyond the other one's range changes nothing."""
    anchor = line(26, 40, points=15)
    test = line(26, 40, 1.1, 15)
    wild = Curve.of([*zip(test.rates, test.qualities, strict=True), (99.0, 60.0)])
    assert bd_rate(anchor, wild, PSNR).high == 40
    assert bd_rate(anchor, wild, PSNR).percent == pytest.approx(10, abs=0.3)


def test_similarities_are_compared_in_decibels() -> None:
    metric = METRICS["ms_ssim"]
    curves = [
        Curve.of((factor * 2.0**i, 1 - 10 ** -(1 + 0.3 * i)) for i in range(5)) for factor in (1, 2)
    ]
    found = bd_rate(*curves, metric)
    assert found.percent == pytest.approx(100, abs=1e-6)
    assert found.high == curves[0].qualities[-1]


@pytest.mark.parametrize(
    "test",
    [line(41, 50), line(36, 50), line(10, 20), line(30, 31, points=1), Curve((), ())],
)
def test_nothing_is_extrapolated(test: Curve) -> None:
    for pair in ((line(26, 40), test), (test, line(26, 40))):
        with pytest.raises(NoOverlapError) as caught:
            bd_rate(*pair, PSNR)
        assert isinstance(caught.value, TargetError)
        assert len(str(caught.value).splitlines()) == 1


def test_worse_points_of_more_bits_are_left_out() -> None:
    curve = Curve.of([(3.0, 33.0), (1.0, 30.0), (2.0, 29.0), (1.0, 28.0), (4.0, 33.0)])
    assert (curve.rates, curve.qualities, curve.dropped) == ((1.0, 3.0), (30.0, 33.0), 3)


def test_rates_between_points() -> None:
    curve = line(30, 36, points=2)
    assert curve.rate_at(33) == pytest.approx(math.sqrt(2))
    assert curve.rate_at(30) == pytest.approx(1)
    assert curve.rate_at(29.9) is None
    assert curve.rate_at(36.1) is None


def test_means_are_over_settings_that_all_pictures_have() -> None:
    rows = [row("a", "x", 1, 100, 30.0), row("a", "y", 1, 300, 34.0), row("a", "x", 2, 200, 35.0)]
    assert mean_points(rows, ["x", "y"], PSNR) == {1: (8 * 200 / 8000, 32.0)}
    assert mean_curve(rows, ["x"], PSNR).qualities == (30.0, 35.0)
    lossless = [*rows, row("a", "y", 2, 900, None)]
    assert mean_points(lossless, ["x", "y"], PSNR).keys() == {1}


def test_sets_of_pictures() -> None:
    rows = [row(codec, picture, 1, 100, 30.0) for codec in "ab" for picture in "xyz"]
    rows += [row("slow", picture, 1, 100, 30.0) for picture in "xz"]
    first, second = picture_sets(rows)
    assert (first.pictures, first.codecs) == (("x", "y", "z"), ("a", "b"))
    assert (second.pictures, second.codecs) == (("x", "z"), ("a", "b", "slow"))
    alone = [row("first", picture, 1, 100, 30.0) for picture in "uvxyz"]
    assert picture_sets([*alone, *rows])[0].codecs == ("first", "a", "b")
    assert [each.codecs for each in picture_sets(alone)] == [("first",)]


def test_both_forms_of_a_comparison() -> None:
    def rows(codec: str, factors: dict[str, float]) -> list[Row]:
        return [
            row(codec, picture, i, round(1000 * factor * 2**i), 28.0 + 3 * i)
            for picture, factor in factors.items()
            for i in range(5)
        ]

    anchor = rows("a", {"x": 1, "y": 4, "z": 1})
    test = [*rows("b", {"x": 2, "y": 4}), row("b", "z", 0, 1000, 28.0)]
    found = compare(anchor, test, ["x", "y"], PSNR)
    assert found.per_picture == pytest.approx(50, abs=0.1)
    assert found.over_set is not None
    assert found.over_set.percent == pytest.approx(20, abs=0.1)  # y weighs four times as much
    single = compare(anchor, test, ["x", "y", "z"], PSNR)
    assert (list(single.each), single.pictures) == (["x", "y"], 3)
    assert single.over_set is None
    assert single.reason


def test_published_curves_are_about_kodak_only() -> None:
    names = {entry.name for entry in published()}
    assert names >= {"cool-chic", "c3", "coin", "coin++", "recombiner", "bpg", "vtm"}
    for entry in published():
        assert entry.source
        assert entry.curve.dropped == 0
        assert len(entry.curve.rates) > 3
    assert not is_kodak(["x"])
    assert not all_from_kodak(["x"])
    coin, vtm = (next(e for e in published() if e.name == name) for name in ("coin", "vtm"))
    rows = [
        row("a", "x", i, round(rate * 1000), quality)
        for i, (rate, quality) in enumerate(zip(vtm.curve.rates, vtm.curve.qualities, strict=True))
    ]
    found = comparison(rows, ["x"])
    assert found[vtm.label].over_set.percent == pytest.approx(0, abs=0.5)  # type: ignore[union-attr]
    assert found[coin.label].over_set.percent > 300  # type: ignore[union-attr]


# Plots


def test_codecs_have_an_order_and_colours_of_their_own() -> None:
    names = ["webp", "article-1", "imcodec-e5", "jpeg", "imcodec-mlp", "imcodec-e1", "avif-420"]
    ordered = in_order(names)
    assert ordered[:4] == ["imcodec-e1", "imcodec-e5", "imcodec-mlp", "article-1"]
    assert in_order(reversed(names)) == ordered
    every = [*CODECS, *(f"imcodec-e{effort}" for effort in range(1, 10))]
    assert len({colour(name) for name in every}) == len(every)


def test_networks_are_plotted_over_the_pictures_that_most_have() -> None:
    many = [row(codec, p, i, 100 * i, 30 + i) for codec in ("jpeg", "imcodec-e1", "article-1")
            for p in "xyz" for i in (1, 2)]  # fmt: skip
    few = [row("imcodec-e5", "x", i, 90 * i, 30 + i) for i in (1, 2)]
    (axes,) = networks_plot([*many, *few], PSNR).axes
    labels = [line.get_label() for line in axes.lines]
    assert labels == [codec_named(name).label for name in ("imcodec-e5", "article-1", "jpeg")]
    (axes,) = rate_plot([*many, *few], PSNR).axes
    assert [line.get_label() for line in axes.lines] == ["imcodec, effort 1", "JPEG"]
    assert "3 pictures" in axes.get_title()
    (axes,) = rate_plot([each for each in many if each.codec == "article-1"], PSNR).axes
    assert len(axes.lines) == 1


def test_seconds_of_another_machine_are_said_to_be_of_another() -> None:
    rows = Rows(machines={"a": {"processor": "A"}, "b": {"processor": "B", "accelerator": "GPU"}})
    for codec, machine, device in (
        ("jpeg", "a", "cpu"),
        ("webp", "a", "cpu"),
        ("jxl", "b", "cuda"),
    ):
        for i in (1, 2, 3):
            changes = {"encode_s": 1.0, "machine": machine, "device": device, "cores": 2}
            rows.rows.append(replace(row(codec, "x", i, 100 * i, 30.0 + i), **changes))
    assert rows.made_on(rows.rows) == ["2 cores of A", "GPU"]
    (axes,) = cost_plot(rows, PSNR, "jpeg").axes
    assert [text.get_text() for text in axes.texts] == ["JPEG", "WebP", "JPEG XL\nGPU"]
    assert axes.get_xlabel().endswith("2 cores of A")


def test_times_of_another_run_are_ratios_to_the_anchor_there() -> None:
    def timed(codec: str, seconds: float) -> Iterator[Row]:
        for i in (1, 2, 3):
            yield replace(row(codec, "x", i, 100 * i, 30.0 + i), encode_s=seconds)

    rows = Rows([*timed("jpeg", 2.0), *timed("webp", 8.0), *timed("imcodec-e1", 999.0)])
    times = Rows([*timed("jpeg", 1.0), *timed("imcodec-e1", 30.0)])
    (axes,) = cost_plot(rows, PSNR, "jpeg", times).axes
    points = [float(dots.get_offsets()[0][0]) for dots in axes.collections]
    assert points == [1.0, 4.0, 30.0]
    assert axes.get_xlabel() == "time to encode a picture (JPEG: 1; medians)"
