"""Running the command line inside the test process."""

from __future__ import annotations

import io
import json
import sys
from dataclasses import dataclass
from typing import Any

import pytest

FAST = ("--features", "normalised", "--epochs", "2")
#: the smallest fit that goes through every part
TINY = ("--layers", "1", "--width", "8", *FAST)


@dataclass(frozen=True)
class Outcome:
    """How a command ended."""

    code: int
    #: stdout, as bytes
    data: bytes
    #: stderr
    err: str

    @property
    def out(self) -> str:
        """Stdout, as text."""
        return self.data.decode()

    @property
    def lines(self) -> list[str]:
        """Lines of stderr."""
        return self.err.splitlines()

    @property
    def rows(self) -> list[dict[str, Any]]:
        """JSON objects on stdout."""
        return [json.loads(line) for line in self.out.splitlines()]


class Cli:
    """Calls the command line as a user would, but in this process."""

    def __init__(
        self, monkeypatch: pytest.MonkeyPatch, capture: pytest.CaptureFixture[bytes]
    ) -> None:
        self._monkeypatch = monkeypatch
        self._capture = capture

    def __call__(self, *arguments: object, stdin: bytes = b"") -> Outcome:
        from imcodec_cli import main

        self._monkeypatch.setattr(sys, "argv", ["imcodec", *map(str, arguments)])
        self._monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin)))
        self._capture.readouterr()
        code: Any = 0
        try:
            main()
        except SystemExit as leaving:
            code = leaving.code or 0
        data, err = self._capture.readouterr()
        return Outcome(code, data, err.decode())
