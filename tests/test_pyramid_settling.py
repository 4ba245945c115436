"""Weights that become whole numbers one after another."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from imcodec.pyramid.settling import Settling


def made(
    values: list[float], unit: float = 1.0, largest: int = 63
) -> tuple[Settling, torch.Tensor]:
    parameter = torch.nn.Parameter(torch.tensor(values) / unit)
    return Settling([parameter], [unit], [largest]), parameter


def test_free_weights_are_real_numbers_and_learn() -> None:
    settling, parameter = made([0.4, -1.7, 99.0], unit=64.0)
    (found,) = settling.values()
    torch.testing.assert_close(found.detach(), torch.tensor([0.4, -1.7, 63.0]))
    found.sum().backward()
    assert parameter.grad is not None
    assert parameter.grad.tolist() == [64.0, 64.0, 0.0]


def test_those_nearest_to_a_whole_number_settle_first() -> None:
    settling, parameter = made([0.4, 2.1, -1.95, 5.3])
    settling.advance(0.5)
    (found,) = settling.values()
    torch.testing.assert_close(found.detach(), torch.tensor([0.4, 2.0, -2.0, 5.3]))
    found.sum().backward()
    assert parameter.grad is not None
    assert parameter.grad.tolist() == [1.0, 0.0, 0.0, 1.0]


def test_what_has_settled_stays() -> None:
    settling, parameter = made([0.4, 2.1, -1.95, 5.3])
    settling.advance(0.5)
    with torch.no_grad():
        parameter += 0.8
    settling.advance(0.75)
    (found,) = settling.values()
    torch.testing.assert_close(found.detach(), torch.tensor([1.2, 2.0, -2.0, 6.0]))


def test_at_the_end_everything_is_whole_and_in_range() -> None:
    settling, _ = made([0.4, -0.6, 70.2, -99.0])
    settling.advance(1.0)
    assert settling.values()[0].tolist() == [0.0, -1.0, 63.0, -63.0]


def test_a_repeated_end_frees_them_where_they_had_settled() -> None:
    settling, parameter = made([0.4, 2.1])
    settling.advance(1.0)
    with torch.no_grad():
        parameter += 10  # what an optimiser does meanwhile does not count
    settling.advance(0.0)
    (found,) = settling.values()
    assert found.tolist() == [0.0, 2.0]
    found.sum().backward()
    assert parameter.grad is not None
    assert parameter.grad.tolist() == [1.0, 1.0]


@given(
    st.lists(st.floats(-80, 80, width=32), min_size=1, max_size=40),
    st.lists(st.floats(0, 1), min_size=1, max_size=5),
)
def test_any_schedule_ends_whole(values: list[float], shares: list[float]) -> None:
    settling, _ = made(values)
    for share in shares:
        settling.advance(share)
    settling.advance(1.0)
    (found,) = settling.values()
    assert torch.equal(found, found.round())
    moved = found.detach() - torch.tensor(values).clamp(-63, 63)
    assert float(moved.abs().max()) <= 0.5


@pytest.mark.parametrize("share", [0.25, 0.5, 0.75])
def test_each_parameter_settles_at_the_same_pace(share: float) -> None:
    one, other = torch.arange(8) + 0.25, torch.arange(4.0).view(2, 2) * 1.3
    settling = Settling([one, other], [1.0, 1.0], [63, 63])
    settling.advance(share)
    for parameter, found in zip((one, other), settling.values(), strict=True):
        kept = int((found != parameter).sum() + (parameter == parameter.round()).sum())
        assert kept == round(share * parameter.numel())
