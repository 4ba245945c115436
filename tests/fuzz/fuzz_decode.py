"""A target for atheris: any bytes are decoded, or refused with one of our errors.

    pip install atheris
    python tests/fuzz/fuzz_decode.py CORPUS tests/golden -max_total_time=300 -timeout=5 \\
        -rss_limit_mb=500 -max_len=8192

CORPUS is a folder for what is found to be new. Each input is decoded as it is. Then its numbers,
whatever they became, are built into a canonical file with a checksum that is right, and that is
decoded, too: so the fuzzer gets behind the comparison, to the entropy decoder.
"""

from __future__ import annotations

import sys
from collections import Counter

import atheris

with atheris.instrument_imports(include=["imcodec"]):
    from imcodec import InvalidFileError, LimitError, decode, verify
    from imcodec.container import MODELS
    from imcodec.header import model_of
    from imcodec.outline import metadata_of, tensors_of

MAX_PIXELS = 4096
counts: Counter[str] = Counter()


def one_input(data: bytes) -> None:
    """Anything that this raises is a finding."""
    counts["inputs"] += 1
    attempt("as it is", data)
    forged = rebuilt(data)
    if forged is not None:
        verify(forged)
        attempt("rebuilt", forged)
    if counts["inputs"] % 10_000 == 0:
        print(dict(counts), file=sys.stderr)


def attempt(name: str, data: bytes) -> None:
    """Decode, and count what came of it."""
    try:
        pixels = decode(data, max_pixels=MAX_PIXELS, threads=1)
    except InvalidFileError:
        counts[f"{name}: refused"] += 1
    except LimitError:
        counts[f"{name}: too large"] += 1
    else:
        assert 0 < pixels.size <= 4 * MAX_PIXELS
        counts[f"{name}: decoded"] += 1


def rebuilt(data: bytes) -> bytes | None:
    """A whole file of the numbers that these bytes hold, if they hold any that are in range."""
    try:
        text = metadata_of(data)["imcodec"]
        parse, read = MODELS[model_of(text)]
        contents = read(parse(text), tensors_of(data))
        contents.check()
    except (InvalidFileError, KeyError, TypeError):
        return None
    return b"".join(contents.build())


if __name__ == "__main__":
    atheris.Setup(sys.argv, one_input)
    atheris.Fuzz()
