"""Read every file of a folder of odd pictures, and tell what came out of each.

    python benchmarks/odd.py [FOLDER] [--encode]        default: ../shared/data/odd

With --encode each file goes through `imcodec encode` (a tiny network, at most 2 megapixels) and
`imcodec decode` instead, in this process, as the command line runs them.

Each file must give a picture, or one of our errors with a message of one line. Anything else, such
as an exception of Pillow's or a traceback, is a failure and makes the exit status 1. The folder is
not part of the project: sizes from 1x1 up, every mode, EXIF orientations, PngSuite, bombs, damaged
files.
"""

from __future__ import annotations

import argparse
import resource
import sys
import tempfile
import time
import warnings
from collections import Counter
from pathlib import Path

from imcodec.errors import ImcodecError
from imcodec.image import read_picture

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

    tiny = ["--layers", "0", "--features", "normalised", "--epochs", "1", "--max-pixels", "2000000"]
    with tempfile.TemporaryDirectory() as scratch:
        model, picture = f"{scratch}/x.onnx", f"{scratch}/x.png"
        first = CliRunner().invoke(app, ["encode", *tiny, "--quiet", "--", str(path), model])
        if first.exit_code:
            lines = first.stderr.splitlines()
            good = first.exit_code in (1, 3) and len(lines) == 1
            return (f"exit {first.exit_code}" if good else "FAILURE"), "; ".join(lines)
        second = CliRunner().invoke(app, ["decode", model, picture, "--json", "--quiet"])
        good = second.exit_code == 0 and Path(picture).exists()
        return ("coded" if good else "FAILURE"), f"{Path(model).stat().st_size} bytes"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", nargs="?", type=Path, default=DEFAULT_FOLDER)
    parser.add_argument("--encode", action="store_true")
    arguments = parser.parse_args()
    folder = arguments.folder
    if not folder.is_dir():
        print(f"{folder}: no such folder; name one that holds pictures", file=sys.stderr)
        return 2
    warnings.simplefilter("ignore")
    counts: Counter[str] = Counter()
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
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
