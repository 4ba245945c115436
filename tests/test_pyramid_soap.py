"""The optimiser of the networks."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from imcodec.pyramid.soap import EVERY, Soap


def regression(seed: int, steps: int, soap: bool) -> float:
    """What is left of the error of a linear layer whose inputs and outputs are correlated."""
    generator = torch.Generator().manual_seed(seed)

    def random(*shape: int) -> Tensor:
        return torch.randn(*shape, generator=generator)

    rows, columns = (torch.linalg.qr(random(n, n))[0] for n in (6, 9))
    outputs = rows * torch.logspace(0, -1.5, 6)
    inputs = columns * torch.logspace(0, -1.5, 9)
    wanted, value = random(6, 9), torch.zeros(6, 9, requires_grad=True)
    adam, optimiser = torch.optim.Adam([value], betas=(0.8, 0.95)), Soap([[value]])
    for step in range(steps):
        rate = 0.1 * (1 + math.cos(math.pi * step / steps)) / 2
        (outputs.T @ (value - wanted) @ inputs @ random(9, 32)).square().sum().backward()
        if soap:
            optimiser.rates[0] = rate
            optimiser.step()
        else:
            adam.param_groups[0]["lr"] = rate
            adam.step()
            adam.zero_grad()
    return float((outputs.T @ (value.detach() - wanted) @ inputs).square().sum())


@pytest.mark.parametrize("seed", range(3))
def test_correlated_inputs_are_its_home(seed: int) -> None:
    assert regression(seed, 100, soap=True) < 0.5 * regression(seed, 100, soap=False)


@pytest.mark.parametrize("shape", [(5,), (1, 1), (7, 3), (2, 4, 1), (2, 3, 4)])
def test_parameters_of_any_shape(shape: tuple[int, ...]) -> None:
    value = torch.full(shape, 3.0, requires_grad=True)
    optimiser = Soap([[value]])
    optimiser.rates[0] = 0.1
    for _ in range(300):
        value.square().sum().backward()
        optimiser.step()
    assert float(value.detach().abs().max()) < 0.2


def test_nothing_to_learn_changes_nothing() -> None:
    silent, absent = torch.ones(3, 2, requires_grad=True), torch.ones(3, 2, requires_grad=True)
    optimiser = Soap([[silent], [absent]])
    optimiser.rates[:] = [1.0, 1.0]
    for _ in range(EVERY + 2):
        (silent * 0).sum().backward()
        optimiser.step()
    assert (silent == 1).all()
    assert (absent == 1).all()


def test_a_step_does_not_depend_on_the_size_of_the_loss() -> None:
    def after(scale: float) -> Tensor:
        value = torch.linspace(-1, 1, 12).view(3, 4).requires_grad_()
        optimiser = Soap([[value]])
        optimiser.rates[0] = 0.05
        for _ in range(15):
            (scale * (value - 2).pow(4).sum()).backward()
            optimiser.step()
        return value.detach()

    torch.testing.assert_close(after(1.0), after(1e-5), rtol=1e-3, atol=1e-3)


def test_every_group_has_its_rate() -> None:
    first, second = (torch.ones(4, requires_grad=True) for _ in range(2))
    optimiser = Soap([[first], [second]])
    optimiser.rates[:] = [0.5, 0.0]
    (first.sum() + second.sum()).backward()
    optimiser.step()
    assert (first < 1).all()
    assert (second == 1).all()
    assert first.grad is None
