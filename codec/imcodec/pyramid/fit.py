"""The fitting loop: pixels in; integer latents, context networks and synthesis out.

loss = mse (colours in 0 .. 1), or another distortion, + lambda * bits per pixel. Context networks
run in the graph's arithmetic from the first step on, their units and outputs whole numbers;
weights become whole near the end (imcodec.pyramid.settling). Latents are softened for most of the
way and truly rounded at the end, where the loss is the file's true cost and the best state is kept.

On a CPU both terms are compiled loops (imcodec.pyramid.rate_kernel, .distortion_kernel) over bands
of the planes and chunks of the picture, forwards and backwards together, so that they stay in the
caches; what they find is added up in a fixed order, so results do not depend on the number of
threads. A GPU runs tensor operations over everything at once.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from imcodec.devices import workers
from imcodec.pyramid.context import FIRST, LATER
from imcodec.pyramid.distortion import distortion, draw
from imcodec.pyramid.distortion_kernel import distortion_in_place
from imcodec.pyramid.filters import FILTER_UNIT
from imcodec.pyramid.fitted import Fitted, Loss, Report
from imcodec.pyramid.geometry import Geometry
from imcodec.pyramid.interpolation import Filtering, Interpolation
from imcodec.pyramid.latents import Latents
from imcodec.pyramid.measures import Measure
from imcodec.pyramid.model import ContextNetwork, Filters, Synthesis
from imcodec.pyramid.pace import Pace
from imcodec.pyramid.rate import Distribution, Layers, Pass
from imcodec.pyramid.rate_kernel import CompiledPass
from imcodec.pyramid.recipe import Recipe
from imcodec.pyramid.silent import Renewal
from imcodec.pyramid.soap import Soap
from imcodec.pyramid.start import colours_of, start_networks, start_picture
from imcodec.pyramid.table import Ints, Table

#: places in one piece of work
CHUNK = 16384

Item = TypeVar("Item")
Result = TypeVar("Result")


class Fit:
    """One picture being fitted. `pixels` uint8 [height, width, channels]."""

    def __init__(
        self,
        pixels: NDArray[np.uint8],
        geometry: Geometry,
        recipe: Recipe,
        device: torch.device,
        threads: int = 1,
    ) -> None:
        self.geometry, self.recipe, self.device = geometry, recipe, device
        self.threads = threads
        #: the price of a bit, which whoever steers the fit may change between steps
        self.lmbda = recipe.lmbda
        table = Table()
        channels = pixels.shape[2]
        self._law = Distribution.of(table)
        self._step = table.step
        self.network = ContextNetwork(recipe.filters, geometry.levels, recipe.seed)
        self.synthesis = Synthesis(geometry.levels, channels, recipe.units, recipe.seed)
        self.filters = Filters(geometry.levels)
        self.colours = colours_of(pixels, device)
        self.interpolations = Interpolation.of_levels(geometry, device)
        self.latents = Latents(geometry, device, recipe.seed)
        if recipe.prior:
            start_networks(self.network, self.filters, geometry)
        start_picture(
            self.latents,
            self.synthesis,
            self.interpolations,
            self.colours,
            recipe.lmbda,
            recipe.empty,
        )
        #: a GPU takes everything at once, a CPU runs compiled loops over what fits its caches
        self._whole = device.type != "cpu"
        self._chunk = geometry.symbols * 2 if self._whole else CHUNK
        self._measure: Measure | None = None
        if recipe.tune != "psnr":
            size = geometry.height, geometry.width
            self._measure = Measure(recipe.tune, self.colours, size)
        parts = (self.network, self.synthesis, self.filters)
        self._latents = torch.optim.Adam([self.latents.stored], betas=recipe.betas, fused=True)
        self._networks = Soap([[*part.parameters()] for part in parts])

    def run(
        self,
        report: Callable[[Report], None] | None = None,
        interrupted: Callable[[], bool] = lambda: False,
        score: Callable[[Report], float] = lambda report: report.cost,
        first: float = 0.0,
        hold: Callable[[float], bool] = lambda share: False,
    ) -> Fitted:
        """All steps; the best state among the last ones by its true cost.

        After `interrupted()` says so, one more pass finds the true cost of what there is. Another
        `score` than the cost may say what is best, the less the better. A fit goes on with its last
        steps, from a share `first` on. Steps after which `hold(share)` do not count.
        """
        recipe, pace = self.recipe, Pace(self.recipe.steps, self.recipe.seconds, first)
        latents, networks = self._latents, self._networks
        renewal = Renewal(self.network, [s for s in recipe.renew_at if s > first], recipe.seed)
        best: Fitted | None = None
        least_score = math.inf
        with workers(self.threads, self.device) as pool:
            while True:
                share = pace.share
                last = share >= 1 or interrupted()
                hard = last or share >= recipe.hard_at
                latents.param_groups[0]["lr"], *networks.rates[:] = recipe.rates_at(share)
                if share < recipe.settle_at and renewal.due(share):
                    renewal.renew(self._on())
                self._settle(share, hard)
                value, derivative = self.value(share, hard, pool.map)
                loss = self.backward(value, pool)
                self.latents.gradient.mul_(derivative)
                cost, seconds = self._cost(loss), pace.seconds
                now = Report(
                    pace.step, recipe.steps, loss.mse, loss.bpp, cost, seconds, share, hard
                )
                if report:
                    report(now)
                if hard and (best is None or score(now) < least_score):
                    best, least_score = self.found(value, loss), score(now)
                if last:
                    break
                latents.step()
                networks.step()
                self.network.decay(recipe.decay * networks.rates[0])
                self.network.confine()
                if hold(share):
                    pace.return_to(seconds)
                else:
                    pace.advance()
        assert best is not None
        return best

    @torch.no_grad()
    def _on(self) -> Tensor:
        """In what share of the places each unit of the inner layers is on, [2, units]."""
        stacks = self.latents.stacks(self.latents.rounded())
        return Pass(self.geometry, self._layers(), self._law, 0.0, 2 * self._chunk).on(stacks).cpu()

    def _settle(self, share: float, hard: bool) -> None:
        """Make as many weights whole as there should be."""
        recipe = self.recipe
        usual = recipe.settle_at, recipe.hard_at
        for part, (begin, end) in (
            (self.network, usual),
            (self.synthesis, recipe.synthesis_settles or usual),
            (self.filters, recipe.filters_settle or usual),
        ):
            done = (share - begin) / (end - begin)
            part.settling.advance(1.0 if hard else min(max(done, 0.0), 1.0))

    def rounded(self) -> Fitted:
        """What there is, truly rounded, before its cost is known."""
        return self.found(self.latents.rounded(), Loss(math.nan, math.nan, math.nan))

    def picture(self) -> NDArray[np.uint8]:
        """What the latents as they are, truly rounded, look like: uint8 [H, W, C]."""
        planes = self.latents.planes(self.latents.rounded())
        shape = (-1, self.geometry.height, self.geometry.width)
        drawn = self._drawn(planes, self.synthesis.values(), self.filters.values())
        colours = drawn.view(shape)
        return colours.permute(1, 2, 0).cpu().numpy().astype(np.uint8)

    def recall(self, fitted: Fitted) -> None:
        """Let mse_of() and distortion_of() draw with the networks of a state that was found."""
        rows, levels = torch.from_numpy(fitted.synthesis[:, :, 0, 0]).float(), self.geometry.levels
        first, threshold, second = rows[:levels].T, rows[levels, :, None], rows[levels + 1 :]
        self._best = (first, threshold, second), torch.from_numpy(fitted.filters) / FILTER_UNIT

    def adopt(self, fitted: Fitted) -> None:
        """Let all networks be those of a state that was found, whole numbers."""
        self.network.adopt(fitted.context)
        self.synthesis.adopt(fitted.synthesis)
        self.filters.adopt(fitted.filters)
        self.recall(fitted)

    @property
    def whole(self) -> list[Tensor]:
        """The networks' weights after adopt(); changes in place count.

        First, inner and outer layer and biases of the context network, W1, T, W2, filters.
        """
        parts = self.network, self.synthesis, self.filters
        return [weights for part in parts for weights in part.settling.whole]

    @torch.no_grad()
    def gradients(self, value: Tensor, pool: ThreadPoolExecutor) -> tuple[Tensor, list[Tensor]]:
        """Of the loss by latents [symbols], and by what `whole` holds, after adopt()."""
        _, _, (*by_synthesis, by_filters) = self._distortion(value, pool)
        _, by_layers = self.rate(value, pool)
        multipliers = FIRST, LATER, LATER, 1.0
        by_network = [grad * by for grad, by in zip(by_layers, multipliers, strict=True)]
        found = [*by_network, *by_synthesis, by_filters / FILTER_UNIT]
        return self.latents.gradient, [
            grad.reshape(each.shape) for grad, each in zip(found, self.whole, strict=True)
        ]

    def features(
        self, planes: Sequence[Tensor], filters: Tensor, pool: ThreadPoolExecutor
    ) -> Tensor:
        """Planes through filters [levels, 3, 3] at the pixels' centres, [levels, H * W]."""
        return self._interpolated([*map(Filtering, planes, filters.to(self.device))], pool)

    def mse_of(self, planes: Sequence[Ints]) -> float:
        """Mean squared error, colours in 0 .. 1, of other latents with the networks found last."""
        error = self._shown(planes).sub_(self.colours)
        return float(error.double().square().mean()) / 255**2

    def distortion_of(self, planes: Sequence[Ints]) -> float:
        """What is minimised besides the bits, of other latents with the networks found last."""
        if self._measure is None:
            return self.mse_of(planes)
        with workers(self.threads, self.device) as pool:
            return self._measure(self._shown(planes), pool)[0]

    def _shown(self, planes: Sequence[Ints]) -> Tensor:
        tensors = [torch.from_numpy(plane).float().to(self.device) for plane in planes]
        return self._drawn(tensors, *self._best)

    @torch.no_grad()
    def _drawn(
        self, planes: Sequence[Tensor], integers: Sequence[Tensor], filters: Tensor
    ) -> Tensor:
        """Colours as a decoder shows them, rounded: float [channels, height * width]."""
        weights = [value.to(self.device) for value in integers]
        with workers(self.threads, self.device) as pool:
            return self.painted(self.features(planes, filters, pool), weights, pool).round_()

    def _interpolated(self, filterings: Sequence[Filtering], pool: ThreadPoolExecutor) -> Tensor:
        """Filtered planes at the pixels' centres, [levels, height * width]."""
        size = self.geometry.height, self.geometry.width
        pictures = torch.empty(len(filterings), *size, device=self.device)

        def interpolate(level: int) -> None:
            pictures[level] = self.interpolations[level].forward(filterings[level].forward())

        _each(pool, interpolate, range(len(filterings) - 1, -1, -1))
        return pictures.flatten(1)

    def painted(
        self, features: Tensor, weights: Sequence[Tensor], pool: ThreadPoolExecutor
    ) -> Tensor:
        """Colours [channels, height * width] in 0 .. 255, not rounded."""
        colours = torch.empty_like(self.colours)

        def paint(start: int) -> None:  # hidden units take much room
            part = slice(start, start + self._chunk)
            colours[:, part] = draw(features[:, part], weights, self._step).clamp_(0, 255)

        _each(pool, paint, range(0, features.shape[1], self._chunk))
        return colours

    def value(
        self, share: float, hard: bool, each: Callable[..., Iterable[object]] = map
    ) -> tuple[Tensor, Tensor | float]:
        """Latents as the loss sees them, and their derivative by the stored ones."""
        if hard:
            return self.latents.rounded(), 16.0
        recipe = self.recipe
        f = share / recipe.hard_at
        temperature = recipe.temperature[0] + (recipe.temperature[1] - recipe.temperature[0]) * f
        noise = recipe.noise[0] + (recipe.noise[1] - recipe.noise[0]) * f
        return self.latents.softened(temperature, noise, each)

    def backward(self, value: Tensor, pool: ThreadPoolExecutor) -> Loss:
        """The loss of latents [symbols], with all its gradients.

        That by the latents replaces `latents.gradient`; those of the networks are added to theirs.
        """
        with torch.no_grad():
            mse, found, picture_grads = self._distortion(value, pool)
            bits, network_grads = self.rate(value, pool)
        tops = [*self.synthesis.values(), self.filters.values()]
        tops += self.network.layers()
        torch.autograd.backward(tops, [*picture_grads, *network_grads])
        return Loss(mse, found, bits / (self.geometry.height * self.geometry.width))

    def _cost(self, loss: Loss) -> float:
        return loss.distortion + self.lmbda * loss.bpp

    def _distortion(
        self, value: Tensor, pool: ThreadPoolExecutor
    ) -> tuple[float, float, list[Tensor]]:
        """(mse, distortion, gradients by the synthesis and the filters); see backward()."""
        g = self.geometry
        count, levels = g.height * g.width, range(g.levels - 1, -1, -1)
        planes, grads = self.latents.planes(value), self.latents.planes(self.latents.gradient)
        weights = tuple(t.to(self.device) for t in self.synthesis.values())
        scale = 1 / (255**2 * self.colours.numel())
        filters = self.filters.values().to(self.device)
        filterings = [*map(Filtering, planes, filters)]
        filter_grads = torch.empty_like(filters)
        features = self._interpolated(filterings, pool)
        pictures, wanted = features.view(g.levels, g.height, g.width), self.colours

        def error_of(start: int) -> tuple[Tensor, list[Tensor]]:
            part = slice(start, start + self._chunk)
            if not self._whole:
                return distortion_in_place(features, wanted, weights, self._step, scale, part)
            work = (features[:, part], wanted[:, part], weights, self._step, scale)
            error, features[:, part], rest = distortion(*work)
            return error, rest

        def back(level: int) -> None:
            by_filtered = self.interpolations[level].adjoint(pictures[level])
            by_plane, filter_grads[level] = filterings[level].adjoint(by_filtered)
            grads[level].copy_(by_plane)

        if self._measure:
            shown = self.painted(features, weights, pool)
            found, gradient = self._measure(shown, pool)
            mse = float((shown - wanted).double().square().mean()) / 255**2
            # a picture whose squared error has the measure's gradient
            wanted = shown - gradient / (2 * scale)
        parts = _each(pool, error_of, range(0, count, self._chunk))
        _each(pool, back, levels)
        if not self._measure:
            mse = found = float(torch.stack([total for total, _ in parts]).double().sum()) * scale
        return mse, found, [*_sums([rest for _, rest in parts]), filter_grads.cpu()]

    def rate(self, value: Tensor, pool: ThreadPoolExecutor) -> tuple[float, list[Tensor]]:
        """Bits of latents [symbols], and gradients of lambda times them for each pixel.

        Those by the networks are handed out, in the order of ContextNetwork.layers(); those by the
        latents are added to `latents.gradient`.
        """
        g = self.geometry
        layers = self._layers()
        stacks, grads = self.latents.stacks(value), self.latents.stacks(self.latents.gradient)
        per_nat = self.lmbda / (g.height * g.width * math.log(2))
        work: Pass | CompiledPass
        if self._whole:
            work = Pass(g, layers, self._law, per_nat, 2 * self._chunk)
            nats = work.run(stacks, grads)
        else:
            work = CompiledPass(g, layers, self._law, per_nat, 2 * self._chunk)
            nats = work.run(stacks, grads, pool.map)
        bits = float(torch.stack(nats).double().sum()) / math.log(2)
        return bits, [grad.cpu() for grad in work.grads]

    def _layers(self) -> Layers:
        """The context networks' layers, on the device."""
        return Layers(*(each.to(self.device) for each in self.network.layers()))

    def found(self, value: Tensor, loss: Loss) -> Fitted:
        planes = [plane.cpu().numpy().astype(np.int64) for plane in self.latents.planes(value)]
        arrays = self.synthesis.array(), self.filters.array()
        numbers = loss.mse, loss.bpp, self._cost(loss), loss.distortion
        found = Fitted(planes, self.network.context(), *arrays, *numbers)
        self.recall(found)
        return found


def _each(
    pool: ThreadPoolExecutor, work: Callable[[Item], Result], items: Iterable[Item]
) -> list[Result]:
    """work(item) for every item, without gradients; results in order."""

    def one(item: Item) -> Result:
        with torch.no_grad():
            return work(item)

    return list(pool.map(one, items))


def _sums(parts: list[list[Tensor]]) -> list[Tensor]:
    """Sums over the first axis of a table of tensors, in order, on the CPU."""
    return [torch.stack(column).sum(0).cpu() for column in zip(*parts, strict=True)]
