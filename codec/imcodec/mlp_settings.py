"""Settings of the mlp model: one frozen dataclass, the named recipes, and the rules for both."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Any, Literal, get_args

from imcodec.errors import UsageError
from imcodec.ranges import in_range, one_of

Activation = Literal["sigmoid", "tanh", "relu", "relu1", "sine", "gelu", "linear"]
Features = Literal["raw", "normalised", "fourier"]
Loss = Literal["mse", "l1", "huber", "ssim"]
Optimiser = Literal["adam", "adamw"]
Schedule = Literal["constant", "cosine"]

ACTIVATIONS: tuple[str, ...] = get_args(Activation)
FEATURES: tuple[str, ...] = get_args(Features)
LOSSES: tuple[str, ...] = get_args(Loss)
OPTIMISERS: tuple[str, ...] = get_args(Optimiser)
SCHEDULES: tuple[str, ...] = get_args(Schedule)

MAX_LAYERS = 64
MAX_WIDTH = 4096
MAX_FREQUENCIES = 512
#: weights and biases of a network; more than any picture pays for
MAX_WEIGHTS = 2**20

#: steps of the default fit, and again of its fine-tuning, whatever the size of the picture
STEPS = 2400
#: weights of the default network: bits for each pixel, and bounds on the width of its layers
BITS_PER_PIXEL = 0.2
MIN_WIDTH = 8
MAX_CHOSEN_WIDTH = 96


@dataclass(frozen=True)
class MlpSettings:
    """Everything that decides what the encoder writes for this model.

    The defaults were chosen by measurement on photos that are not part of any benchmark
    (benchmarks/mlp_default.md).
    """

    #: activation of each hidden layer; none means one dense layer from the inputs to the colours
    activations: tuple[Activation, ...] = ("sine", "sine")
    #: width of each hidden layer; None chooses one for the picture's size (chosen_width)
    widths: tuple[int, ...] | None = None
    #: activation of the last layer; colours are in [0, 1]
    output_activation: Activation = "linear"
    #: what the first layer sees of (x, y): pixel numbers from 1, [-1, 1], or sines of many waves
    features: Features = "fourier"
    #: number of plane waves when features == "fourier"; each gives a sine and a cosine
    frequencies: int = 64
    loss: Loss = "mse"
    optimiser: Optimiser = "adam"
    #: pixels a step
    batch: int = 8192
    #: passes over all pixels of the picture; None means as many as make STEPS steps
    epochs: int | None = None
    #: learning rate at the start
    lr: float = 1.5e-3
    schedule: Schedule = "cosine"
    #: bits a weight may take in the file, 2 to 8, fractions allowed
    bits: float = 5.0
    #: epochs of fine-tuning with rounded weights; None means as many as `epochs`
    finetune: int | None = None
    #: "auto", "cpu", "cuda", "cuda:1", "mps"
    device: str = "auto"
    seed: int = 0
    #: threads of the encoder; 0: one for small batches, otherwise what torch thinks best
    threads: int = 0

    def __post_init__(self) -> None:
        if isinstance(self.widths, list):
            object.__setattr__(self, "widths", tuple(self.widths))
        if isinstance(self.activations, list):
            object.__setattr__(self, "activations", tuple(self.activations))
        _check(self)

    def resolved(self, width: int, height: int) -> ResolvedMlpSettings:
        """These settings with every choice made that depends on the picture's size."""
        pixels = width * height
        epochs = self.epochs or max(1, round(STEPS / math.ceil(pixels / self.batch)))
        widths = self.widths
        if widths is None:
            widths = (chosen_width(pixels),) * len(self.activations)
        finetune = epochs if self.finetune is None else self.finetune
        return ResolvedMlpSettings(self, widths, epochs, finetune)


@dataclass(frozen=True)
class ResolvedMlpSettings:
    """Settings for one picture."""

    asked: MlpSettings
    widths: tuple[int, ...]
    epochs: int
    finetune: int


def chosen_width(pixels: int) -> int:
    """Width of the default network's hidden layers for a picture of so many pixels.

    About BITS_PER_PIXEL bits of weights for each pixel, between MIN_WIDTH and MAX_CHOSEN_WIDTH.
    """
    weights = pixels * BITS_PER_PIXEL / 5
    inputs = 2 * MlpSettings.frequencies
    # weights = width * inputs + width**2, but for biases and the last layer
    width = round(math.sqrt(inputs**2 / 4 + weights) - inputs / 2)
    return max(MIN_WIDTH, min(MAX_CHOSEN_WIDTH, width))


