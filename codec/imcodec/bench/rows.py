"""Rows: one JSON line for each (picture, codec, setting, version), kept as they are made.

A file of rows also holds lines {"machine": {...}} that say where the rows with that "machine" were
made. A later row replaces an earlier one of the same picture, codec and setting, and a later
version of a codec replaces all rows of an earlier one.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

from imcodec.errors import InvalidFileError, OutputError

#: a picture (digest of its pixels), a codec, a setting, a version of the codec
Key = tuple[str, str, float, str]


@dataclass(frozen=True)
class Row:
    """One picture coded once."""

    #: name for people, and digest of size and RGB pixels
    picture: str
    sha256: str
    width: int
    height: int
    codec: str
    setting: float
    version: str
    #: of the file on disk
    bytes: int
    #: psnr in dB, ssim, ms_ssim, ssimulacra2; None where it is infinite or the picture is too small
    quality: dict[str, float | None]
    #: medians; None in rows that were copied from an older page
    encode_s: float | None = None
    decode_s: float | None = None
    #: how often each was timed
    encode_runs: int = 1
    decode_runs: int = 1
    #: peak resident memory of a fresh process that encodes or decodes, in 10^6 bytes
    encode_mb: float | None = None
    decode_mb: float | None = None
    #: processors that the process might use
    cores: int = 1
    #: what the network was fitted on, as torch names it; encode_mb leaves out its own memory
    device: str = "cpu"
    #: for files of ours: bytes of graph, weights, payload, header
    parts: dict[str, int] | None = None
    #: id of the machine
    machine: str = ""
    #: whatever else a reader must know
    note: str = ""

    @property
    def bpp(self) -> float:
        """Bits of file per pixel."""
        return 8 * self.bytes / (self.width * self.height)

    @property
    def key(self) -> Key:
        """What makes it this row and no other."""
        return (self.sha256, self.codec, self.setting, self.version)

    def to_json(self) -> str:
        """One line, without what has its default value."""
        defaults = {f.name: f.default for f in fields(self)}
        values = {k: v for k, v in asdict(self).items() if v != defaults[k]}
        return json.dumps(values, allow_nan=False)


@dataclass
class Rows:
    """Rows in the order in which they were made, and the machines that made them."""

    rows: list[Row] = field(default_factory=list)
    machines: dict[str, dict[str, Any]] = field(default_factory=dict)

    def made_on(self, rows: Iterable[Row]) -> list[str]:
        """Where rows got their seconds, in words: "1 core of ..." or the name of a GPU."""
        places = dict.fromkeys((row.machine, row.cores, row.device) for row in rows)
        return list(dict.fromkeys(self._place(*place) for place in places))

    def _place(self, machine: str, cores: int, device: str) -> str:
        known = self.machines.get(machine, {})
        if device != "cpu":
            return str(known.get("accelerator", device))
        of = f" of {known['processor']}" if "processor" in known else ""
        return f"{cores} core{'s' if cores > 1 else ''}{of}"

    def current(self) -> list[Row]:
        """The last row for each picture, codec and setting, of each codec's last version only.

        Two versions of a codec are two codecs, which must not share a curve.
        """
        version = {row.codec: row.version for row in self.rows}
        kept = [row for row in self.rows if row.version == version[row.codec]]
        return list({(row.sha256, row.codec, row.setting): row for row in kept}.values())


def read_rows(path: Path) -> Rows:
    """The rows of a file. A last line that was cut off is left out.

    Raises InvalidFileError for any other line that is no row.
    """
    return _parse(path)[0]


def _parse(path: Path) -> tuple[Rows, int]:
    """Rows, and the number of bytes up to the end of the last whole line."""
    found = Rows()
    try:
        data = path.read_bytes()
    except OSError as error:
        raise InvalidFileError(f"{path}: {(error.strerror or 'unreadable').lower()}") from error
    whole = data.rfind(b"\n") + 1
    for number, line in enumerate(data[:whole].splitlines(), 1):
        try:
            values = json.loads(line)
            if "machine" in values and isinstance(values["machine"], dict):
                found.machines[values["machine"]["id"]] = values["machine"]
            else:
                found.rows.append(Row(**values))
        except (ValueError, TypeError, KeyError) as error:
            raise InvalidFileError(
                f"{path}: line {number} is no row of a bench; remove it, or name another folder"
            ) from error
    return found, whole


class RowFile:
    """A file of rows that grows: each row is on the disk before the next one is begun."""

    def __init__(self, path: Path) -> None:
        """Takes up what is there. Raises InvalidFileError, OutputError."""
        self._path = path
        self.found = Rows()
        try:
            if path.exists():
                self.found, whole = _parse(path)
                os.truncate(path, whole)
            self._stream = path.open("a", encoding="utf-8")
        except OSError as error:
            raise OutputError(
                f"{path}: {(error.strerror or 'cannot be written').lower()}"
            ) from error

    def add_machine(self, machine: dict[str, Any]) -> None:
        """Tell where the rows that follow are made."""
        if machine["id"] not in self.found.machines:
            self.found.machines[machine["id"]] = machine
            self._write(json.dumps({"machine": machine}))

    def add(self, row: Row) -> None:
        """Keep one row."""
        self.found.rows.append(row)
        self._write(row.to_json())

    def _write(self, line: str) -> None:
        try:
            self._stream.write(line + "\n")
            self._stream.flush()
            os.fsync(self._stream.fileno())
        except OSError as error:
            raise OutputError(f"{self._path}: {error.strerror}; free some space") from error

    def close(self) -> None:
        """No more rows."""
        self._stream.close()
