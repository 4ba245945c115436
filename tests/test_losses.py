from __future__ import annotations

import pytest
import torch

from imcodec.losses import batches, loss_function, steps_per_epoch


@pytest.mark.parametrize("size", [(1, 1), (37, 53), (5, 200), (64, 64)])
@pytest.mark.parametrize("batch", [1, 100, 4096])
@pytest.mark.parametrize("name", ["mse", "ssim"])
def test_batches_are_as_many_as_announced(name: str, size: tuple[int, int], batch: int) -> None:
    drawn = list(batches(name, size, batch, torch.Generator().manual_seed(0)))
    assert len(drawn) == steps_per_epoch(name, size, batch)
    joined = torch.cat(drawn)
    assert joined.min() >= 0
    assert joined.max() < size[0] * size[1]
    if name == "mse":
        assert torch.equal(joined.sort().values, torch.arange(size[0] * size[1]))


def test_patches_are_squares_of_the_picture() -> None:
    (index,) = list(batches("ssim", (40, 32), 1024, torch.Generator().manual_seed(0)))[:1]
    rows, columns = index.reshape(32, 32) // 40, index.reshape(32, 32) % 40
    assert (rows[:, 0] == torch.arange(32)).all()
    assert (columns[0].diff() == 1).all()


@pytest.mark.parametrize("name", ["mse", "l1", "huber", "ssim"])
@pytest.mark.parametrize("size", [(1, 1), (2, 3), (12, 10), (50, 40)])
def test_losses_are_zero_for_equal_pictures_only(name: str, size: tuple[int, int]) -> None:
    loss = loss_function(name, size)
    (index, *_) = batches(name, size, 10**6, torch.Generator().manual_seed(0))
    wanted = torch.rand(len(index), 3, generator=torch.Generator().manual_seed(0))
    assert loss(wanted, wanted).item() == pytest.approx(0, abs=1e-6)
    assert loss((wanted + 0.3) % 1, wanted).item() > 0.01


def test_huber_grows_slower_than_squares() -> None:
    zero, one = torch.zeros(4, 3), torch.ones(4, 3)
    assert loss_function("huber", (2, 2))(one, zero).item() == pytest.approx(0.1 * (1 - 0.05))
    assert loss_function("mse", (2, 2))(one, zero).item() == 1
    assert loss_function("l1", (2, 2))(one * 0.5, zero).item() == 0.5
