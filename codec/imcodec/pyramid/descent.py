"""The last word on a fitted picture: its numbers one step to and fro, while that pays.

A fit ends with numbers that were rounded; which of them should have been rounded the other way only
the file's own cost can tell (imcodec.pyramid.exact_cost). So latents, weights of the synthesis and
weights of the context network are moved in turn, as far as the steps of the fit let expect that it
is worth the time. What it is worth, and what it takes: benchmarks/fitting.md.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Literal, NamedTuple

import numpy as np

from imcodec.devices import workers
from imcodec.pyramid.course import Course
from imcodec.pyramid.exact_cost import ExactCost
from imcodec.pyramid.finish import Coded, code
from imcodec.pyramid.fit import Fit
from imcodec.pyramid.fitted import Fitted, Loss
from imcodec.pyramid.goal import Aim
from imcodec.pyramid.latent_moves import LatentMoves
from imcodec.pyramid.synthesis_rounding import round_together
from imcodec.pyramid.weight_moves import move_weights

#: what a round, rounding a synthesis together, and a try take, in steps of the fit, about
ROUND, TOGETHER, TRY = 0.9, 60.0, 0.15
#: rounds for each step of a fit, until there are ENOUGH; and of every turn but the first
ROUNDS, ENOUGH, MORE_ROUNDS = 1 / 5, 100, 50
#: after shorter fits the synthesis is left as it is, or the context network
LEAST_TOGETHER, LEAST_TRIES = 1500, 2000
#: of the context network so many weights are tried for each step, half of them at most in a turn,
#: and all of them so many times at most
TRIES, MOST_PASSES = 1 / 4, 4


#: proceed(share of the work that is done, steps of the fit that the next part takes) says whether
#: to begin it
Proceed = Callable[[float, float], bool]


@dataclass(frozen=True)
class Turn:
    """Rounds of latents, then the synthesis together, and then weights that are tried."""

    rounds: int
    together: bool = False
    tries: int = 0

    @property
    def steps(self) -> float:
        """What it takes, in steps of the fit."""
        return self.rounds * ROUND + self.together * TOGETHER + self.tries * TRY


class Pass(NamedTuple):
    """Latents or weights that were tried, and how many of them were changed."""

    kind: Literal["round", "together", "weights"]
    changed: int


def plan(steps: int, weights: int) -> list[Turn]:
    """What is worth its time after so many steps, for so many weights of the context network."""
    turns = [Turn(round(min(steps * ROUNDS, ENOUGH)), steps >= LEAST_TOGETHER)]
    tries = min(round(steps * TRIES), MOST_PASSES * weights) if steps >= LEAST_TRIES else 0
    while tries:
        turns.append(Turn(MORE_ROUNDS, len(turns) > 1, min(weights // 2, tries)))
        tries -= turns[-1].tries
    return [*turns, Turn(MORE_ROUNDS)] if turns[0].together else turns


def descend(
    fit: Fit,
    fitted: Fitted,
    coded: Coded,
    turns: Sequence[Turn],
    proceed: Proceed = lambda share, ahead: True,
    aim: Aim | None = None,
) -> tuple[Fitted, Coded]:
    """A better state and its code, or those that were given. fit: as it made `fitted`.

    Better is cheaper, or nearer to the aim.
    """
    if not proceed(0.0, 0.0):
        return fitted, coded
    fit.adopt(replace(fitted, context=coded.context, planes=coded.planes))
    planes = [plane.astype(np.float32) for plane in coded.planes]
    with workers(fit.threads, fit.device) as pool:
        latents = LatentMoves(cost := ExactCost(fit, pool), planes, fit.recipe.seed)
        before = latents.total
        course = Course(aim.goal, aim.size_of(fitted, coded), cost, latents) if aim else None
        for _ in passes(cost, latents, turns, proceed):
            if course:
                course.follow()
        if not (course.finish() if course else latents.total < before):
            return fitted, coded
        bpp = cost.rate_of(latents.bits.values()) / fit.lmbda
        mse = cost.mse(latents.planes)
    found = fit.found(latents.flat, Loss(mse, mse, bpp))
    again = code(fit, found)
    # networks whose sums are no longer exact would be halved: that never pays
    if aim:
        old, new = aim.found(fit, fitted, coded), aim.found(fit, found, again)
        better = aim.goal.rank(new) < aim.goal.rank(old)
    else:
        better = again.cost < before
    return (found, again) if better else (fitted, coded)


def passes(
    cost: ExactCost,
    latents: LatentMoves,
    turns: Sequence[Turn],
    proceed: Proceed = lambda share, ahead: True,
) -> Iterator[Pass]:
    """Go through turns, pass by pass, as long as `proceed` allows."""
    whole, done = sum(turn.steps for turn in turns), 0.0
    for turn in turns:
        for number in range(turn.rounds):
            if not proceed((done + number * ROUND) / whole, ROUND):
                return
            yield Pass("round", latents.round())
        done += turn.rounds * ROUND
        if turn.together and proceed(done / whole, TOGETHER):
            yield Pass("together", round_together(cost, latents))
        done += turn.together * TOGETHER
        if turn.tries:
            going = partial(_going, proceed, done / whole, TRY / whole)
            yield Pass("weights", move_weights(cost, latents, turn.tries, going))
            done += turn.tries * TRY
        latents.forget()


def _going(proceed: Proceed, begin: float, each: float, tried: int) -> bool:
    return proceed(begin + each * tried, TRY)
