"""Read every file of a folder of odd pictures, and tell what came out of each.

    python benchmarks/odd.py [FOLDER]        default: ../shared/data/odd

Each file must give a picture, or one of our errors with a message of one line. Anything else, such
as an exception of Pillow's, is a failure and makes the exit status 1. The folder is not part of
the project: sizes from 1x1 up, every mode, EXIF orientations, PngSuite, bombs, damaged files.
"""

from __future__ import annotations

import argparse
import resource
import sys
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


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", nargs="?", type=Path, default=DEFAULT_FOLDER)
    folder = parser.parse_args().folder
    if not folder.is_dir():
        print(f"{folder}: no such folder; name one that holds pictures", file=sys.stderr)
        return 2
    warnings.simplefilter("ignore")
    counts: Counter[str] = Counter()
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        before, start = peak_megabytes(), time.perf_counter()
        kind, line = outcome(path)
        seconds, growth = time.perf_counter() - start, peak_megabytes() - before
        counts[kind] += 1
        cost = f" [{seconds:.1f} s, peak +{growth} MB]" if seconds > 0.5 or growth > 20 else ""
        print(f"{kind:17} {path.relative_to(folder)}: {line}{cost}")
    print(", ".join(f"{number} {kind}" for kind, number in counts.most_common()), end="; ")
    print(f"peak memory {peak_megabytes()} MB")
    return 1 if counts["FAILURE"] else 0


if __name__ == "__main__":
    sys.exit(main())
