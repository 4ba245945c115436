"""What the pyramid can be told, and how the two models share `settings_from`."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import Any

import pytest

from imcodec import MlpSettings, PyramidSettings, UsageError, settings_from
from imcodec.pyramid.settings import NETWORKS, STEPS, lambda_of


@pytest.mark.parametrize(
    ("quality", "price"), [(100, 1e-4), (75, 4e-4), (50, 1.6e-3), (25, 6.3e-3), (0, 2.5e-2)]
)
def test_quality_is_the_price_of_a_bit(quality: float, price: float) -> None:
    """The figures that the documentation gives."""
    assert lambda_of(quality) == pytest.approx(price, rel=0.02)
    assert lambda_of(quality) == pytest.approx(4 * lambda_of(quality + 25), rel=0.02)


def test_each_effort_takes_about_twice_as_long() -> None:
    assert list(STEPS) == list(range(1, 10))
    assert all(1.5 < more / less < 2.5 for less, more in pairwise(STEPS.values()))
    assert PyramidSettings(effort=3).chosen_steps == STEPS[3]
    assert PyramidSettings(effort=3, steps=7).chosen_steps == 7


def test_the_defaults() -> None:
    made = settings_from()
    assert made == PyramidSettings()
    assert (made.quality, made.effort, made.network, made.prior) == (75, 5, "auto", True)
    assert settings_from(quality=None, model=None, bits=None) == made


@pytest.mark.parametrize(
    "wrong",
    [
        {"quality": -0.1},
        {"quality": 100.1},
        {"quality": math.nan},
        {"quality": "high"},
        {"quality": True},
        {"lmbda": 0},
        {"lmbda": 1e-7},
        {"lmbda": 1.1},
        {"lmbda": math.inf},
        {"effort": 0},
        {"effort": 10},
        {"effort": 5.0},
        {"steps": 0},
        {"steps": 10**6 + 1},
        {"steps": 2.5},
        {"time_limit": -1},
        {"time_limit": math.inf},
        {"time_limit": math.nan},
        {"network": "enormous"},
        {"network": ""},
        {"prior": 1},
        {"prior": "no"},
        {"seed": -1},
        {"threads": 1025},
        {"device": ""},
        {"model": "grid"},
        {"model": "Pyramid"},
        {"wavelets": 3},
    ],
)
def test_nonsense_is_refused_in_one_line(wrong: dict[str, Any]) -> None:
    with pytest.raises(UsageError) as caught:
        settings_from(**wrong)
    assert "\n" not in str(caught.value)
    (name,) = wrong
    assert name in str(caught.value)


@pytest.mark.parametrize(
    "edge",
    [
        {"quality": 0},
        {"quality": 100},
        {"quality": 33.3},
        {"lmbda": 1},
        {"lmbda": 1e-6},
        {"effort": 1},
        {"effort": 9},
        {"steps": 1},
        {"time_limit": 0},
        {"time_limit": 0.5},
        {"prior": False},
        *({"network": name} for name in ("auto", *NETWORKS)),
    ],
)
def test_the_ends_of_the_ranges(edge: dict[str, Any]) -> None:
    made = settings_from(**edge)
    assert isinstance(made, PyramidSettings)
    ((name, value),) = edge.items()
    assert getattr(made, name) == value


@pytest.mark.parametrize(
    ("given", "kind"),
    [
        ({}, PyramidSettings),
        ({"quality": 50}, PyramidSettings),
        ({"device": "cpu", "seed": 3, "threads": 2}, PyramidSettings),
        ({"model": "pyramid"}, PyramidSettings),
        ({"model": "mlp"}, MlpSettings),
        ({"model": "mlp", "seed": 3}, MlpSettings),
        ({"bits": 4}, MlpSettings),
        ({"recipe": "article-1"}, MlpSettings),
        ({"layers": 2}, MlpSettings),
        ({"width": 9}, MlpSettings),
        ({"activation": "relu"}, MlpSettings),
        ({"epochs": 2, "seed": 4}, MlpSettings),
        ({"finetune": 0}, MlpSettings),
    ],
)
def test_which_settings_make_which_model(given: dict[str, Any], kind: type) -> None:
    made = settings_from(**given)
    assert type(made) is kind
    for name in ("seed", "threads", "device"):
        assert getattr(made, name) == given.get(name, getattr(kind(), name))


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"quality": 50, "epochs": 3}, "'quality' belongs to the pyramid model, not to the mlp"),
        ({"model": "mlp", "steps": 9}, "'steps' belongs to the pyramid model, not to the mlp"),
        ({"model": "pyramid", "bits": 4}, "'bits' belongs to the mlp model, not to the pyramid"),
        ({"model": "pyramid", "recipe": "article-1"}, "'recipe' belongs to the mlp model"),
        ({"model": "pyramid", "colour": 1}, "setting 'colour' is unknown; choose from"),
        ({"model": "cnn"}, "model 'cnn' is unknown; choose one of pyramid, mlp"),
    ],
)
def test_errors_name_the_other_model(given: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        settings_from(**given)
