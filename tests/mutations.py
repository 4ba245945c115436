"""Damage, as it happens to files.

python tests/mutations.py FILE... [COUNT]     refuse COUNT (20,000) damaged copies of the files
"""

from __future__ import annotations

import random
import sys
from pathlib import Path


def mutate(data: bytes, rng: random.Random) -> bytes:
    """A copy with bits flipped, bytes changed, cut off, added, removed, inserted or swapped."""
    copy = bytearray(data)
    at = rng.randrange(len(copy))
    kind = rng.randrange(7)
    if kind == 0:
        copy[at] ^= 1 << rng.randrange(8)
    elif kind == 1:
        for _ in range(rng.randrange(1, 9)):
            copy[rng.randrange(len(copy))] = rng.randrange(256)
    elif kind == 2:
        del copy[at:]
    elif kind == 3:
        copy += rng.randbytes(rng.randrange(1, 40))
    elif kind == 4:
        del copy[at : at + rng.randrange(1, 20)]
    elif kind == 5:
        copy[at:at] = rng.randbytes(rng.randrange(1, 20))
    else:
        other = rng.randrange(len(copy))
        copy[at], copy[other] = copy[other], copy[at]
    return bytes(copy)


def main(arguments: list[str]) -> None:
    """Exit with an error if a damaged copy is accepted."""
    from imcodec import InvalidFileError
    from imcodec.container import open_container

    count = int(arguments.pop()) if arguments[-1].isdecimal() else 20_000
    files = [Path(name).read_bytes() for name in arguments]
    rng = random.Random(1)
    refused = 0
    for turn in range(count):
        original = files[turn % len(files)]
        damaged = mutate(original, rng)
        if damaged == original:
            continue
        try:
            open_container(damaged)
        except InvalidFileError:
            refused += 1
            continue
        sys.exit(f"turn {turn}: a damaged copy was accepted")
    print(f"{count} copies, {refused} damaged, all of these refused")


if __name__ == "__main__":
    main(sys.argv[1:])
