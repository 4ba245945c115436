"""What latents cost, by automatic differentiation of the definition: slow and easy to check."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional as F

from imcodec.pyramid.geometry import Geometry
from imcodec.pyramid.rate import BEYOND, Distribution, Layers
from imcodec.pyramid.table import MEAN_UNIT, Table

TABLE = Table()
LAW = Distribution.of(TABLE)


class Seen:
    """What happened to the outputs of a reference pass, so that tests know what they tested."""

    def __init__(self) -> None:
        self.outputs: list[Tensor] = []
        self.first: list[Tensor] = []
        self.hidden: list[Tensor] = []
        self.places: list[Tensor] = []

    def all(self, kind: str) -> Tensor:
        return torch.cat([part.detach().flatten() for part in getattr(self, kind)])


def through(value: Tensor, shown: Tensor) -> Tensor:
    """The value `shown`, with the gradient of `value`."""
    return value + (shown - value).detach()


def contexts(plane: Tensor, parent: Tensor, filler: int, factor: int, phase: int) -> Tensor:
    """[35, strips * rows * columns], from the table in imcodec.pyramid.context.

    plane [S, R, 2 w], parent [S, R / factor, w].
    """
    start = parent[:, filler]

    def half_row(row: int, odd: int) -> Tensor:
        return start if row < 0 else plane[:, row, odd::2]

    rows = []
    for r in range(plane.shape[1]):
        before = [(r + n // 2, n % 2) for n in range(phase - 5, phase)]
        near = [(r - 1) // 2, (r + 1) // 2] if factor == 2 else [r, r]
        parents = [parent[:, min(max(row, 0), parent.shape[1] - 1)] for row in near]
        channels = [half_row(row, odd) for row, odd in before]
        padded = F.pad(torch.stack([*channels, *parents]), (2, 2))
        taps = [padded[..., tap : tap + parent.shape[2]] for tap in range(5)]
        rows.append(torch.stack(taps, 1))  # [channel, tap, S, w]
    return torch.stack(rows, 3).reshape(35, -1)


def code_length(output: Tensor, value: Tensor, beyond: float, seen: Seen) -> Tensor:
    """Nats of values [n] under outputs [2, n] of the network."""
    mean, raw = output
    width = through(raw, raw.clamp(1, LAW.widest))
    clipped = (raw - width).detach()
    if width.requires_grad:  # no gradient drives a clipped width further out
        width.register_hook(lambda g: g * (clipped * g >= 0))
    shift = width * mean / MEAN_UNIT
    edge = LAW.centre - through(shift, shift.trunc())
    first = edge + width * value
    last = first + width
    seen.places.append(torch.stack([first, last]))
    sigmoid = [torch.sigmoid((LAW.centre - place) * LAW.step) for place in (first, last)]
    p = LAW.bulk * (sigmoid[0] - sigmoid[1]) + LAW.tail * width
    outside = F.relu(-first) + F.relu(last - (LAW.size - 1))
    return (beyond * outside - p.log()).sum()


def reference(planes: Sequence[Tensor], geometry: Geometry, layers: Layers, seen: Seen) -> Tensor:
    """Nats of each level, by automatic differentiation in float64."""
    nats = []
    factor = geometry.row_factor
    for level, plane in enumerate(planes, 1):
        strips, rows, width = plane.shape
        zeros = plane.new_zeros(strips, rows // factor, width // 2)
        parent = planes[level - 2] if level > 1 else zeros
        beyond = BEYOND * (2 * factor) ** (geometry.levels - level)
        total = plane.new_zeros(())
        for phase in range(2):
            filler = level - 1 if factor == 2 else 0
            values = contexts(plane, parent, filler, factor, phase)
            found = layers.first[phase] @ values
            seen.first.append(found)
            both = torch.cat([found, torch.where(found > 0, found, -found)])
            units = layers.inner[phase] @ both + layers.biases[level - 1, phase]
            units = through(units, units.round())
            seen.hidden.append(units)
            values = layers.outer[phase] @ torch.where(units > 0, units, 0)
            values = through(values, values.trunc())
            seen.outputs.append(values)
            total = total + code_length(values, plane[:, :, phase::2].flatten(), beyond, seen)
        nats.append(total)
    return torch.stack(nats)


def detached(layers: Layers, dtype: torch.dtype = torch.float32) -> Layers:
    return Layers(*(each.detach().to(dtype) for each in layers))


def assert_close(found: Sequence[Tensor], expected: Sequence[Tensor], share: float) -> None:
    """Equal to a share of the largest entry."""
    assert len(found) == len(expected)
    for one, other in zip(found, expected, strict=True):
        largest = float(other.abs().max())
        assert largest > 0
        torch.testing.assert_close(one.double(), other.double(), rtol=0, atol=share * largest)
