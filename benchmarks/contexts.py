"""What a context network may see, at equal training: bits of the latents under other contexts.

    python benchmarks/contexts.py PICTURES... [--steps 400] [--crop 256 384] [--lmbda 1.6e-3]
        [--jobs 4] [--device cuda]

Every variant fits the same crops from the same start for the same steps, with networks of the same
hidden layers, untrained at first; only the context differs, and with it the weights of layer 0. The
distortion runs as in the encoder; contexts are gathered by automatic differentiation, which is
several times slower and needs no kernels. Planes are not cut into strips and begin with zeros above
them; the rows that measure strips run the encoder's own pass.

A table goes to stdout: J = mse + lambda * bits per pixel (colours in 0 .. 1) times 1000 as a
geometric mean over the crops, bits per pixel, and weights of the context networks.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn
from torch.nn import functional as F

from imcodec.pyramid.fit import Fit
from imcodec.pyramid.fitted import Loss
from imcodec.pyramid.geometry import Geometry, choose_geometry
from imcodec.pyramid.model import ContextNetwork
from imcodec.pyramid.rate import BEYOND, Pass
from imcodec.pyramid.recipe import Recipe
from imcodec.pyramid.soap import Soap
from imcodec.pyramid.table import Table

#: (row, column) of a place, in pixels of its plane, seen from the symbol that is coded
Offset = tuple[int, int]
BORDER = 16
#: the row above or below the parent's, whichever is nearer
NEARER = 99


@dataclass(frozen=True)
class View:
    """What the symbols of one phase see."""

    #: where the phase's symbols are: first row and column, and distances between them
    first: Offset
    pitch: Offset
    #: places of the same plane
    own: tuple[Offset, ...]
    #: places of the coarser plane, seen from the cell that holds the symbol
    parent: tuple[Offset, ...]


@dataclass(frozen=True)
class Variant:
    """A context."""

    name: str
    views: tuple[View, ...]
    #: of each coarser plane above the parent, the cell that holds the symbol
    ancestors: int = 0
    #: cells of 16x16 pixels of an extra plane, coded first, that all networks see
    hyper: bool = False


def half_rows(queue: int, taps: int, parents: int) -> tuple[View, ...]:
    """Even columns of a row, then odd ones; `queue` half-rows before and 1 or 2 parent rows."""
    views = []
    around = range(-(taps // 2), taps - taps // 2)
    for phase in (0, 1):
        own = []
        for back in range(1, queue + 1):  # half-rows back
            row, other = divmod(phase - back, 2)
            own += [(row, 2 * c + other - phase) for c in around]
        near = ((0, c) for c in around)
        views.append(View((0, phase), (1, 2), tuple(own), tuple(near)))
    if parents == 1:
        return tuple(views)
    # the row of the cell, and the nearer one of its neighbours: above for even rows, below for odd
    return tuple(replace(v, parent=(*v.parent, *((NEARER, c) for c in around))) for v in views)


def four_phases() -> tuple[View, ...]:
    """The four pixels of a parent's cell one after another, each from all that is known by then."""
    order = ((0, 0), (1, 1), (0, 1), (1, 0))
    parent = tuple((r, c) for r in (-1, 0, 1) for c in (-1, 0, 1))
    views = []
    for index, (row, column) in enumerate(order):
        known = {order[i] for i in range(index)}
        places = [
            (r, c)
            for r in range(-3, 4)
            for c in range(-3, 4)
            if ((row + r) % 2, (column + c) % 2) in known
        ]
        nearest = sorted(places, key=lambda place: place[0] ** 2 + place[1] ** 2)[:26]
        views.append(View((row, column), (2, 2), tuple(nearest), parent))
    return tuple(views)


VARIANTS = (
    Variant("half-rows: queue 5, 5 taps, 2 parent rows (shipped)", half_rows(5, 5, 2)),
    Variant("one parent row", half_rows(5, 5, 1)),
    Variant("queue 3", half_rows(3, 5, 2)),
    Variant("3 taps", half_rows(5, 3, 2)),
    Variant("queue 7, 7 taps", half_rows(7, 7, 2)),
    Variant("and the cells of all coarser planes", half_rows(5, 5, 2), ancestors=4),
    Variant("and hyper-latents of 16x16 pixels", half_rows(5, 5, 2), hyper=True),
    Variant("four phases", four_phases()),
)


