"""What the encoder can be told, for every model.

Nothing here imports torch, so that the command line can check a call before it pays for the import.
"""

from __future__ import annotations

from dataclasses import fields
from typing import Any

from imcodec.errors import UsageError
from imcodec.mlp_settings import RECIPES, MlpSettings, mlp_settings_from
from imcodec.pyramid.settings import TARGETS, PyramidSettings
from imcodec.ranges import one_of

EncodeSettings = MlpSettings | PyramidSettings

MODELS = ("pyramid", "mlp")
#: ways to describe the mlp's layers that are no fields of its settings
_SHORT = {"recipe", "layers", "width", "activation"}
_MLP = {field.name for field in fields(MlpSettings)} | _SHORT
_PYRAMID = {field.name for field in fields(PyramidSettings)}

__all__ = ["MODELS", "RECIPES", "EncodeSettings", "MlpSettings", "PyramidSettings", "settings_from"]


def settings_from(*, model: str | None = None, **values: Any) -> EncodeSettings:
    """Settings of a model, with the defaults for whatever is missing or None.

    For the pyramid the keywords are the fields of PyramidSettings; for the mlp, those of
    MlpSettings, and `recipe`, `layers`, `width` and `activation` (mlp_settings_from). Without
    `model`, a keyword that only the mlp knows chooses the mlp; otherwise it is the pyramid.

    Raises UsageError for unknown names, names of the other model, values out of range, and targets
    that exclude each other.
    """
    given = {name: value for name, value in values.items() if value is not None}
    for name in values:
        if name not in _MLP | _PYRAMID:
            known = ", ".join(sorted(_MLP | _PYRAMID))
            raise UsageError(f"setting '{name}' is unknown; choose from {known}")
    if model is None:
        model = "mlp" if given.keys() & (_MLP - _PYRAMID) else "pyramid"
    one_of("model", model, MODELS)
    allowed = _PYRAMID if model == "pyramid" else _MLP
    for name in given:
        if name not in allowed:
            other = "mlp" if model == "pyramid" else "pyramid"
            raise UsageError(f"setting '{name}' belongs to the {other} model, not to the {model}")
    if "quality" in given and (targets := given.keys() & TARGETS.keys()):
        raise UsageError(f"quality and {min(targets)} exclude each other; give one of them")
    return PyramidSettings(**given) if model == "pyramid" else mlp_settings_from(**given)
