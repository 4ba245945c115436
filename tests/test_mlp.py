from __future__ import annotations

import numpy as np
import onnxruntime as ort
import pytest
import torch

from imcodec.graph import StoredWeights, build
from imcodec.mlp import OMEGA, CoordinateNetwork
from imcodec.mlp_settings import ACTIVATIONS
from imcodec.packing import half_range, pack
from pictures import made_header


@pytest.mark.parametrize("features", ["raw", "normalised", "fourier"])
@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_the_network_is_the_twin_of_the_graph(activation: str, features: str) -> None:
    header = made_header(
        features=features,
        frequencies=8 if features == "fourier" else 0,
        activations=(activation, activation),
        output_activation="linear" if activation == "sine" else activation,
    )
    network = CoordinateNetwork(header, seed=3)
    half = half_range(header.digits)
    with torch.no_grad():
        steps = [t.abs().max().clamp_min(1e-3) / half for t in network.tensors()]
        integers = [(t / s).round() for t, s in zip(network.tensors(), steps, strict=True)]
        values = [q * s for q, s in zip(integers, steps, strict=True)]
        grid = torch.rand(1, 9, 11, 2, generator=torch.Generator().manual_seed(0)) * 2 - 1
        expected = (network(grid.reshape(-1, 2), values) * 255).round().numpy()
    stored = StoredWeights(
        torch.stack(steps).numpy().astype("<f4").tobytes(),
        pack(torch.cat([q.flatten() for q in integers]).numpy().astype(np.int64), header.digits),
    )
    session = ort.InferenceSession(build(header, stored), providers=["CPUExecutionProvider"])
    colours = session.run(None, {"grid": grid.numpy()})[0].reshape(-1, 3)
    assert np.abs(colours.astype(int) - expected).max() <= 1


def test_raw_coordinates_count_pixels_from_one() -> None:
    network = CoordinateNetwork(made_header(features="raw", width=4, height=2))
    centres = torch.tensor([[-0.75, -0.5], [0.75, 0.5]])
    assert network._features(centres).tolist() == [[1.0, 1.0], [4.0, 2.0]]


def test_clamp_is_straight_through() -> None:
    header = made_header(widths=(), activations=(), channels=1)
    network = CoordinateNetwork(header)
    with torch.no_grad():
        network.matrices[0].zero_()
        network.biases[0].fill_(7.0)
    colour = network(torch.zeros(1, 2))
    assert colour.item() == 1.0
    colour.sum().backward()
    assert network.biases[0].grad.item() == 1.0


def test_sine_layers_start_as_siren_says() -> None:
    header = made_header(widths=(64, 64), activations=("sine", "sine"))
    tensors = CoordinateNetwork(header).tensors()
    assert tensors[0].abs().max().item() == pytest.approx(OMEGA / 2, rel=0.05)
    assert tensors[2].abs().max().item() == pytest.approx((6 / 64) ** 0.5, rel=0.05)


def test_the_seed_decides_the_start() -> None:
    header = made_header()
    one, same, other = (CoordinateNetwork(header, seed) for seed in (1, 1, 2))
    assert torch.equal(one.matrices[0], same.matrices[0])
    assert not torch.equal(one.matrices[0], other.matrices[0])
