"""Kills a bench again and again, and compares what it ends with to one that was left alone.

    python tests/bench_kills.py [--kills 6] [--seed 1] [-j 2]

Five small pictures by four codecs at three qualities, 60 rows. The bench is killed (SIGKILL) once
it has made a few more rows, and the same call starts again, until it was killed often enough; then
it may end. Its rows must be those of an uninterrupted bench, each once, in all but times and
memory, and its files the same bytes. Exit code 1 if they are not. Leave the checkout alone while it
runs: its commit is in the rows.
"""

from __future__ import annotations

import argparse
import os
import random
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from imcodec import write_picture
from imcodec.bench.rows import read_rows
from pictures import scene

PICTURES, QUALITIES = 5, "20,50,80"
CODECS = "imcodec,jpeg,webp,jpeg2000"
ROWS = PICTURES * 4 * 3
#: what two runs of one thing may differ in
VARYING = ("encode_s", "decode_s", "encode_runs", "decode_runs", "encode_mb", "decode_mb")


def start(folder: Path, out: Path, jobs: int) -> subprocess.Popen[bytes]:
    """The bench, whose folders for passing pixels lie in `folder`, too."""
    command = [sys.executable, "-m", "imcodec_cli", "bench", str(folder / "pictures")]
    command += ["-o", str(out), "--codecs", CODECS, "--qualities", QUALITIES, "-j", str(jobs)]
    command += ["--shown", "0", "--quiet"]
    return subprocess.Popen(command, env=os.environ | {"TMPDIR": str(folder)})


def lines(out: Path) -> int:
    """Lines of rows that are on the disk."""
    path = out / "rows.jsonl"
    return path.read_bytes().count(b"\n") if path.exists() else 0


def killed_after(bench: subprocess.Popen[bytes], out: Path, more: int) -> bool:
    """Kill a bench once there are so many more lines; False if it had ended by then."""
    wanted = lines(out) + more
    while bench.poll() is None and lines(out) < wanted:
        time.sleep(0.005)
    bench.kill()
    return bench.wait() != 0


def found(out: Path) -> tuple[dict[tuple[Any, ...], dict[str, Any]], int, dict[str, bytes]]:
    """Rows by picture, codec and setting without what may vary; their number; all files."""
    rows = read_rows(out / "rows.jsonl").rows
    kept = {
        row.key: {name: value for name, value in asdict(row).items() if name not in VARYING}
        for row in rows
    }
    files = {
        str(path.relative_to(out)): path.read_bytes()
        for path in (out / "files").rglob("*")
        if path.is_file()
    }
    return kept, len(rows), files


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kills", type=int, default=6)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("-j", "--jobs", type=int, default=2)
    arguments = parser.parse_args()
    chance = random.Random(arguments.seed)
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as name:
        folder = Path(name)
        (folder / "pictures").mkdir()
        for i in range(PICTURES):
            picture = np.asarray(scene(48 + 8 * i, 40))
            write_picture(picture, folder / "pictures" / f"{i}.png")
        alone, killed = folder / "alone", folder / "killed"
        begin = time.monotonic()
        if start(folder, alone, arguments.jobs).wait():
            sys.exit("the uninterrupted bench failed")
        print(f"uninterrupted: {lines(alone) - 1} rows in {time.monotonic() - begin:.0f} s")
        for _ in range(arguments.kills):
            bench = start(folder, killed, arguments.jobs)
            more = chance.randint(1, 2 * ROWS // (arguments.kills + 2))
            if not killed_after(bench, killed, more):
                sys.exit("the bench ended before it was killed often enough")
            print(f"killed with {lines(killed)} lines on the disk")
        if start(folder, killed, arguments.jobs).wait():
            sys.exit("the last bench failed")
        (first, first_count, first_files), (second, second_count, second_files) = map(
            found, (alone, killed)
        )
        differing = sum(first[key] != second.get(key) for key in first)
        fields = {
            name
            for key in first.keys() & second.keys()
            for name in first[key]
            if first[key][name] != second[key][name]
        }
        changed = sum(data != second_files.get(path) for path, data in first_files.items())
        print(
            f"rows: {first_count} and {second_count}, {differing} differ "
            f"({', '.join(sorted(fields)) or 'in nothing'}); "
            f"files: {len(first_files)} and {len(second_files)}, {changed} differ"
        )
        same = first == second and first_files == second_files
        sys.exit(0 if same and first_count == second_count == len(first) == ROWS else 1)


if __name__ == "__main__":
    main()
