"""What a codec is to the bench: a name, settings, and functions from pixels to a file and back.

A setting is a quality from 0 to 100 on the codec's own scale. Pictures are uint8 RGB [H, W, 3].
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec

from imcodec.colour import Pixels
from imcodec.errors import MissingExtraError

CPU = "cpu"


@dataclass(frozen=True)
class CodedFile:
    """What a codec makes of pixels."""

    data: bytes
    #: what computed it: "cpu", or a device as torch names it
    device: str = CPU


@dataclass(frozen=True)
class Codec:
    """One way to make a file of a picture. Two efforts of one encoder are two codecs."""

    #: as it is written in rows and on the command line
    name: str
    #: as it is shown
    label: str
    #: encoder and settings in words, for the report
    described: str
    #: settings that are measured if nobody asks for others
    ladder: tuple[float, ...]
    extension: str
    #: the file for pixels and a setting, on so many threads; ours fit on a device
    encode: Callable[[Pixels, float, int, str], CodedFile]
    #: the pixels of a file, on so many threads
    decode: Callable[[bytes, int], Pixels]
    #: versions of what does the work
    version: Callable[[], str]
    #: what must be done once in a process, for a device, so that the next call is no slower than
    #: those after it
    warm_up: Callable[[str], object]
    #: the file whose size is nearest to so many bytes, where the encoder can aim at one
    to_size: Callable[[Pixels, int], bytes] | None = None
    #: type for <img> where browsers show the file itself
    mime: str | None = None
    #: whether its files are ours
    is_ours: bool = False
    #: a package that must be there
    needs: str | None = None

    def require(self) -> None:
        """Raise MissingExtraError where the codec cannot run."""
        if self.needs and find_spec(self.needs) is None:
            package = "pillow-jxl-plugin" if self.needs == "pillow_jxl" else self.needs
            raise MissingExtraError(f'{self.name} needs {package}; pip install "imcodec[bench]"')
