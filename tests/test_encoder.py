from __future__ import annotations

import numpy as np
import onnxruntime as ort
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from imcodec import UsageError, decode, encode, encode_picture, settings_from, verify
from imcodec.metrics import psnr
from imcodec.progress import Progress
from pictures import scene

#: seconds matter: a small network, a few hundred steps
QUICK = {"layers": 1, "width": 16, "epochs": 60, "batch": 512, "threads": 1}


def bare_decode(data: bytes, width: int, height: int) -> np.ndarray:
    """What a stranger with onnxruntime and NumPy sees."""
    x = (2 * np.arange(width) + 1) / width - 1
    y = (2 * np.arange(height) + 1) / height - 1
    grid = np.stack(np.meshgrid(x, y), -1)[None].astype(np.float32)
    return ort.InferenceSession(data).run(None, {"grid": grid})[0][0]


def test_a_picture_comes_back() -> None:
    pixels = scene(48, 36)
    encoding = encode_picture(pixels, settings_from(**QUICK))
    decoded = decode(encoding.data)
    assert decoded.shape == pixels.shape
    assert encoding.psnr == psnr(pixels, decoded)
    assert encoding.psnr > 22
    assert encoding.info == verify(encoding.data)
    assert encoding.info.psnr == pytest.approx(encoding.psnr, abs=0.01)
    assert encoding.info.psnr <= encoding.psnr
    assert encoding.psnr_before_rounding - encoding.psnr < 2
    assert np.abs(bare_decode(encoding.data, 48, 36).astype(int) - decoded).max() <= 1


def test_same_seed_same_bytes() -> None:
    pixels = scene(20, 20)
    quick = QUICK | {"epochs": 3}
    one, two = encode(pixels, **quick), encode(pixels, **quick)
    assert one == two
    assert encode(pixels, **quick, seed=1) != one


@pytest.mark.parametrize("channels", [1, 2, 3, 4])
@pytest.mark.parametrize("size", [(1, 1), (1, 40), (37, 5)])
def test_sizes_and_channels(size: tuple[int, int], channels: int) -> None:
    pixels = scene(*size, channels)
    data = encode(pixels, **QUICK | {"epochs": 2})
    assert decode(data).shape == pixels.shape


def test_the_default_fits_a_single_pixel() -> None:
    pixels = np.array([[[200, 100, 50]]], np.uint8)
    assert np.abs(decode(encode(pixels, epochs=200)).astype(int) - pixels).max() <= 3


@settings(max_examples=12, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.integers(1, 24),
    st.integers(1, 24),
    st.integers(1, 4),
    st.sampled_from(["raw", "normalised", "fourier"]),
    st.sampled_from(["sigmoid", "tanh", "relu", "relu1", "sine", "gelu"]),
    st.floats(2, 8),
)
def test_round_trip(
    width: int, height: int, channels: int, features: str, activation: str, bits: float
) -> None:
    pixels = scene(width, height, channels, seed=width)
    encoding = encode_picture(
        pixels,
        settings_from(
            layers=2,
            width=6,
            epochs=2,
            batch=64,
            features=features,
            frequencies=4,
            activation=activation,
            bits=bits,
        ),
    )
    assert encoding.psnr == psnr(pixels, decode(encoding.data))


@pytest.mark.parametrize("loss", ["mse", "l1", "huber", "ssim"])
@pytest.mark.parametrize("optimiser", ["adam", "adamw"])
def test_losses_and_optimisers_learn(loss: str, optimiser: str) -> None:
    pixels = scene(40, 32)
    encoding = encode_picture(pixels, settings_from(**QUICK, loss=loss, optimiser=optimiser))
    assert encoding.history[-1].loss < encoding.history[0].loss
    assert encoding.psnr > 18


def test_progress_snapshots_and_history() -> None:
    reports: list[Progress] = []
    pictures: dict[int, np.ndarray] = {}
    encoding = encode_picture(
        scene(48, 36),
        settings_from(**QUICK),
        progress=reports.append,
        snapshot=lambda epoch, pixels: pictures.update({epoch: pixels}),
    )
    assert reports[-1].phase == "verify"
    assert reports[-1].step == reports[-1].steps
    assert reports[-1].psnr == encoding.psnr
    assert all(report.remaining >= 0 for report in reports)
    assert list(pictures) == list(range(1, 61))
    assert pictures[60].shape == (36, 48, 3)
    assert [record.phase for record in encoding.history] == ["fit"] * 60 + ["quantise"] * 60
    assert encoding.device == "cpu" or torch.cuda.is_available()


def test_interruption_leaves_torch_as_it_was() -> None:
    before = torch.get_num_threads()

    def stop(_: Progress) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        encode(scene(30, 30), **QUICK, progress=stop)
    assert torch.get_num_threads() == before


def test_devices_that_are_not_there_are_an_error() -> None:
    for device in ("cuda:99", "mps" if not torch.backends.mps.is_available() else "cuda:9", "tpu"):
        with pytest.raises(UsageError, match="device"):
            encode(scene(4, 4), **QUICK, device=device)


def test_unknown_settings_are_an_error() -> None:
    with pytest.raises(UsageError, match="setting 'colour' is unknown"):
        encode(scene(4, 4), colour="blue")
    with pytest.raises(UsageError, match="setting 'quality' belongs to the pyramid model"):
        encode(scene(4, 4), **QUICK, quality=75)


def test_weights_are_stored_in_the_bits_that_were_asked_for() -> None:
    pixels = scene(16, 16)
    small = {"layers": 2, "width": 30, "epochs": 1, "features": "normalised"}
    sizes = {
        bits: verify(encode(pixels, **small, bits=bits)).bytes.weights for bits in (8, 6, 4, 2)
    }
    assert sizes[8] == 30 * 3 + 30 * 31 + 3 * 31 + 4 * 6  # a byte a weight, four a step
    assert sizes[8] > sizes[6] > sizes[4] > sizes[2]


def test_quantisation_recovers_most_of_the_loss() -> None:
    pixels = scene(48, 36)
    common = {"layers": 2, "width": 16, "epochs": 80, "batch": 512, "bits": 4.2}
    rounded = encode_picture(pixels, settings_from(**common, finetune=0))
    tuned = encode_picture(pixels, settings_from(**common, finetune=40))
    assert tuned.psnr > rounded.psnr + 1
