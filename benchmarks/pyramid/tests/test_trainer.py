"""The trainer's arithmetic against the integer network, and its files against onnxruntime."""

import numpy as np
import pytest
import torch
from context_int import encode_latents, network, part_of, walk
from encode_picture import encode_fitted, shrink
from fit_pyramid import Fit, Settings
from geometry import Geometry
from pyramid import ContextNetwork, Pyramid, code_length, distribution, draw
from reference import pixel_grid, sample
from tables import Table

GEOMETRIES = [
    Geometry(64, 64, 5, 2, 1, 2),
    Geometry(48, 96, 3, 3, 2, 12),
    Geometry(45, 90, 3, 1, 6, 12),
    Geometry(20, 24, 2, 1, 5, 6),
]


def random_network(layers: int, seed: int) -> ContextNetwork:
    """Weights and biases large enough that every clip is met."""
    made = ContextNetwork(8, layers, seed=seed)
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for parameter in made.parameters():
            parameter += 0.3 * torch.randn(parameter.shape, generator=generator)
    return made


def planes_of(geometry: Geometry, spread: float, seed: int) -> list[np.ndarray]:
    random = np.random.default_rng(seed)
    sizes = [geometry.plane(level) for level in range(1, geometry.levels + 1)]
    return [np.clip(np.rint(random.laplace(0, spread, s)), -127, 127).astype(int) for s in sizes]


def tensors(planes: list[np.ndarray]) -> list[torch.Tensor]:
    return [torch.from_numpy(plane).float() for plane in planes]


@torch.no_grad()
def parameters_of(made: ContextNetwork, geometry: Geometry, planes: list[np.ndarray]):
    columns, values = Pyramid(geometry).contexts(tensors(planes))
    return distribution(columns, made.layers(), True), values


def walked(made: ContextNetwork, geometry: Geometry, planes: list[np.ndarray]):
    """(edge, width) of `context_int`, clipped as the graph clips, in the trainer's order."""
    context = made.context()
    found = [[], []]
    parts = {}

    def code(edge, width, where):
        level, row, phase = where
        parts[where] = np.stack([edge, width])
        return part_of(geometry, "halfrow", planes[level - 1], row, phase)

    walk(context, geometry, code)
    for level in range(1, geometry.levels + 1):
        for phase in range(2):
            rows = [parts[level, row, phase] for row in range(geometry.rows(level))]
            found[phase].append(np.stack(rows, 2).reshape(2, -1))  # [2, strips, rows, columns]
    return np.stack([np.concatenate(phase, 1) for phase in found])


@pytest.mark.parametrize("geometry", GEOMETRIES)
@pytest.mark.parametrize("layers", [2, 3])
@pytest.mark.parametrize("spread", [0.3, 2.0, 40.0])
def test_network_is_the_integer_network(geometry, layers, spread) -> None:
    made = random_network(layers, seed=layers)
    planes = planes_of(geometry, spread, seed=1)
    ours, _ = parameters_of(made, geometry, planes)
    assert np.array_equal(ours.clamp(-128, 127).numpy(), walked(made, geometry, planes))


@pytest.mark.parametrize("width", [1, 9, 53])
def test_code_length_is_the_table(width) -> None:
    table = Table()
    value = np.arange(-20, 20)
    edge = np.full_like(value, table.centre - width // 2)
    count = table.frequencies(edge, np.full_like(value, width), value)[1]
    both = torch.tensor(np.stack([edge, np.full_like(value, width)]))[None].float()
    nats = code_length(both, torch.tensor(value).float(), table)[0][0].numpy()
    common = count > 8
    exact = -np.log(count[common] / table.total)
    assert common.any()
    assert np.abs(nats[common] - exact).max() < 0.1
    assert (np.diff(nats[value >= 1]) > 0).all()  # tails never flat


@pytest.fixture(scope="module", params=[(64, 64, 3), (37, 53, 2)])
def fitted(request):
    height, width, layers = request.param
    y, x = np.mgrid[:height, :width]
    random = np.random.default_rng(0)
    colours = [128 + 90 * np.sin(x / 9), 2 * y + 20, 255 * (x + y > 70)]
    pixels = np.stack(colours, -1) + random.normal(0, 8, (height, width, 3))
    pixels = np.clip(pixels, 0, 255).astype(np.uint8)
    levels = 5 if height == 64 else 4
    strips, base = (2, (1, 2)) if height == 64 else (1, (3, 4))
    geometry = Geometry(height, width, levels, strips, *base)
    fit = Fit(pixels, geometry, Settings(steps=60, layers=layers))
    return fit, fit.run(), pixels


def test_trained_network_is_the_integer_network(fitted) -> None:
    fit, result, _ = fitted
    _, planes = encode_latents(result.context, fit.geometry, Table(), result.planes)
    ours, _ = parameters_of(fit.network, fit.geometry, planes)
    assert np.array_equal(ours.clamp(-128, 127).numpy(), walked(fit.network, fit.geometry, planes))


def test_file_decodes_to_the_fit(fitted) -> None:
    fit, result, pixels = fitted
    encoded = encode_fitted(pixels, fit.geometry, result, fit.settings.lmbda)  # compares latents
    assert encoded.shrunk == 1
    assert result.outside == 0
    # values out of the table's reach cost no more bits than their tails said
    assert encoded.bpp == pytest.approx(result.bpp, rel=0.05)
    assert encoded.cost == pytest.approx(result.cost, rel=0.05 if any(encoded.clamped) else 0.02)


@torch.no_grad()
def test_synthesis_is_the_graphs(fitted) -> None:
    fit, result, pixels = fitted
    _, planes = encode_latents(result.context, fit.geometry, Table(), result.planes)
    shown = encode_fitted(pixels, fit.geometry, result, 1e-3).pixels.astype(int)
    array = torch.from_numpy(result.synthesis[:, :, 0, 0]).float()
    levels = fit.geometry.levels
    weights = (array[:levels].T, array[levels][:, None], array[levels + 1 :])
    colours = draw(fit.pyramid.features(tensors(planes)), weights, Table())
    ours = colours.round().clamp(0, 255).T.reshape(shown.shape).numpy()
    assert np.abs(ours - shown).max() <= 1


@pytest.mark.parametrize("geometry", GEOMETRIES)
def test_features_are_grid_sample(geometry) -> None:
    planes = planes_of(geometry, 3.0, seed=2)
    found = Pyramid(geometry).features(tensors(planes)).numpy()
    (scale, offset) = (np.array([float(v) for v in pair]) for pair in geometry.affine())
    grid = pixel_grid(geometry.height, geometry.width)[0].astype(float) * scale + offset
    for plane, ours in zip(planes, found, strict=True):
        assert np.abs(sample(plane, grid).reshape(-1) - ours).max() < 1e-4


def test_shrunk_widths_end_constant() -> None:
    made = random_network(3, seed=5)
    context = shrink(made.context(), 0.0)
    known = np.random.default_rng(0).integers(-50, 50, (4, 2, 9)).astype(np.float32)
    for phase in range(2):
        width = network(context, phase, known)[1]
        assert (width == width.flat[0]).all()
        assert 1 <= width.flat[0] <= 53
