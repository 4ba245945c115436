"""What holds for the headers of all models."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from imcodec.errors import InvalidFileError


def read_or_refused(parse: Callable[[str], Any], text: str) -> Any:
    """What a text says, which then has this spelling and no other; None if it is refused."""
    try:
        found = parse(text)
    except InvalidFileError:
        return None
    assert found.text(b"").rsplit(" ", 1)[0] == text.rsplit(" ", 1)[0]
    return found
