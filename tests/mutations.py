"""Damage, as it happens to files.

    python tests/mutations.py FILE... [--count 20000] [--seed 1] [--only KIND]

makes COUNT damaged copies of the files, in turn. Files of ours must be refused with
InvalidFileError; copies of pictures must be read, or refused with InvalidImageError or LimitError.
Anything else, and whatever takes longer than five seconds, ends the program with 1 and the number
of the copy. Prints a row of a table for each kind of damage, and the longest check and peak memory.
"""

from __future__ import annotations

import argparse
import random
import resource
import signal
import sys
import time
import warnings
from collections import Counter
from collections.abc import Callable
from pathlib import Path

SECONDS = 5


def flip(copy: bytearray, rng: random.Random, at: int) -> None:
    copy[at] ^= 1 << rng.randrange(8)


def noise(copy: bytearray, rng: random.Random, at: int) -> None:
    for _ in range(rng.randrange(1, 9)):
        copy[rng.randrange(len(copy))] = rng.randrange(256)


def truncate(copy: bytearray, rng: random.Random, at: int) -> None:
    del copy[at:]


def append(copy: bytearray, rng: random.Random, at: int) -> None:
    copy += rng.randbytes(rng.randrange(1, 40))


def remove(copy: bytearray, rng: random.Random, at: int) -> None:
    del copy[at : at + rng.randrange(1, 20)]


def insert(copy: bytearray, rng: random.Random, at: int) -> None:
    copy[at:at] = rng.randbytes(rng.randrange(1, 20))


def swap(copy: bytearray, rng: random.Random, at: int) -> None:
    other = rng.randrange(len(copy))
    copy[at], copy[other] = copy[other], copy[at]


def repeat(copy: bytearray, rng: random.Random, at: int) -> None:
    copy[at:at] = copy[at : at + rng.randrange(1, 200)]


KINDS: dict[str, Callable[[bytearray, random.Random, int], None]] = {
    kind.__name__: kind for kind in (flip, noise, truncate, append, remove, insert, swap, repeat)
}


def damage(data: bytes, rng: random.Random, kind: str) -> bytes:
    """A copy with one kind of damage; it may be equal to the original by chance."""
    copy = bytearray(data)
    KINDS[kind](copy, rng, rng.randrange(len(copy)))
    return bytes(copy)


def mutate(data: bytes, rng: random.Random) -> bytes:
    """A copy with bits flipped, bytes changed, cut off, added, removed, swapped or said twice."""
    return damage(data, rng, rng.choice(list(KINDS)))


def outcome(damaged: bytes, *, ours: bool) -> str:
    """What became of a damaged copy: "refused", or "read" for a picture of another kind."""
    from imcodec import InvalidFileError, InvalidImageError, LimitError
    from imcodec.container import open_container
    from imcodec.image import read_picture

    try:
        if ours:
            open_container(damaged)
            return "accepted"
        picture = read_picture(damaged, max_pixels=4_000_000)
    except InvalidFileError:
        return "refused" if ours else "InvalidFileError"
    except (InvalidImageError, LimitError) as error:
        return "refused" if len(str(error).splitlines()) == 1 else "more than one line"
    return "read" if picture.pixels.size else "empty"


def _too_long(*_: object) -> None:
    raise TimeoutError(f"a check took longer than {SECONDS} s")


def main() -> None:
    """Exit with 1 if a damaged copy is not dealt with as it should be."""
    from imcodec.container import looks_like_ours

    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("files", nargs="+", type=Path)
    parser.add_argument("--count", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", choices=KINDS)
    arguments = parser.parse_args()
    warnings.simplefilter("ignore")
    signal.signal(signal.SIGALRM, _too_long)
    files = [(path.name, path.read_bytes()) for path in arguments.files]
    rng = random.Random(arguments.seed)
    counts: Counter[tuple[str, str]] = Counter()
    start, longest = time.perf_counter(), 0.0
    for turn in range(arguments.count):
        name, original = files[turn % len(files)]
        kind = arguments.only or rng.choice(list(KINDS))
        damaged = damage(original, rng, kind)
        if damaged == original:
            counts[kind, "unchanged"] += 1
            continue
        signal.alarm(SECONDS)
        begin = time.perf_counter()
        try:
            found = outcome(damaged, ours=looks_like_ours(original))
        except Exception as error:
            found = repr(error)
        longest = max(longest, time.perf_counter() - begin)
        signal.alarm(0)
        if found not in ("refused", "read"):
            sys.exit(f"seed {arguments.seed}, copy {turn}, {kind} of {name}: {found}")
        counts[kind, found] += 1
    columns = ("refused", "read", "unchanged")
    print("| damage | " + " | ".join(columns) + " |\n| --- | ---: | ---: | ---: |")
    for kind in KINDS:
        print(f"| {kind} | " + " | ".join(f"{counts[kind, c]:,}" for c in columns) + " |")
    totals = [sum(n for (_, c), n in counts.items() if c == column) for column in columns]
    print("| all | " + " | ".join(f"{n:,}" for n in totals) + " |")
    seconds = time.perf_counter() - start
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    print(
        f"\n{arguments.count:,} copies of {len(files)} files, seed {arguments.seed}: "
        f"{seconds:.0f} s, the longest check {1000 * longest:.0f} ms, peak memory {peak} MB"
    )


if __name__ == "__main__":
    main()
