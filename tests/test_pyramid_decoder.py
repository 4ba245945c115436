from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
import onnxruntime as ort
import pytest

from imcodec import LimitError, UsageError, decode, evaluate
from imcodec.container import open_container
from imcodec.decoder import Renderer
from imcodec.grid import view
from imcodec.pyramid import cut, drawer, latent_decoder, raster
from imcodec.pyramid.file import picture_of
from imcodec.pyramid.geometry import Geometry
from pyramids import made_pyramid, made_pyramid_file, pixel_grid

#: several chunks, and planes that are larger than the picture both ways
WIDTH, HEIGHT = 301, 207
DATA = made_pyramid_file(WIDTH, HEIGHT)


@pytest.fixture(scope="module")
def whole() -> np.ndarray:
    return decode(DATA, threads=1)


def test_shape_and_type(whole: np.ndarray) -> None:
    assert whole.shape == (HEIGHT, WIDTH, 3)
    assert whole.dtype == np.uint8
    assert whole.std() > 5


@pytest.mark.parametrize(
    ("width", "height", "channels", "pitch"),
    [(1, 1, 1, 1), (1, 300, 2, 1), (300, 1, 3, 1), (13, 50, 4, 1), (96, 64, 3, 2)],
)
def test_bare_onnxruntime_gives_the_same_picture(
    width: int, height: int, channels: int, pitch: int
) -> None:
    data = made_pyramid_file(width, height, channels, pitch=pitch)
    (rgb,) = ort.InferenceSession(data).run(None, {"grid": pixel_grid(height, width)})
    pixels = decode(data)
    assert pixels.shape == rgb[0].shape == (height, width, channels)
    assert np.abs(rgb[0].astype(int) - pixels).max() <= 1
    assert (rgb != pixels).mean() < 0.001


def test_several_chunks_are_one_picture(whole: np.ndarray) -> None:
    (rgb,) = ort.InferenceSession(DATA).run(None, {"grid": pixel_grid(HEIGHT, WIDTH)})
    assert np.abs(rgb[0].astype(int) - whole).max() <= 1


def test_pixels_do_not_depend_on_threads(whole: np.ndarray) -> None:
    for threads in (2, 3, 0):
        assert np.array_equal(decode(DATA, threads=threads), whole)


@pytest.mark.parametrize(
    "crop", [(0, 0, 301, 207), (17, 33, 100, 1), (300, 206, 1, 1), (5, 5, 99, 150)]
)
def test_a_crop_is_the_same_region_of_the_whole(crop, whole: np.ndarray) -> None:  # type: ignore[no-untyped-def]
    x, y, width, height = crop
    assert np.array_equal(decode(DATA, crop=crop), whole[y : y + height, x : x + width])


def test_scale_and_size_agree(whole: np.ndarray) -> None:
    assert np.array_equal(decode(DATA, scale=0.5), decode(DATA, size=(150, 104)))
    large = decode(DATA, scale=3)
    assert large.shape == (3 * HEIGHT, 3 * WIDTH, 3)
    # the middle one of three by three points is the pixel itself
    assert np.abs(large[1::3, 1::3].astype(int) - whole).max() <= 1


def test_between_pixels_colours_lie_between() -> None:
    """Bilinear planes: without rectified units, a point between two pixels is their mean."""
    header, stored, _ = made_pyramid(48, 32, units=2)
    stored.synthesis[header.levels] = -127
    stored.synthesis[: header.levels] //= 8
    stored.synthesis[header.levels + 1 :] = 64
    from imcodec.pyramid.file import build

    data = build(header, stored)
    grid = pixel_grid(32, 48)[0]
    middle = evaluate(data, (grid[:, 1:] + grid[:, :-1]) / 2).astype(float)
    left, right = (decode(data).astype(float)[:, part] for part in (slice(47), slice(1, 48)))
    assert np.abs(middle - (left + right) / 2).max() <= 1


def test_evaluate_follows_the_grid(whole: np.ndarray) -> None:
    seen = view((WIDTH, HEIGHT))
    grid = seen.coordinates(0, seen.pixels).reshape(HEIGHT, WIDTH, 2)
    assert np.array_equal(evaluate(DATA, grid), whole)
    assert np.array_equal(evaluate(DATA, np.rot90(grid)), np.rot90(whole))
    assert evaluate(DATA, np.zeros((3, 1, 4, 2))).shape == (3, 1, 4, 3)
    assert evaluate(DATA, np.zeros((0, 2))).shape == (0, 3)
    corner = evaluate(DATA, np.array([[-1, -1], [-9, -9]]))
    assert np.abs(corner.astype(int) - whole[0, 0]).max() <= 60  # edges are repeated


