from __future__ import annotations

import numpy as np
import onnxruntime as ort
import pytest

from imcodec import LimitError, UsageError, decode, evaluate
from imcodec.container import open_container
from imcodec.grid import view
from imcodec.mlp_drawer import MlpDrawer
from imcodec.mlp_file import MlpFile
from pictures import made_file

#: several chunks, and sines, whose vector and scalar kernels differ in the last bit
DATA = made_file(width=301, height=207, widths=(24, 24), activations=("sine", "sine"))


@pytest.fixture(scope="module")
def whole() -> np.ndarray:
    return decode(DATA, threads=1)


def test_shape_and_type(whole: np.ndarray) -> None:
    assert whole.shape == (207, 301, 3)
    assert whole.dtype == np.uint8
    assert whole.std() > 5


@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_channels(channels: int) -> None:
    assert decode(made_file(channels=channels)).shape == (53, 37, channels)


def test_bare_onnxruntime_gives_the_same_picture(whole: np.ndarray) -> None:
    x = (2 * np.arange(301) + 1) / 301 - 1
    y = (2 * np.arange(207) + 1) / 207 - 1
    grid = np.stack(np.meshgrid(x, y), -1)[None].astype(np.float32)
    rgb = ort.InferenceSession(DATA).run(None, {"grid": grid})[0][0]
    assert np.abs(rgb.astype(int) - whole).max() <= 1
    assert (rgb != whole).mean() < 0.001


def test_pixels_do_not_depend_on_threads(whole: np.ndarray) -> None:
    for threads in (2, 3, 0):
        assert np.array_equal(decode(DATA, threads=threads), whole)


@pytest.mark.parametrize(
    "crop", [(0, 0, 301, 207), (17, 33, 100, 1), (300, 206, 1, 1), (5, 5, 99, 150)]
)
def test_a_crop_is_the_same_region_of_the_whole(crop, whole: np.ndarray) -> None:  # type: ignore[no-untyped-def]
    x, y, width, height = crop
    assert np.array_equal(decode(DATA, crop=crop), whole[y : y + height, x : x + width])


def test_a_scaled_crop_is_a_crop_of_the_scaled() -> None:
    large = decode(DATA, scale=2)
    assert large.shape == (414, 602, 3)
    cut = decode(DATA, crop=(20, 30, 40, 50), scale=2)
    assert np.abs(cut.astype(int) - large[60:160, 40:120]).max() <= 1


def test_scale_and_size_agree() -> None:
    assert np.array_equal(decode(DATA, scale=0.5), decode(DATA, size=(150, 104)))


def test_evaluate_follows_the_grid(whole: np.ndarray) -> None:
    seen = view((301, 207))
    grid = seen.coordinates(0, seen.pixels).reshape(207, 301, 2)
    assert np.array_equal(evaluate(DATA, grid), whole)
    turned = np.rot90(grid)
    assert np.array_equal(evaluate(DATA, turned), np.rot90(whole))
    assert evaluate(DATA, np.zeros((3, 1, 4, 2))).shape == (3, 1, 4, 3)
    assert evaluate(DATA, np.zeros((0, 2))).shape == (0, 3)
    assert evaluate(DATA, np.array([5, -7])).shape == (3,)


@pytest.mark.parametrize(
    "grid", [np.zeros((3, 3)), np.array(1.0), np.full((1, 2), np.nan), np.array(["a", "b"])]
)
def test_evaluate_refuses_other_grids(grid: np.ndarray) -> None:
    with pytest.raises(UsageError):
        evaluate(DATA, grid)


def test_limits_and_nonsense() -> None:
    with pytest.raises(LimitError):
        decode(DATA, max_pixels=1000)
    with pytest.raises(UsageError):
        decode(DATA, crop=(0, 0, 302, 1))
    with pytest.raises(UsageError):
        decode(DATA, threads=-1)


def test_timings_are_filled_in() -> None:
    timings: dict[str, float] = {}
    decode(DATA, timings=timings)
    assert set(timings) == {"verify", "session", "run"}
    assert min(timings.values()) > 0


def test_wide_layers_get_small_chunks() -> None:
    drawers = []
    for width in (4, 2000):
        container = open_container(made_file(widths=(width,), activations=("relu",)))
        assert isinstance(container.contents, MlpFile)
        drawers.append(MlpDrawer(container.contents, container.data))
    assert [drawer.chunk for drawer in drawers] == [2**14, 2**8]
