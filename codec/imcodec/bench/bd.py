"""BD-rate: how many more bits a codec takes than another for the same quality, on average.

Package `bjontegaard`, piecewise cubic (pchip) interpolation of the logarithm of the rate over the
quality, integrated over the range of qualities that both curves have. Nothing is extrapolated:
without enough of a common range there is no number. Negative is fewer bits.
"""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from imcodec.bench.curves import Curve, mean_curve, picture_curve
from imcodec.bench.quality import Metric
from imcodec.bench.rows import Row
from imcodec.errors import MissingExtraError, TargetError

#: share of the shorter curve's range of qualities that both must have
LEAST_OVERLAP = 0.5


class NoOverlapError(TargetError):
    """The curves share too few qualities for a number that means something."""


@dataclass(frozen=True)
class BdRate:
    """A BD-rate and what it stands on."""

    #: in percent
    percent: float
    #: the common range of qualities, in the metric's own values
    low: float
    high: float
    #: its share of the shorter curve's range
    overlap: float


def bd_rate(anchor: Curve, test: Curve, metric: Metric) -> BdRate:
    """Bits of `test` above those of `anchor` for the same quality.

    Raises NoOverlapError if a curve has fewer than two points or they share less than half of the
    shorter one's range of qualities, MissingExtraError without bjontegaard.
    """
    try:
        import bjontegaard
    except ImportError as error:
        raise MissingExtraError(
            'BD-rates need bjontegaard; pip install "imcodec[bench]"'
        ) from error
    if min(len(anchor.rates), len(test.rates)) < 2:
        raise NoOverlapError("a BD-rate needs two points of each curve")
    values = [[metric.scale(quality) for quality in curve.qualities] for curve in (anchor, test)]
    low, high = max(v[0] for v in values), min(v[-1] for v in values)
    overlap = (high - low) / min(v[-1] - v[0] for v in values)
    bounds = (
        max(curve.qualities[0] for curve in (anchor, test)),
        min(curve.qualities[-1] for curve in (anchor, test)),
    )
    if overlap < LEAST_OVERLAP:
        raise NoOverlapError(
            f"the curves share {max(0.0, overlap):.0%} of the shorter one's {metric.label} range; "
            f"a BD-rate needs {LEAST_OVERLAP:.0%}: measure more qualities"
        )
    percent = bjontegaard.bd_rate(
        *(anchor.rates, values[0], test.rates, values[1]),
        method="pchip",
        require_matching_points=False,
        min_overlap=0,
    )
    return BdRate(float(percent), *bounds, min(1.0, overlap))


@dataclass(frozen=True)
class Comparison:
    """A codec against an anchor, in both forms."""

    #: of the mean curves over the pictures; None where they do not overlap
    over_set: BdRate | None
    #: mean of the pictures' own BD-rates, over those that have one
    per_picture: float | None
    #: those BD-rates by picture (digest), and how many pictures there are
    each: dict[str, BdRate]
    pictures: int
    #: why there is no number over the set
    reason: str = ""


def compare(
    anchor: Iterable[Row], test: Iterable[Row], pictures: Sequence[str], metric: Metric
) -> Comparison:
    """Rows of two codecs compared over pictures (digests) that both have."""
    anchor, test = list(anchor), list(test)
    reason = ""
    over_set = None
    try:
        over_set = bd_rate(
            mean_curve(anchor, pictures, metric), mean_curve(test, pictures, metric), metric
        )
    except NoOverlapError as error:
        reason = str(error)
    each: dict[str, BdRate] = {}
    for picture in pictures:
        curves = [
            picture_curve((row for row in rows if row.sha256 == picture), metric)
            for rows in (anchor, test)
        ]
        try:
            each[picture] = bd_rate(curves[0], curves[1], metric)
        except NoOverlapError:
            continue
    mean = statistics.fmean(found.percent for found in each.values()) if each else None
    return Comparison(over_set, mean, each, len(pictures), reason)
