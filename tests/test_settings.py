from __future__ import annotations

import math

import pytest

from imcodec import RECIPES, UsageError, settings_from
from imcodec.mlp_settings import MAX_CHOSEN_WIDTH, MIN_WIDTH, STEPS, MlpSettings, chosen_width


def test_the_article_recipes_are_the_articles() -> None:
    shared = {
        "features": "raw",
        "loss": "mse",
        "optimiser": "adam",
        "batch": 128,
        "lr": 1e-3,
        "schedule": "constant",
    }
    for name in RECIPES:
        made = settings_from(recipe=name)
        assert {key: getattr(made, key) for key in shared} == shared
    one, two, three = (settings_from(recipe=f"article-{n}") for n in (1, 2, 3))
    assert (one.widths, one.output_activation, one.epochs) == ((), "sigmoid", 20)
    assert (two.widths, two.activations, two.epochs) == ((10, 10), ("sigmoid",) * 2, 20)
    assert three.widths == (100,) * 5
    assert three.activations == ("tanh", "relu", "relu", "relu", "relu")
    assert (three.output_activation, three.epochs) == ("relu1", 100)


def test_a_recipe_can_be_changed() -> None:
    made = settings_from(recipe="article-3", epochs=3, activation="gelu")
    assert made.epochs == 3
    assert made.activations == ("gelu",) * 5
    assert made.widths == (100,) * 5


@pytest.mark.parametrize(
    ("short", "widths", "activations"),
    [
        ({"layers": 3, "width": 20}, (20, 20, 20), ("sine",) * 3),
        ({"width": (9, 8)}, (9, 8), ("sine",) * 2),
        ({"width": 9, "activation": ("relu", "tanh")}, (9, 9), ("relu", "tanh")),
        ({"layers": 0}, (), ()),
        ({"layers": 0, "width": 5}, (), ()),
        ({"layers": 5}, None, ("sine",) * 5),
        ({"activation": "relu"}, None, ("relu",) * len(MlpSettings().activations)),
    ],
)
def test_the_short_way(short: dict, widths: tuple, activations: tuple) -> None:
    made = settings_from(**short)
    assert made.widths == widths
    assert made.activations == activations


@pytest.mark.parametrize(
    "wrong",
    [
        {"recipe": "article-4"},
        {"epochs": 0},
        {"epochs": 1.5},
        {"epochs": True},
        {"batch": 0},
        {"bits": 1.9},
        {"bits": 8.1},
        {"bits": math.nan},
        {"lr": 0},
        {"lr": math.inf},
        {"loss": "psnr"},
        {"activation": "swish"},
        {"output_activation": "softmax"},
        {"features": "polar"},
        {"optimiser": "sgd"},
        {"schedule": "step"},
        {"model": "cnn"},
        {"width": 0},
        {"width": 4097},
        {"layers": 65},
        {"layers": -1},
        {"layers": 2, "width": (1, 2, 3)},
        {"widths": (3,), "activations": ()},
        {"widths": (3,), "width": 3},
        {"frequencies": 0},
        {"seed": -1},
        {"threads": -1},
        {"device": ""},
        {"colour": "blue"},
    ],
)
def test_nonsense_is_refused_in_one_line(wrong: dict) -> None:
    with pytest.raises(UsageError) as caught:
        settings_from(**wrong)
    assert "\n" not in str(caught.value)


def test_choices_that_depend_on_the_picture() -> None:
    assert chosen_width(1) == MIN_WIDTH
    assert chosen_width(10**9) == MAX_CHOSEN_WIDTH
    widths = [chosen_width(pixels) for pixels in (1000, 10_000, 100_000, 400_000, 10**7)]
    assert widths == sorted(widths)
    small, large = MlpSettings().resolved(10, 10), MlpSettings().resolved(4000, 3000)
    assert small.epochs == STEPS
    assert large.epochs * math.ceil(12e6 / MlpSettings().batch) == pytest.approx(STEPS, rel=0.4)
    assert settings_from(epochs=7, finetune=0).resolved(9, 9).finetune == 0
    assert settings_from(width=5).resolved(9, 9).widths == (5,) * len(MlpSettings().activations)
