"""Steers lambda while a picture is fitted, so that the file gets the size or quality asked for.

While latents are soft, a fit shows more bits and a larger error than it will end with. Soft
rounding costs so many bits for each latent, whatever the picture; and how much larger the error is
depends on how far the fit has come. So what it will end with is predicted at every step, with what
latents have not answered yet of lambda's last changes; lambda follows the prediction, and the
prediction becomes the truth in time. After the last step the file is built. As long as it is not
what was asked for, some more steps follow, with true rounding.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from imcodec.pyramid.finish import Coded, code, coded_latents
from imcodec.pyramid.fit import Fit
from imcodec.pyramid.fitted import Fitted, Report
from imcodec.pyramid.goal import BETTER, SPARE_BETTER, Aim, Found, decibels
from imcodec.pyramid.trim import trim

#: d log(bits per pixel) / d log(lambda), and the same of the squared error
BITS_SLOPE, ERROR_SLOPE = -0.5, 0.6
#: the share and the step at which steering begins, and shares at which a file is measured
BEGIN, FIRST, MEASURED = 0.1, 10, (0.1, 0.35, 0.8)
#: share of the steps in which lambda makes up for a difference: at the beginning, when predictions
#: are rough, and at the end; and at least so many steps
LAGS, LAG_STEPS = (0.25, 0.05), 10
#: the share at which the fit waits, while lambda still has an effect, for the difference to become
#: small; and the largest share of all steps that it waits
HOLD, SMALL, HELD = 0.8, 0.006, 0.18
#: most that log(lambda) changes in a step
LARGEST_CHANGE = 0.12
#: after this share it stays within a factor of what it was there
HALF, FARTHEST = 0.5, 64.0
#: the prices of a bit that there are
LEAST, MOST = 1e-6, 1.0
#: the slopes become this much smaller towards the end, as the learning rates fall
WEAKEST = 0.2
#: share of the steps that may be added in all; a round at the end, and the least of its steps
MORE, ROUND, ROUND_STEPS = 0.31, 0.12, 12
#: changes of lambda become so many times as large when the last one brought less than half
STRONGER = 4.0
#: log(bytes), or log(squared error), by which a fit may miss what moved latents then reach
NEAR = 0.06
#: files that are larger, or better, by less than this are trimmed
TRIMMED_SIZE, TRIMMED_PSNR = 0.012, 0.12
#: or by so many times as much, when no steps are left
LAST_TRIMMED = 3.0
#: bits that soft rounding adds to each latent at the beginning of a fit, over the third power of
#: its first temperature, and the share of them that the last soft steps have (see targets.md)
SOFT, LAST_SOFT = 4.4, 0.007
#: all of them show where a latent takes so many bits or fewer itself, this share less for each bit
#: more, but that share at least
SHOWN, FADING, FAINTEST = 0.45, 0.56, 0.2
#: how well these bits are known, as a share of them, and how far off a first lambda is (log)
UNSURE, OFF = 0.06, 0.4
#: share of the steps, and steps, in which most of a change of lambda has its effect
ANSWERS, ANSWER_STEPS = 0.05, 20
#: squared error that the rounding to 8 bits adds, colours in 0 .. 1
ROUNDING = 1 / (12 * 255**2)

Refine = Callable[[Fitted, Coded], tuple[Fitted, Coded]]


@dataclass
class Model:
    """A file's size and quality from what the fit sees; learns from every file that is built."""

    pixels: int
    #: bytes of a file without its latents
    overhead: float = 0.0
    #: coded bits for each bit that the fit counts
    bits: float = 1.0
    #: squared error that the fit does not see
    error: float = ROUNDING

    def bpp(self, size: float) -> float:
        """Bits per pixel, as the fit counts them, of a file of so many bytes."""
        return max(1e-4, (size - self.overhead) * 8 / (self.bits * self.pixels))

    def mse(self, psnr: float) -> float:
        """Squared error as the fit sees it, at so many dB."""
        return max(1e-7, float(10 ** (-psnr / 10)) - self.error)

    def learn(self, fitted: Fitted, coded: Coded, found: Found) -> None:
        """From a file that was built."""
        self.overhead = found.size - coded.payload.ideal_bits / 8
        if fitted.bpp > 0:
            self.bits = max(0.1, coded.payload.ideal_bits / (fitted.bpp * self.pixels))
            self.error = float(10 ** (-found.psnr / 10)) - fitted.mse


