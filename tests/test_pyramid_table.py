from __future__ import annotations

import numpy as np
import pytest

from imcodec import ImcodecError
from imcodec.pyramid.context import LARGEST_LATENT, LARGEST_WIDTH
from imcodec.pyramid.table import MEAN_UNIT, SAFE_MARGIN, CodingError, Table


def test_default_table_is_far_from_rounding_edges() -> None:
    table = Table()
    assert table.margin > SAFE_MARGIN
    # float32, as the graph does it, gives the same entries
    places = np.float32(table.start) + np.arange(table.size, dtype=np.float32) * np.float32(
        table.step
    )
    bulk = np.float32(table.scale) / (1 + np.exp(-places))
    single = (bulk + places) + np.float32(table.end)
    assert single.dtype == np.float32
    assert (np.trunc(single) == table.cdf).all()
    assert table.cdf[0] == 0
    assert table.cdf[-1] == table.total - 1
    # a Range from `start` with this end has all places
    assert table.size == np.ceil((table.end - table.start) / table.step)


def test_the_scale_and_end_are_the_best_that_were_found() -> None:
    table = Table()
    assert np.float32(table.scale) == table.scale
    assert np.float32(table.end) == table.end
    assert table.tuned().margin <= table.margin + 1e-6


def test_entry_of_a_slot_is_the_first_above() -> None:
    table = Table()
    for slot in range(0, table.total - 1, 7):
        assert table.first_above[slot] == int(np.argmax(table.cdf > slot))


@pytest.mark.parametrize("width", [1, 2, 9, 30, 80])
def test_symbols_tile_the_slots(width: int) -> None:
    table = Table()
    edge = np.full(401, table.centre + width // 2)
    low, count = table.frequencies(edge, np.full(401, width), np.arange(200, -201, -1))
    coded = count > 0
    assert (low[coded][1:] == (low + count)[coded][:-1]).all()
    assert 0 < count[coded].sum() <= table.total - 1


def test_clamp_gives_the_nearest_value_that_can_be_coded() -> None:
    table = Table()
    random = np.random.default_rng(0)
    width = random.integers(1, 40, 20000)
    edge = table.edge(random.integers(-128, 128, 20000), width)
    wanted = random.integers(-127, 128, 20000)
    value = table.clamp(edge, width, wanted)
    assert (table.frequencies(edge, width, value)[1] > 0).all()
    free = table.frequencies(edge, width, wanted)[1] > 0
    assert (value[free] == wanted[free]).all()


def test_clamp_refuses_widths_outside_the_table() -> None:
    for width in (0, 81):
        with pytest.raises(CodingError):
            Table().clamp(np.array([80]), np.array([width]), np.array([0]))
    assert issubclass(CodingError, ImcodecError)


def test_clamp_refuses_distributions_beyond_all_latents() -> None:
    width, zero = np.array([20]), np.array([0])
    for mean in (-126 * MEAN_UNIT, 127 * MEAN_UNIT):
        value = Table().clamp(Table().edge(np.array([mean]), width), width, zero)
        assert abs(value[0]) <= LARGEST_LATENT
    for mean in (-140 * MEAN_UNIT, 140 * MEAN_UNIT):
        with pytest.raises(CodingError, match="no latent"):
            Table().clamp(Table().edge(np.array([mean]), width), width, zero)


def test_the_edge_follows_the_mean_towards_zero() -> None:
    table, means = Table(), np.arange(-128, 128)
    for width in (1, 7, 80):
        exact = table.centre + means * width / MEAN_UNIT
        edge = table.edge(means, np.full(256, width))
        assert (edge == table.centre + np.trunc(means * width / MEAN_UNIT)).all()
        assert np.abs(edge - exact).max() < 1


def test_whatever_the_network_says_some_value_can_be_coded() -> None:
    table = Table()
    mean, width = np.meshgrid(np.arange(-128, 128), np.arange(1, LARGEST_WIDTH + 1))
    edge = table.edge(mean, width)
    for wanted in (-127, 127):
        value = table.clamp(edge, width, np.full(edge.shape, wanted))
        assert (table.frequencies(edge, width, value)[1] > 0).all()


def test_table_near_an_edge_is_refused() -> None:
    with pytest.raises(CodingError):
        _ = Table(scale=16342.0).cdf