def test_limits() -> None:
    """All latents are decoded, however little is looked at."""
    for seen in ({"crop": (0, 0, 5, 5)}, {"scale": 0.01}, {"size": (2, 2)}):
        with pytest.raises(LimitError, match="decoded whole"):
            decode(DATA, max_pixels=WIDTH * HEIGHT - 1, **seen)  # type: ignore[arg-type]
    assert decode(DATA, crop=(0, 0, 5, 5), max_pixels=0).shape == (5, 5, 3)
    with pytest.raises(LimitError):
        evaluate(DATA, np.zeros((1, 2)), max_pixels=1000)
    with pytest.raises(UsageError):
        decode(DATA, threads=-1)


def test_nothing_is_decoded_above_the_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(ort, "InferenceSession")
    with pytest.raises(LimitError):
        decode(DATA, max_pixels=1000)


def test_timings_are_filled_in() -> None:
    timings: dict[str, float] = {}
    decode(DATA, timings=timings)
    assert list(timings) == ["verify", "session", "latents", "run"]
    assert min(timings.values()) > 0


def test_latents_are_decoded_once() -> None:
    renderer = Renderer.of(open_container(DATA))
    seen = view((WIDTH, HEIGHT), crop=(3, 4, 20, 10))
    first = renderer.picture(seen)
    assert np.array_equal(renderer.picture(seen, threads=2), first)
    assert renderer.prepare()


def test_chunks_of_a_fixed_size_agree_exactly() -> None:
    """The second half alone: the same points among others give the same colours."""
    header, stored, _ = made_pyramid(70, 50)
    options = ort.SessionOptions()
    options.intra_op_num_threads = 1
    session = ort.InferenceSession(cut.build_synthesis(picture_of(header, stored)), options)
    random = np.random.default_rng(0)
    points = random.normal(0, 2, (4096, header.levels)).astype(np.float32)

    def colours(chosen: np.ndarray) -> np.ndarray:
        features = np.zeros((header.levels, 512), np.float32)
        features[:, : len(chosen)] = chosen.T
        return np.asarray(session.run(None, {"features": features})[0][: len(chosen)])

    reference = np.concatenate([colours(part) for part in np.split(points, 8)])
    cuts = [0, 3, 501, 900, 1411, 1900, 2400, 2911, 3333, 3700, 4096]
    other = np.concatenate([colours(points[a:b]) for a, b in pairwise(cuts)])
    assert np.array_equal(reference, other)


VIEWS: list[dict[str, Any]] = [
    {},
    {"crop": (17, 33, 100, 1)},
    {"crop": (250, 150, 51, 57)},
    {"scale": 0.3},
    {"scale": 1.4},
    {"size": (1000, 20)},
    {"crop": (20, 40, 30, 150), "scale": 5},
]


@pytest.mark.parametrize("view", VIEWS, ids=str)
@pytest.mark.parametrize(("band", "points"), [(1, 1), (5000, 700), (30_000, 10**6)])
@pytest.mark.parametrize("pitch", [1, 2])
def test_a_plane_that_is_drawn_while_it_is_decoded(
    view: dict[str, Any], band: int, points: int, pitch: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same pixels as from the whole plane, whatever comes at a time."""
    data = made_pyramid_file(WIDTH, HEIGHT, pitch=pitch)
    expected = decode(data, **view)
    monkeypatch.setattr(drawer, "KEPT", 0)
    monkeypatch.setattr(latent_decoder, "BAND", band)
    monkeypatch.setattr(raster, "POINTS", points)
    for threads in (1, 3):
        assert np.array_equal(decode(data, threads=threads, **view), expected)


@pytest.mark.parametrize(("band", "points"), [(1, 1), (5000, 700)])
def test_points_of_a_plane_that_is_being_decoded(
    band: int, points: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    grid = np.random.default_rng(0).uniform(-1.1, 1.1, (500, 2))
    expected = evaluate(DATA, grid)
    monkeypatch.setattr(drawer, "KEPT", 0)
    monkeypatch.setattr(latent_decoder, "BAND", band)
    monkeypatch.setattr(raster, "POINTS", points)
    for threads in (1, 3):
        assert np.array_equal(evaluate(DATA, grid, threads=threads), expected)


def test_a_plane_can_be_drawn_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(drawer, "KEPT", 0)
    renderer = Renderer.of(open_container(DATA))
    seen = view((WIDTH, HEIGHT))
    first = renderer.picture(seen)
    assert np.array_equal(renderer.picture(seen), first)


def test_strips_of_few_rows_are_drawn_from_the_whole_plane(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    data = made_pyramid_file(geometry=Geometry.derived(64, 64, 2, 16), width=64, height=64)
    expected = decode(data)
    monkeypatch.setattr(drawer, "KEPT", 0)
    assert np.array_equal(decode(data), expected)
