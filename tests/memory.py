"""Memory and time of opening files that were made to need much of both.

    python tests/memory.py [--large]

Each file is opened in a process of its own, with one thread and with as many as the decoder uses at
most. Prints a row of a table for each: the peak of the process (VmHWM), imports included, and what
is left of it without the pixels that it returns. Exits with 1 if that is 200 MB or more. With
--large instead pictures at the limit of pixels, which take a minute each, the last ones with the
geometry and the networks that need most.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent / "attacks"))

from imcodec.pyramid.geometry import Geometry, choose_geometry
from pictures import made_file
from pyramids import flat_pyramid
from test_attack_limits import MEGABYTES, Opener, full_of, numbers

#: name, file, how it is opened, width and height of the result
Case = tuple[str, Callable[[], bytes], str, dict[str, Any], tuple[int, int]]


def flat(width: int, height: int, megabytes: float) -> Callable[[], bytes]:
    """A pyramid of a size, as an encoder would lay it out, in a file of about a size."""
    geometry = choose_geometry(height, width)
    return lambda: flat_pyramid(geometry, 8e6 * megabytes / geometry.symbols)


def worst(geometry: Geometry) -> Callable[[], bytes]:
    """A pyramid with the largest networks, in a file of nearly 64 MiB."""
    bits = 8 * 60e6 / geometry.symbols
    return lambda: flat_pyramid(geometry, bits, filters=64, units=64)


def decoded(name: str, make: Callable[[], bytes], width: int, height: int) -> list[Case]:
    """A file decoded at scale 1, a little enlarged, and a corner of it."""
    larger = round(1.05 * width), round(1.05 * height)
    return [
        (name, make, "decode", {}, (width, height)),
        (f"{name}, enlarged to 105 %", make, "decode", {"scale": 1.05}, larger),
        (f"{name}, a corner of it", make, "decode", {"crop": (9, 9, 9, 9)}, (9, 9)),
    ]


NOTHING = (0, 0)
CASES: list[Case] = [
    ("64 MiB of empty metadata entries", full_of(14), "verify", {}, NOTHING),
    ("64 MiB of empty initializers", full_of(7, 5), "verify", {}, NOTHING),
    (
        "64 MiB of numbers for 53x37 pixels",
        numbers("1 pyr 53 37 3 3 1 2 1 3 5 3012 00000000"),
        "verify",
        {},
        NOTHING,
    ),
    (
        "64 MiB of numbers for an mlp of 8000x8000",
        numbers("1 mlp 8000 8000 3 8 n l 1 00000000"),
        "verify",
        {},
        NOTHING,
    ),
    ("pyramid of 8000x8000, 63 MiB", flat(8000, 8000, 66), "verify", {}, NOTHING),
    (
        "mlp of 1,047,523 weights",
        lambda: made_file(digits=32, widths=(1024, 1016), activations=("relu", "relu")),
        "decode",
        {},
        (37, 53),
    ),
    *decoded("pyramid of 1000x1000", flat(1000, 1000, 0.1), 1000, 1000),
    *decoded("pyramid of 4000x3000", flat(4000, 3000, 1.2), 4000, 3000),
    *decoded("pyramid of 4000x3000, 27 MiB", flat(4000, 3000, 29), 4000, 3000),
    *decoded("pyramid of 8000x6000, 60 MiB", flat(8000, 6000, 63), 8000, 6000),
]
LARGE: list[Case] = [
    *decoded("pyramid of 13377x13377, 60 MiB", flat(13377, 13377, 64), 13377, 13377)[::2],
    *decoded(
        "largest planes, 2730x65535",
        worst(Geometry.derived(65535, 2730, 8, 57)),
        2730,
        65535,
    )[::2],
    *decoded(
        "widest half-rows, 2730x65535",
        worst(Geometry.derived(65535, 2730, 5, 111)),
        2730,
        65535,
    )[::2],
]


def main() -> None:
    """Exit with 1 if a file takes more than it may."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--large", action="store_true")
    arguments = parser.parse_args()
    print("| file | outcome | threads | seconds | MB | without the pixels |")
    print("| --- | --- | ---: | ---: | ---: | ---: |")
    good = True
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "a.onnx"
        for name, make, run, keywords, (width, height) in LARGE if arguments.large else CASES:
            path.write_bytes(make())
            for threads in (8,) if arguments.large else (1, 8) if run == "decode" else (1,):
                how = keywords | ({"threads": threads} if run == "decode" else {})
                with Opener() as ask:
                    answer = ask(path, run, **how)
                rest = answer["peak"] - 3 * width * height / 2**20
                good = good and rest < MEGABYTES
                outcome = answer["outcome"].split(":")[0]
                cells = (name, outcome, threads, f"{answer['seconds']:.1f}")
                cells = (*cells, f"{answer['peak']:.0f}", f"{rest:.0f}")
                print("|", " | ".join(map(str, cells)), "|", flush=True)
    sys.exit(not good)


if __name__ == "__main__":
    main()
