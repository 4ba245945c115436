"""The fit's interpolation against dense matrices, built from what GridSample is defined to do."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from imcodec.devices import thread_limit, workers
from imcodec.pyramid.file import TABLE
from imcodec.pyramid.filters import filtered, identity
from imcodec.pyramid.geometry import Geometry, choose_geometry
from imcodec.pyramid.interpolation import RUN, Filtering, Interpolation, Stretch
from pyramids import made_pyramid, pixel_grid, reference_picture

CPU = torch.device("cpu")

GEOMETRIES = [
    pytest.param(choose_geometry(37, 53), id="37x53"),
    pytest.param(Geometry.derived(64, 96, 6, 1), id="fits exactly"),
    pytest.param(Geometry.derived(39, 50, 4, 2), id="surplus odd and even"),
    pytest.param(Geometry.derived(50, 39, 4, 1), id="surplus even and odd"),
    pytest.param(Geometry.derived(75, 91, 4, 3, 2, 2), id="pitch 2, odd"),
    pytest.param(Geometry.derived(72, 84, 3, 1, 2, 2), id="pitch 2, even"),
    pytest.param(Geometry.derived(7, 100, 3, 2, 1), id="row factor 1"),
    pytest.param(choose_geometry(1, 1), id="1x1"),
    pytest.param(choose_geometry(1, 40), id="1x40"),
    pytest.param(choose_geometry(40, 1), id="40x1"),
    pytest.param(Geometry.derived(200, 131, 6, 1), id="several runs"),
]


def dense(cells: int, pixels: int, scale: float, offset: float) -> NDArray[np.float64]:
    """[pixels, cells]: bilinear weights along one axis, border padding, align_corners=False."""
    places = (2 * np.arange(pixels) + 1) / pixels - 1
    places = ((places * scale + offset + 1) * cells - 1) / 2
    places = np.clip(places, 0, cells - 1)
    left = np.minimum(np.floor(places).astype(int), max(cells - 2, 0))
    matrix = np.zeros((pixels, cells))
    rows = np.arange(pixels)
    matrix[rows, left] += 1 - (places - left)
    matrix[rows, np.minimum(left + 1, cells - 1)] += places - left
    return matrix


def matrices(geometry: Geometry, level: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """(rows, columns): a plane P becomes rows @ P @ columns.T."""
    height, width = geometry.plane(level)
    (scale_x, scale_y), (offset_x, offset_y) = geometry.affine()
    return (
        dense(height, geometry.height, float(scale_y), float(offset_y)),
        dense(width, geometry.width, float(scale_x), float(offset_x)),
    )


def random(*shape: int) -> torch.Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize("geometry", GEOMETRIES)
def test_forward_and_adjoint_are_grid_sample(geometry: Geometry) -> None:
    for level in range(1, geometry.levels + 1):
        rows, columns = (torch.from_numpy(m).float() for m in matrices(geometry, level))
        at = Interpolation(geometry, level, torch.device("cpu"))
        plane = random(*geometry.plane(level))
        grad = random(geometry.height, geometry.width)
        torch.testing.assert_close(at.forward(plane), rows @ plane @ columns.T)
        torch.testing.assert_close(at.adjoint(grad), rows.T @ grad @ columns, atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("geometry", GEOMETRIES)
def test_the_adjoint_is_the_transpose(geometry: Geometry) -> None:
    for level in range(1, geometry.levels + 1):
        at = Interpolation(geometry, level, torch.device("cpu"))
        plane, grad = random(*geometry.plane(level)), random(geometry.height, geometry.width)
        one = (at.forward(plane) * grad).double().sum()
        other = (plane * at.adjoint(grad)).double().sum()
        assert float(one) == pytest.approx(float(other), rel=1e-4, abs=1e-3)


@pytest.mark.parametrize("geometry", GEOMETRIES)
def test_arguments_are_left_alone(geometry: Geometry) -> None:
    """The fit hands out views of its own tensors."""
    at = Interpolation(geometry, 1, torch.device("cpu"))
    plane, grad = random(*geometry.plane(1)), random(geometry.height, geometry.width)
    before = plane.clone(), grad.clone()
    at.forward(plane), at.adjoint(grad)
    assert torch.equal(plane, before[0])
    assert torch.equal(grad, before[1])


def test_the_cases_cover_every_kind_of_surplus() -> None:
    geometries = [parameter.values[0] for parameter in GEOMETRIES]
    offsets = {tuple(offset != 0 for offset in g.affine()[1]) for g in geometries}  # type: ignore[attr-defined]
    assert offsets >= {(False, True), (True, False), (False, False)}
    stretches = [
        stretch
        for g in geometries
        for at in [Interpolation(g, g.levels // 2 + 1, torch.device("cpu"))]  # type: ignore[attr-defined]
        for stretch in (at.down, at.across)
    ]
    assert any(s.runs > 1 and s.surplus for s in stretches)


@pytest.mark.parametrize("factor", [1, 2, 3, 6, 8, 32, 64, 128])
@pytest.mark.parametrize("cells", [1, 2, 5, RUN, RUN + 1])
def test_one_axis(cells: int, factor: int) -> None:
    stretch = Stretch(cells, factor, torch.device("cpu"))
    matrix = torch.from_numpy(dense(cells, cells * factor, 1, 0)).float()
    torch.testing.assert_close(stretch.forward(torch.eye(cells)).T, matrix)
    torch.testing.assert_close(stretch.adjoint(torch.eye(cells * factor)), matrix)


@pytest.mark.parametrize(
    ("height", "width", "pitch"), [(37, 53, 1), (50, 39, 1), (75, 91, 2), (7, 60, 1)]
)
def test_the_decoders_reference_sees_the_same(height: int, width: int, pitch: int) -> None:
    """A synthesis that shows one level as it is, on middle grey."""
    header, stored, planes = made_pyramid(width, height, 1, units=2, pitch=pitch)
    stored.filters[:] = identity(header.levels)
    slope = TABLE.step / 64 * 63 * 33  # 63 and 33 are its weights
    for level in range(1, header.levels + 1):
        stored.synthesis[:] = 0
        stored.synthesis[level - 1, 0] = 63
        stored.synthesis[header.levels, :, 0, 0] = -127, 127
        stored.synthesis[header.levels + 1, :, 0, 0] = 33, 64
        shown = reference_picture(header, stored, planes, pixel_grid(height, width))[..., 0]
        at = Interpolation(header.geometry, level, torch.device("cpu"))
        value = at.forward(torch.from_numpy(planes[level - 1]).float()).numpy()
        # rectified: nothing shows below the threshold
        colours = np.maximum(value * slope, -127 / 64 * 33) + 127
        assert np.abs(np.clip(colours, 0, 255) - shown).max() < 0.51


@pytest.mark.parametrize("size", [(1, 1), (1, 9), (7, 1), (12, 17)])
def test_filtering_is_a_convolution(size: tuple[int, int]) -> None:
    generator = np.random.default_rng(3)
    plane = generator.integers(-127, 128, size).astype(np.int8)
    weights = generator.integers(-127, 128, (3, 3)).astype(np.int8)
    latents = torch.from_numpy(plane).float().requires_grad_()
    own = (torch.from_numpy(weights).float() / 64).requires_grad_()
    expected = torch.nn.functional.conv2d(latents[None, None], own[None, None], padding=1)[0, 0]
    at = Filtering(latents.detach(), own.detach())
    assert torch.equal(at.forward(), expected)
    assert np.array_equal(filtered(plane, weights), expected.detach().numpy())
    grad = torch.randn(size, generator=torch.Generator().manual_seed(0))
    expected.backward(grad)
    assert latents.grad is not None
    assert own.grad is not None
    by_plane, by_weights = at.adjoint(grad)
    torch.testing.assert_close(by_plane, latents.grad)
    torch.testing.assert_close(by_weights, own.grad, rtol=1e-5, atol=1e-3)


def test_an_identity_changes_nothing() -> None:
    plane = np.arange(-6, 6).astype(np.int8).reshape(3, 4)
    assert np.array_equal(filtered(plane, identity(2)[1]), plane)


def test_a_pools_threads_round_as_the_caller_does() -> None:
    # in 200x300 the matrix library shares a product's sums out among threads, if it may
    geometry = choose_geometry(200, 300)
    random = torch.Generator().manual_seed(0)
    with thread_limit(1):
        for level, interpolation in enumerate(Interpolation.of_levels(geometry, CPU), 1):
            plane = torch.randn(geometry.plane(level), generator=random)
            # a thread that has not yet multiplied anything
            with workers(1, CPU) as pool:
                there = pool.submit(interpolation.forward, plane).result()
            assert torch.equal(there, interpolation.forward(plane))