#: Settings of the three networks in the article that this project grew from: each entry lists
#: what differs from MlpSettings().
_ARTICLE: dict[str, Any] = {
    "features": "raw",
    "loss": "mse",
    "optimiser": "adam",
    "batch": 128,
    "lr": 1e-3,
    "schedule": "constant",
    "bits": 8.0,
    "finetune": 2,
}
RECIPES: Mapping[str, Mapping[str, Any]] = {
    "article-1": _ARTICLE
    | {"widths": (), "activations": (), "output_activation": "sigmoid", "epochs": 20},
    "article-2": _ARTICLE
    | {
        "widths": (10, 10),
        "activations": ("sigmoid", "sigmoid"),
        "output_activation": "sigmoid",
        "epochs": 20,
    },
    "article-3": _ARTICLE
    | {
        "widths": (100,) * 5,
        "activations": ("tanh", "relu", "relu", "relu", "relu"),
        "output_activation": "relu1",
        "epochs": 100,
    },
}


def mlp_settings_from(
    *,
    recipe: str | None = None,
    layers: int | None = None,
    width: int | tuple[int, ...] | None = None,
    activation: str | tuple[str, ...] | None = None,
    **values: Any,
) -> MlpSettings:
    """Settings from a recipe (or the defaults) with some values replaced.

    `layers`, `width` and `activation` describe the hidden layers the short way: a number of
    layers, one width or one for each, one activation or one for each. Other keywords are the
    fields of MlpSettings; None leaves a value as it is.

    Raises UsageError for unknown names and values out of range.
    """
    if recipe is not None and recipe not in RECIPES:
        raise UsageError(f"recipe '{recipe}' is unknown; choose one of {', '.join(RECIPES)}")
    base = MlpSettings(**(RECIPES[recipe] if recipe is not None else {}))
    known = {field.name for field in fields(MlpSettings)}
    for name in values:
        if name not in known:
            raise UsageError(f"setting '{name}' is unknown; choose from {', '.join(sorted(known))}")
    given = {name: value for name, value in values.items() if value is not None}
    if layers is not None or width is not None or activation is not None:
        if "widths" in given or "activations" in given:
            raise UsageError("give either widths and activations, or layers, width and activation")
        given |= _hidden_layers(base, layers, width, activation)
    return replace(base, **given)


def _hidden_layers(
    base: MlpSettings,
    layers: int | None,
    width: int | tuple[int, ...] | None,
    activation: str | tuple[str, ...] | None,
) -> dict[str, Any]:
    """`widths` and `activations` from the short way of saying them."""
    widths = _listed(width)
    activations = _listed(activation)
    count = layers
    for values in (widths, activations):
        if count is None and len(values) > 1:
            count = len(values)
    if count is None:
        count = len(base.activations)
    if not 0 <= count <= MAX_LAYERS:
        raise UsageError(f"layers is {count}; the allowed range is 0 to {MAX_LAYERS}")
    chosen = _spread("activation", activations, base.activations or ("sine",), count)
    if not widths and not base.widths:
        return {"widths": None if count else (), "activations": chosen}
    return {
        "widths": _spread("width", widths, base.widths or (), count),
        "activations": chosen,
    }


def _listed(value: Any) -> tuple[Any, ...]:
    if value is None:
        return ()
    return tuple(value) if isinstance(value, tuple | list) else (value,)


def _spread(
    name: str, given: tuple[Any, ...], base: tuple[Any, ...], count: int
) -> tuple[Any, ...]:
    """One value for each of `count` layers; a single value serves all of them."""
    if len(given) > 1 and len(given) != count:
        raise UsageError(f"{name} lists {len(given)} values for {count} hidden layers")
    values = given or base
    if len(values) == count:
        return values
    return tuple(values[min(i, len(values) - 1)] for i in range(count))


def _check(s: MlpSettings) -> None:
    one_of("output_activation", s.output_activation, ACTIVATIONS)
    one_of("features", s.features, FEATURES)
    one_of("loss", s.loss, LOSSES)
    one_of("optimiser", s.optimiser, OPTIMISERS)
    one_of("schedule", s.schedule, SCHEDULES)
    in_range("layers", len(s.activations), 0, MAX_LAYERS)
    for activation in s.activations:
        one_of("activation", activation, ACTIVATIONS)
    if s.widths is not None:
        if len(s.widths) != len(s.activations):
            raise UsageError(f"{len(s.widths)} widths but {len(s.activations)} activations")
        for width in s.widths:
            in_range("width", width, 1, MAX_WIDTH)
    in_range("frequencies", s.frequencies, 1, MAX_FREQUENCIES)
    in_range("batch", s.batch, 1, 2**24)
    if s.epochs is not None:
        in_range("epochs", s.epochs, 1, 10**6)
    in_range("bits", s.bits, 2, 8, whole=False)
    in_range("lr", s.lr, 1e-9, 10, whole=False)
    if s.finetune is not None:
        in_range("finetune", s.finetune, 0, 10**6)
    in_range("seed", s.seed, 0, 2**63 - 1)
    in_range("threads", s.threads, 0, 1024)
    if not isinstance(s.device, str) or not s.device:
        raise UsageError("device must be 'auto', 'cpu', 'cuda', 'cuda:N' or 'mps'")
