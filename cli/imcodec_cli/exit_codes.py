"""What the exit code of the process says."""

from __future__ import annotations

OK = 0
FAILED = 1
USAGE = 2
DAMAGED = 3
TARGET_NOT_REACHED = 4
INTERRUPTED = 130


def exit_code(error: BaseException) -> int:
    """The exit code for an error."""
    from imcodec import errors

    if isinstance(error, KeyboardInterrupt):
        return INTERRUPTED
    if isinstance(error, errors.UsageError):
        return USAGE
    if isinstance(error, errors.InvalidFileError | errors.InvalidImageError):
        return DAMAGED
    if isinstance(error, errors.TargetError):
        return TARGET_NOT_REACHED
    return FAILED
