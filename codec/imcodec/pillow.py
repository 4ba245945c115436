"""Importing this module teaches Pillow our files.

    import imcodec.pillow
    from PIL import Image

    Image.open("bird.onnx").show()
    Image.open("photo.png").save("photo.onnx", epochs=20)     # needs imcodec[encode]

Opening verifies the file and knows its size; the pixels are decoded when they are first needed.
draft(None, (width, height)) before that asks for another size, as it does for JPEG files; here any
larger size will do.
"""

from __future__ import annotations

from typing import IO, Any

from PIL import Image, ImageFile

from imcodec.container import MAX_BYTES, PREFIX, looks_like_ours, verify
from imcodec.decoder import decode
from imcodec.errors import ImcodecError
from imcodec.files import read_bytes

FORMAT = "IMCODEC"
_MODES = {1: "L", 2: "LA", 3: "RGB", 4: "RGBA"}


class OnnxImageFile(ImageFile.ImageFile):
    """An imcodec file, opened by Pillow."""

    format = FORMAT
    format_description = "imcodec neural picture"

    def _open(self) -> None:
        assert self.fp is not None
        try:
            self._data = read_bytes(self.fp, MAX_BYTES)  # type: ignore[arg-type]
            found = verify(self._data)
        except ImcodecError as error:  # Pillow takes SyntaxError for "not mine"
            raise SyntaxError(str(error)) from error
        self._size = (found.width, found.height)
        self._mode = _MODES[found.channels]
        self._pending = True

    def draft(
        self, mode: str | None, size: tuple[int, int] | None
    ) -> tuple[str, tuple[int, int, float, float]] | None:
        """Decode at `size` (width, height) instead; any larger size will do. `mode` is ignored.

        A smaller one is left to whoever asks: taking fewer points would alias.
        """
        if not self._pending or size is None:
            return None
        if size[0] < self.width and size[1] < self.height:
            return None
        self._size = size
        return self.mode, (0, 0, *size)

    def load(self) -> Any:
        """Decode the pixels, if that has not been done."""
        if self._pending:
            pixels = decode(self._data, size=self.size)
            self.im = Image.fromarray(pixels[..., 0] if pixels.shape[2] == 1 else pixels).im
            self._pending = False
            self._close_fp()
        return Image.Image.load(self)

    def _close_fp(self) -> None:
        if self.fp is not None and self._exclusive_fp:
            self.fp.close()
        self.fp = None


def _save(image: Image.Image, stream: IO[bytes], filename: str | bytes) -> None:
    from imcodec.encoder import encode

    settings = dict(image.encoderinfo)
    stream.write(encode(image, **settings))


def _accept(prefix: bytes) -> bool:
    return looks_like_ours(prefix[: len(PREFIX)])


def register() -> None:
    """Register the format; importing the module has done it already."""
    Image.register_open(FORMAT, OnnxImageFile, _accept)
    Image.register_save(FORMAT, _save)
    Image.register_extension(FORMAT, ".onnx")
    Image.register_mime(FORMAT, "application/onnx")


register()

__all__ = ["FORMAT", "OnnxImageFile", "register"]