class Networks(ContextNetwork):
    """Context networks for any number of phases and inputs."""

    def __init__(self, phases: int, inputs: int, hidden: int) -> None:
        super().__init__(hidden, 3, Table())
        generator = torch.Generator().manual_seed(0)
        free = hidden - 1
        first = torch.randn(phases, free, inputs, generator=generator) * inputs**-0.5
        self.weights[0] = nn.Parameter(first)
        for values in (self.weights, self.biases):
            for index in range(values is self.weights, len(values)):
                both = values[index].data
                values[index] = nn.Parameter(both[:1].repeat(phases, 1, 1))
        self.settling = self._free()

    def context(self) -> None:  # type: ignore[override]
        """No file is written."""


class GatheringFit(Fit):
    """A fit whose rate is that of a variant."""

    def prepare(self, variant: Variant) -> None:
        """Untrained networks for the variant."""
        self.variant = variant
        views = variant.views
        extra = variant.ancestors + variant.hyper
        inputs = max(len(view.own) + len(view.parent) for view in views) + extra
        self.network = Networks(len(views), inputs, self.recipe.hidden)
        height, width = self.geometry.height, self.geometry.width
        self.hyper = nn.Parameter(torch.zeros(-(-height // 16), -(-width // 16)))
        hyper = nn.Module()
        hyper.plane = self.hyper
        parts = [self.network, self.synthesis, self.filters, *([hyper] if variant.hyper else [])]
        self._networks = Soap([[*part.parameters()] for part in parts])
        if variant.hyper:
            self.recipe = replace(self.recipe, rates=(*self.recipe.rates, 2e-2))

    def backward(self, value: Tensor, pool: ThreadPoolExecutor) -> Loss:
        """As Fit.backward(), the rate by automatic differentiation."""
        with torch.no_grad():
            mse, _, picture_grads = self._distortion(value, pool)
        leaf = value.detach().requires_grad_()
        pixels = self.geometry.height * self.geometry.width
        per_nat = self.recipe.lmbda / (pixels * np.log(2))
        layers = [
            (w.detach().to(self.device), None if b is None else b.detach().to(self.device))
            for w, b in self.network.layers()
        ]
        work = Pass(self.geometry, layers, self._law, per_nat, 0)
        nats = 0.0
        hyper = self.hyper.to(self.device) * 16
        hyper = hyper + (hyper.round() - hyper).detach()
        if self.variant.hyper:  # a fixed distribution for the extra plane
            spread = 0.5 + hyper.detach().abs().mean()
            cost = (hyper.abs() / spread + (2 * spread).log()).sum()
            (cost * per_nat).backward(retain_graph=True)
            nats += float(cost.detach())
        planes = self.latents.planes(leaf)
        for level in range(len(planes), 0, -1):
            beyond = BEYOND * 4 ** (self.geometry.levels - level)
            x, wanted = self._gather(planes, level, hyper)
            with torch.no_grad():
                found, by_x, by_value = work._block(x.detach(), wanted.detach(), beyond)
            torch.autograd.backward([x, wanted], [by_x, by_value], retain_graph=True)
            nats += float(found)
        assert leaf.grad is not None
        self.latents.gradient.add_(leaf.grad)
        tops = [*self.synthesis.values(), self.filters.values()]
        tops += [t for pair in self.network.layers() for t in pair if t is not None]
        torch.autograd.backward(tops, [*picture_grads, *(grad.cpu() for grad in work.grads)])
        return Loss(mse, mse, nats / np.log(2) / pixels)

    def _gather(self, planes: Sequence[Tensor], level: int, hyper: Tensor) -> tuple[Tensor, Tensor]:
        """Contexts [phases, inputs, n] and values [phases, n] of a level."""
        own, (height, width) = _bordered(planes[level - 1]), planes[level - 1].shape
        above = [planes[k - 1] for k in range(level - 1, 0, -1)]
        parent = _bordered(above[0]) if above else None
        inputs, values = [], []
        most = self.network.weights[0].shape[2] - self.variant.ancestors - self.variant.hyper
        for view in self.variant.views:
            at = torch.arange(view.first[0], height, view.pitch[0], device=own.device)
            columns = torch.arange(view.first[1], width, view.pitch[1], device=own.device)
            nothing = own.new_zeros(len(at) * len(columns))
            rows = {r: own[at + r + BORDER] for r in {r for r, _ in view.own}}
            found = []
            for r, c in view.own:
                first = view.first[1] + c + BORDER
                stop = first + len(columns) * view.pitch[1]
                found.append(rows[r][:, first : stop : view.pitch[1]].flatten())
            if parent is None:
                found += [nothing] * len(view.parent)
            else:
                nearer = torch.where(at % 2 == 0, -1, 1)
                for r, c in view.parent:
                    row = (at // 2 + (nearer if r == NEARER else r)).clamp(0, height // 2 - 1)
                    if ("parent", r) not in rows:
                        rows["parent", r] = parent[row + BORDER]
                    start = c + BORDER
                    found.append(rows["parent", r][:, start : start + len(columns)].flatten())
            found += [nothing] * (most - len(found))
            for step in range(1, self.variant.ancestors + 1):
                if step < len(above):
                    plane = _bordered(above[step])
                    cell = 2 ** (step + 1)
                    found.append(plane[at // cell + BORDER][:, columns // cell + BORDER].flatten())
                else:
                    found.append(nothing)
            if self.variant.hyper:
                cell = self.geometry.height / height
                r = (at * cell).long().clamp_max(self.geometry.height - 1) // 16
                c = (columns * cell).long().clamp_max(self.geometry.width - 1) // 16
                found.append(hyper[r][:, c].flatten())
            inputs.append(torch.stack(found))
            values.append(own[at + BORDER][:, columns + BORDER].flatten())
        return torch.stack(inputs), torch.stack(values)


def _bordered(plane: Tensor) -> Tensor:
    return F.pad(plane, (BORDER,) * 4)


def crops(paths: Sequence[Path], height: int, width: int) -> Iterator[np.ndarray]:
    """The middle of each picture."""
    for path in paths:
        with Image.open(path) as image:
            pixels = np.asarray(image.convert("RGB"))
        top, left = (pixels.shape[0] - height) // 2, (pixels.shape[1] - width) // 2
        yield np.ascontiguousarray(pixels[top : top + height, left : left + width])


def row(variant: Variant | int, pictures: Sequence[np.ndarray], recipe: Recipe, device: str) -> str:
    """Fit all pictures with a context, or with the encoder's own in so many strips; a line."""
    torch.set_num_threads(1)
    costs, rates, weights = [], [], 0
    for pixels in pictures:
        fit = fit_of(variant, pixels, recipe, torch.device(device))
        weights = sum(w.numel() for w in fit.network.weights)
        weights += sum(b.numel() for b in fit.network.biases)
        fitted = fit.run()
        costs.append(fitted.mse + recipe.lmbda * fitted.bpp)
        rates.append(fitted.bpp)
    cost = float(np.exp(np.log(costs).mean())) * 1000
    name = f"the encoder's pass, {variant} strips" if isinstance(variant, int) else variant.name
    return f"| {name} | {cost:.4f} | {np.mean(rates):.4f} | {weights:,} |"


def fit_of(variant: Variant | int, pixels: np.ndarray, recipe: Recipe, device: torch.device) -> Fit:
    """A picture about to be fitted."""
    height, width = pixels.shape[:2]
    levels = choose_geometry(height, width).levels
    if isinstance(variant, int):
        return Fit(pixels, Geometry.derived(height, width, levels, variant), recipe, device)
    fit = GatheringFit(pixels, Geometry.derived(height, width, levels, 1), recipe, device)
    fit.prepare(variant)
    return fit


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("pictures", type=Path, nargs="+")
    parser.add_argument("--steps", type=int, default=400)
    parser.add_argument("--crop", type=int, nargs=2, default=(256, 384))
    parser.add_argument("--lmbda", type=float, default=1.6e-3)
    parser.add_argument("--hidden", type=int, default=22)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--jobs", type=int, default=1, help="rows at the same time")
    arguments = parser.parse_args()
    pictures = [*crops(arguments.pictures, *arguments.crop)]
    recipe = Recipe(
        lmbda=arguments.lmbda,
        steps=arguments.steps,
        hidden=arguments.hidden,
        units=40,
        prior=False,
        empty=2,
    )
    print("| context | J | bpp | weights |\n| --- | ---: | ---: | ---: |")
    work = partial(row, pictures=pictures, recipe=recipe, device=arguments.device)
    with ProcessPoolExecutor(arguments.jobs, get_context("spawn")) as pool:
        for line in pool.map(work, (*VARIANTS, 1, 2, 4, 8)):
            print(line, flush=True)


if __name__ == "__main__":
    main()
