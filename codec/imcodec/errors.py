"""Every error that the library raises.

    ImcodecError                 root: catch this to catch everything that is ours
    ├── UsageError               a setting or an argument makes no sense (also a ValueError)
    │   └── MissingExtraError    the installation lacks an optional package that the call needs
    ├── InvalidFileError         the bytes are not a whole imcodec file (also a ValueError)
    │   └── UnknownVersionError  they may be one of a newer release
    ├── InvalidImageError        the input picture cannot be read, or is broken (also a ValueError)
    ├── LimitError               the picture or the file is larger than the limit that is in force
    ├── TargetError              a size or quality that was asked for cannot be reached
    ├── OutputError              the result cannot be written
    └── RuntimeFailureError      onnxruntime failed on a file that had passed verification

Within the encoder there is one more, imcodec.pyramid.table.CodingError.

Messages are one line and say what is wrong, where, and what to do about it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from imcodec.encoder import Encoding


class ImcodecError(Exception):
    """Root of every exception that this library raises on purpose."""


class UsageError(ImcodecError, ValueError):
    """A setting or an argument is out of range, unknown, or contradicts another one."""


class MissingExtraError(UsageError):
    """The call needs an optional package that is not installed."""


class InvalidFileError(ImcodecError, ValueError):
    """The bytes are damaged, truncated, modified, or were never an imcodec file."""


class UnknownVersionError(InvalidFileError):
    """The file names a format version or a model that this release does not know."""


class InvalidImageError(ImcodecError, ValueError):
    """The picture cannot be read: unknown format, broken data, or a form that is not supported."""


class LimitError(ImcodecError):
    """A picture or a file is larger than the limit in force."""


class TargetError(ImcodecError):
    """A requested size or quality cannot be reached."""

    def __init__(self, message: str, nearest: Encoding | None = None) -> None:
        super().__init__(message)
        #: what came nearest to it, a whole file
        self.nearest = nearest


class OutputError(ImcodecError):
    """The output cannot be written."""


class RuntimeFailureError(ImcodecError):
    """The runtime failed although the file had passed verification."""
