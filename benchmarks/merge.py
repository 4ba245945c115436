"""Rows that were made elsewhere, put into a file of rows.

    python benchmarks/merge.py benchmarks/results/kodak.jsonl OTHER.jsonl ...

What is named later wins: a row replaces the one of the same picture, codec and setting, and a
codec's rows of another version are dropped, because two versions must not share a curve. Rows keep
their machines. Says what came and what went.
"""

from __future__ import annotations

import argparse
import json
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path

from imcodec.bench.rows import Row, Rows, read_rows
from imcodec.files import write_atomic


def merged(files: Sequence[Rows]) -> Rows:
    """The rows that count of all files, those of later ones over those of earlier ones."""
    everything = Rows([row for file in files for row in file.rows])
    kept = everything.current()
    machines = {name: machine for file in files for name, machine in file.machines.items()}
    used = {row.machine for row in kept}
    return Rows(kept, {name: machine for name, machine in machines.items() if name in used})


def text(rows: Rows) -> str:
    """A file of rows: machines first."""
    lines = [json.dumps({"machine": machine}) for machine in rows.machines.values()]
    return "\n".join([*lines, *(row.to_json() for row in rows.rows)]) + "\n"


def counted(rows: Iterable[Row]) -> Counter[tuple[str, str]]:
    """Numbers of rows by codec and version."""
    return Counter((row.codec, row.version) for row in rows)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("into", type=Path)
    parser.add_argument("others", type=Path, nargs="+")
    arguments = parser.parse_args()
    before = read_rows(arguments.into)
    found = merged([before, *map(read_rows, arguments.others)])
    lines = {row.to_json() for row in before.rows}
    kept = {row.to_json() for row in found.rows}
    came = counted(row for row in found.rows if row.to_json() not in lines)
    went = counted(row for row in before.rows if row.to_json() not in kept)
    for words, counts in (("came", came), ("went", went)):
        for (codec, version), count in counts.items():
            print(f"{count} rows of {codec} {words}: {version}")
    write_atomic(arguments.into, text(found).encode())


if __name__ == "__main__":
    main()
