"""An image codec whose files are small neural networks that any ONNX runtime can open.

    import imcodec

    data = imcodec.encode("bird.jpg")             # bytes of an ONNX model; needs imcodec[encode]
    pixels = imcodec.decode(data, scale=2)        # uint8 [H, W, C]
    imcodec.info(data).bpp

Names are loaded when they are first used: decoding never imports torch.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from imcodec.errors import (
    ImcodecError,
    InvalidFileError,
    InvalidImageError,
    LimitError,
    MissingExtraError,
    OutputError,
    RuntimeFailureError,
    TargetError,
    UsageError,
)

if TYPE_CHECKING:
    from imcodec.container import info, verify
    from imcodec.contents import ByteCount, Info, LayerInfo
    from imcodec.decoder import decode, evaluate
    from imcodec.encoder import Encoding, encode, encode_picture
    from imcodec.estimate import Estimate, estimate
    from imcodec.image import Picture, read_picture, write_picture
    from imcodec.settings import (
        RECIPES,
        EncodeSettings,
        MlpSettings,
        PyramidSettings,
        settings_from,
    )

__version__ = "0.1.0"

_LAZY = {
    "info": "imcodec.container",
    "verify": "imcodec.container",
    "decode": "imcodec.decoder",
    "evaluate": "imcodec.decoder",
    "Encoding": "imcodec.encoder",
    "encode": "imcodec.encoder",
    "encode_picture": "imcodec.encoder",
    "Estimate": "imcodec.estimate",
    "estimate": "imcodec.estimate",
    "Picture": "imcodec.image",
    "read_picture": "imcodec.image",
    "write_picture": "imcodec.image",
    "ByteCount": "imcodec.contents",
    "Info": "imcodec.contents",
    "LayerInfo": "imcodec.contents",
    "RECIPES": "imcodec.settings",
    "EncodeSettings": "imcodec.settings",
    "MlpSettings": "imcodec.settings",
    "PyramidSettings": "imcodec.settings",
    "settings_from": "imcodec.settings",
}

__all__ = [
    "RECIPES",
    "ByteCount",
    "EncodeSettings",
    "Encoding",
    "Estimate",
    "ImcodecError",
    "Info",
    "InvalidFileError",
    "InvalidImageError",
    "LayerInfo",
    "LimitError",
    "MissingExtraError",
    "MlpSettings",
    "OutputError",
    "Picture",
    "PyramidSettings",
    "RuntimeFailureError",
    "TargetError",
    "UsageError",
    "__version__",
    "decode",
    "encode",
    "encode_picture",
    "estimate",
    "evaluate",
    "info",
    "read_picture",
    "settings_from",
    "verify",
    "write_picture",
]


def __getattr__(name: str) -> Any:
    if name not in _LAZY:
        raise AttributeError(f"module 'imcodec' has no attribute '{name}'")
    value = getattr(import_module(_LAZY[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