class Steering:
    """One fit on its way to a goal."""

    def __init__(
        self,
        aim: Aim,
        fit: Fit,
        report: Callable[[Report], None],
        stop: Callable[[], bool],
    ) -> None:
        self._aim, self._goal, self._size_of, self._fit = aim, aim.goal, aim.size_of, fit
        self._report, self._stop = report, stop
        self.model = Model(fit.geometry.height * fit.geometry.width)
        self._waiting = list(MEASURED)
        #: share of the steps that were added
        self._spent = 0.0
        self._share, self._passed = 0.0, 0.0
        self._difference: float | None = None
        #: lambda half-way, and the log of that which the latents have answered to
        self._middle, self._answered = fit.lmbda, math.log(fit.lmbda)
        self._last = Found(0, 0.0)
        self._best: tuple[Fitted, Coded, Found] | None = None
        self._ended_near = False

    def run(self, refine: Refine | None = None) -> tuple[Fitted, Coded]:
        """The fit, and its code: what was asked for, or the nearest that was found.

        With `refine`, which makes a state's file better and brings it nearer to the goal, a fit
        need only end NEAR it.
        """
        if refine is None:
            return self._fitted(0.0)
        found = refine(*self._fitted(NEAR))
        if not self._ended_near or self._goal.safe(self._aim.found(self._fit, *found)):
            return found
        again = refine(*self._fitted(0.0))
        return min(found, again, key=lambda x: self._goal.rank(self._aim.found(self._fit, *x)))

    def _fitted(self, near: float) -> tuple[Fitted, Coded]:
        """The fit, if there was none, and rounds at its end until it is so near to the goal."""
        best = self._best = self._best or self._round(0.0)
        share = max(ROUND, min(1.0, ROUND_STEPS / self._fit.recipe.steps))
        most = max(MORE, 4 * share) if share > ROUND else MORE
        strength, before = 1.0, math.inf
        while not (self._goal.safe(best[2]) or self._stop() or self._stuck(best[2])):
            self._ended_near = abs(self._goal.difference(best[2])) <= near
            if self._ended_near:
                break
            self._spent += share
            over = self._spent > most
            if (trimmed := self._trimmed(*best, LAST_TRIMMED if over else 1.0)) is not None:
                return trimmed
            if over:
                break
            difference = self._goal.difference(self._last)
            if abs(difference) > abs(before) / 2:  # lambda hardly has an effect any more
                strength *= STRONGER
            before = difference
            self._change(-strength * difference / (self._slope * WEAKEST))
            built = self._round(1 - share)
            if self._goal.distance(built[2]) < self._goal.distance(best[2]):
                best = self._best = built
        return best[0], best[1]

    def _trimmed(
        self, fitted: Fitted, coded: Coded, found: Found, times: float
    ) -> tuple[Fitted, Coded] | None:
        """A file that is a little too large or too good, made what was asked for."""
        self._fit.recall(fitted)
        if self._goal.kind == "size":
            if not 0 < found.size / self._goal.value - 1 < times * TRIMMED_SIZE:
                return None
            less = trim(self._fit, coded, lambda c: self._size_of(fitted, c) <= self._goal.limit)
        else:
            if not 0 < found.psnr - self._goal.value - BETTER < times * TRIMMED_PSNR:
                return None
            limit = self._goal.value + BETTER - SPARE_BETTER
            less = trim(self._fit, coded, lambda c: self._psnr(c) <= limit)
        if less is None:
            return None
        safe = self._goal.safe(self._aim.found(self._fit, fitted, less))
        return (fitted, less) if safe else None

    def _round(self, first: float) -> tuple[Fitted, Coded, Found]:
        """Steps from a share on, and the file that they end with."""
        self._share, self._difference = first, None
        self._again = first > 0
        self._may_hold = not self._again
        fitted = self._fit.run(self._follow, self._stop, self._score, first, self._hold)
        coded = code(self._fit, fitted)
        found = self._aim.found(self._fit, fitted, coded)
        self.model.learn(fitted, coded, found)
        self._last = found
        return fitted, coded, found

    @property
    def _slope(self) -> float:
        return BITS_SLOPE if self._goal.kind == "size" else ERROR_SLOPE

    def _change(self, change: float) -> None:
        """Of log(lambda)."""
        lmbda = self._fit.lmbda * math.exp(min(max(change, -1.0), 1.0))
        if self._share < HALF:
            self._middle = self._fit.lmbda
        lmbda = min(max(lmbda, self._middle / FARTHEST), self._middle * FARTHEST)
        self._fit.lmbda = min(max(lmbda, LEAST), MOST)

    def _psnr(self, coded: Coded) -> float:
        return decibels(self._fit.mse_of(coded.planes))

    def _stuck(self, found: Found) -> bool:
        """Whether lambda can go no further."""
        value = found.size if self._goal.kind == "size" else found.psnr
        if value < self._goal.aim:
            return self._fit.lmbda <= max(LEAST, self._middle / FARTHEST)
        return self._fit.lmbda >= min(MOST, self._middle * FARTHEST)

    def _score(self, report: Report) -> float:
        """What is best: on the right side of the goal first, then the better picture or rate."""
        if self._goal.kind == "size":
            over = report.bpp / self.model.bpp(self._goal.limit) - 1
            return report.cost + 100 * max(0.0, over)
        over = report.mse / self.model.mse(self._goal.limit) - 1
        return report.bpp + 1e4 * max(0.0, over)

    def _hold(self, share: float) -> bool:
        """Whether a step more is needed here."""
        if not (self._may_hold and share >= HOLD and self._difference is not None):
            return False
        self._may_hold = abs(self._difference) > SMALL and self._spent < HELD
        self._spent += self._passed if self._may_hold else 0.0
        return self._may_hold

    def _follow(self, report: Report) -> None:
        self._report(report)
        if self._waiting and report.share >= self._waiting[0]:
            del self._waiting[0]
            if self._goal.kind == "size" and not report.hard:
                self._look()
        if report.share > self._share:
            self._passed = report.share - self._share
        passed, self._share = self._passed, report.share
        if report.share < BEGIN or report.step < FIRST or report.hard or passed <= 0:
            return
        if self._again:  # too short to be steered
            return
        slope = self._slope * max(WEAKEST, 1 - report.share)
        to_come = math.log(self._fit.lmbda) - self._answered
        self._answered += to_come * min(1.0, passed / max(ANSWERS, ANSWER_STEPS * passed))
        difference = self._expected(report) + slope * to_come
        lag = max(LAGS[0] * (LAGS[1] / LAGS[0]) ** report.share, LAG_STEPS * passed)
        weight = min(1.0, 4 * passed / lag)
        before = difference if self._difference is None else self._difference
        self._difference = before + weight * (difference - before)
        change = -self._difference / slope * passed / lag
        self._change(min(max(change, -LARGEST_CHANGE), LARGEST_CHANGE))

    def _look(self) -> None:
        """Learn what a file takes besides its latents."""
        fitted = self._fit.rounded()
        context, payload, planes = coded_latents(self._fit, fitted.context, fitted.planes)
        coded = Coded(context, payload, planes, math.nan)
        self.model.learn(fitted, coded, Found(self._size_of(fitted, coded), math.nan))

    def _expected(self, report: Report) -> float:
        """log of what the fit will end with over what is wanted."""
        left = max(0.0, 1 - report.share / self._fit.recipe.hard_at)
        if self._goal.kind == "size":
            wanted = self.model.bpp(self._goal.aim)
            soft = self._soft(wanted, left)
            seen = math.log(max(report.bpp, 1e-6) / (wanted + soft)) * (1 + soft / wanted)
            # the more of them there are, the less is seen beside them
            return seen / (1 + (UNSURE / OFF * soft / wanted) ** 2)
        wanted = self.model.mse(self._goal.aim)
        # fitted to photos at 150 and 300 steps; at the end whole weights cost some of it again
        more = 0.95 * math.pow(left, 2.5) - 0.02
        return math.log(max(report.mse, 1e-10) / wanted) - more

    def _soft(self, wanted: float, left: float) -> float:
        """Bits per pixel that soft rounding adds to those that a fit will end with, `wanted`."""
        latents = self._fit.geometry.symbols / self.model.pixels
        shown = min(1.0, max(FAINTEST, 1 - FADING * (wanted / latents - SHOWN)))
        return SOFT * self._fit.recipe.temperature[0] ** 3 * latents * shown * (left**2 + LAST_SOFT)
