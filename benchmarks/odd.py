"""Read every file of a folder of odd pictures, and tell what came out of each.

    python benchmarks/odd.py [FOLDER] [--encode | --worst N]        default: ../shared/data/odd

With --encode each file goes through `imcodec encode` (a tiny network, at most 2 megapixels),
`verify` and `decode` instead, in this process, as the command line runs them.

With --worst the N files that take longest to read, and the N largest of at most 8 megapixels, go
through `imcodec encode`, `verify` and `decode`, each a process of its own, whose time and peak
memory are told: a tiny mlp and a pyramid of two steps, since what is of interest is not the fit.

Each file must give a picture, or one of our errors with a message of one line. Anything else, such
as an exception of Pillow's or a traceback, is a failure and makes the exit status 1. The folder is
not part of the project: sizes from 1x1 up, every mode, EXIF orientations, PngSuite, bombs, damaged
files.
"""

from __future__ import annotations

import argparse
import re
import resource
import subprocess
import sys
import tempfile
import time
import warnings
from collections import Counter
from pathlib import Path

from imcodec.errors import ImcodecError
from imcodec.image import read_picture

TINY = ("--layers", "0", "--features", "normalised", "--epochs", "1")
SHORT = ("--model", "pyramid", "--steps", "2")
MAX_WORST = 8_000_000
#: the command line, and at its end the peak of its memory
WRAPPED = """
import atexit, sys
from pathlib import Path
atexit.register(lambda: print(Path("/proc/self/status").read_text(), file=sys.stderr))
from imcodec_cli import main
main()
"""

DEFAULT_FOLDER = Path(__file__).parents[1] / ".." / "shared" / "data" / "odd"


def peak_megabytes() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024


def outcome(path: Path) -> tuple[str, str]:
    """Kind of the outcome, and a line that describes it."""
    try:
        picture = read_picture(path, name=path.name)
    except ImcodecError as exc:
        message = str(exc)
        kind = type(exc).__name__ if len(message.splitlines()) == 1 else "FAILURE"
        return kind, f"{type(exc).__name__}: {message!r}" if kind == "FAILURE" else message
    except Exception as exc:
        return "FAILURE", f"{type(exc).__name__}: {exc!r}"
    height, width, channels = picture.pixels.shape
    mode = ("grey", "grey+alpha", "RGB", "RGBA")[channels - 1]
    return "Picture", "; ".join([f"{width}x{height} {mode}", *picture.notices])


def coded(path: Path) -> tuple[str, str]:
    """The same for a picture that is encoded and decoded by the command line."""
    from typer.testing import CliRunner

    from imcodec_cli.app import app

    tiny = [*TINY, "--max-pixels", "2000000"]
    with tempfile.TemporaryDirectory() as scratch:
        model, picture = f"{scratch}/x.onnx", f"{scratch}/x.png"
        first = CliRunner().invoke(app, ["encode", *tiny, "--quiet", "--", str(path), model])
        if first.exit_code:
            lines = first.stderr.splitlines()
            good = first.exit_code in (1, 3) and len(lines) == 1
            return (f"exit {first.exit_code}" if good else "FAILURE"), "; ".join(lines)
        second = CliRunner().invoke(app, ["verify", model, "--quiet"])
        third = CliRunner().invoke(app, ["decode", model, picture, "--json", "--quiet"])
        good = second.exit_code == third.exit_code == 0 and Path(picture).exists()
        return ("coded" if good else "FAILURE"), f"{Path(model).stat().st_size} bytes"


def command(*arguments: str) -> tuple[int, str]:
    """Exit code of a command in a process of its own, and its seconds and peak memory."""
    start = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-c", WRAPPED, *arguments], capture_output=True, text=True
    )
    seconds = time.perf_counter() - start
    found = re.search(r"VmHWM:\s*(\d+) kB", done.stderr)
    peak = f"{int(found[1]) // 1024} MB" if found else "?"
    return done.returncode, f"{seconds:.1f} s, {peak}"


def worst(folder: Path, paths: list[Path], count: int) -> int:
    """Time and memory of the files that need most. Returns 1 for an exit code of the wrong kind."""
    read: list[tuple[float, int, Path]] = []
    for path in paths:
        start = time.perf_counter()
        try:
            pixels = read_picture(path).pixels.size
        except ImcodecError:
            pixels = 0
        read.append((time.perf_counter() - start, pixels, path))
    slow = sorted(read, key=lambda row: -row[0])[:count]
    large = sorted((row for row in read if row[1] <= 3 * MAX_WORST), key=lambda row: -row[1])[
        :count
    ]
    print("| file | model | encode | verify | decode |\n| --- | --- | ---: | ---: | ---: |")
    failures = 0
    for path in dict.fromkeys(row[2] for row in (*slow, *large)):
        for name, options in (("mlp", TINY), ("pyramid", SHORT)):
            with tempfile.TemporaryDirectory() as scratch:
                model, picture = f"{scratch}/x.onnx", f"{scratch}/x.png"
                limit = ("--max-pixels", str(MAX_WORST), "--quiet")
                code, cost = command("encode", *options, *limit, "--", str(path), model)
                cells = [cost if code == 0 else f"exit {code}, {cost}"]
                failures += code not in (0, 1, 3)
                for stage in (("verify", model), ("decode", model, picture)) if code == 0 else ():
                    code, cost = command(*stage, "--quiet")
                    failures += code != 0
                    cells.append(cost)
            cells += [""] * (3 - len(cells))
            print(
                f"| {path.relative_to(folder)} | {name} | " + " | ".join(cells) + " |", flush=True
            )
    return int(failures > 0)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", nargs="?", type=Path, default=DEFAULT_FOLDER)
    parser.add_argument("--encode", action="store_true")
    parser.add_argument("--worst", type=int, metavar="N")
    arguments = parser.parse_args()
    folder = arguments.folder
    if not folder.is_dir():
        print(f"{folder}: no such folder; name one that holds pictures", file=sys.stderr)
        return 2
    warnings.simplefilter("ignore")
    counts: Counter[str] = Counter()
    paths = sorted(path for path in folder.rglob("*") if path.is_file())
    if arguments.worst:
        return worst(folder, paths, arguments.worst)
    for path in paths:
        before, start = peak_megabytes(), time.perf_counter()
        kind, line = (coded if arguments.encode else outcome)(path)
        seconds, growth = time.perf_counter() - start, peak_megabytes() - before
        counts[kind] += 1
        cost = f" [{seconds:.1f} s, peak +{growth} MB]" if seconds > 0.5 or growth > 20 else ""
        print(f"{kind:17} {path.relative_to(folder)}: {line}{cost}")
    print(", ".join(f"{number} {kind}" for kind, number in counts.most_common()), end="; ")
    print(f"peak memory {peak_megabytes()} MB")
    return 1 if counts["FAILURE"] else 0


if __name__ == "__main__":
    sys.exit(main())
