"""Files with numbers that no encoder writes, made as an encoder makes them: canonical, with a CRC.

What the header says, and how the numbers fit it, is checked before anything runs. What the numbers
mean is not: a forger can make a valid file of any picture. For a pyramid there is one more check,
after its latents were decoded: every lane must end where an encoder begins, at the last word.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any
from unittest import mock

import numpy as np
import onnx
from numpy.typing import NDArray

from imcodec.graph import StoredWeights
from imcodec.graph import build as build_mlp
from imcodec.header import Header
from imcodec.packing import pack
from imcodec.pyramid import graph
from imcodec.pyramid.file import Stored, picture_of
from imcodec.pyramid.header import PyramidHeader
from models import VALID, saved
from pictures import made_header, made_weights
from pyramids import damaged_word, made_pyramid

LEFT_OVER = "missing or left over"
END = "does not end where it should"


@dataclass(frozen=True)
class Forgery:
    """Bytes with a checksum that is right, and why they are refused."""

    name: str
    make: Callable[[], bytes]
    reason: str


def header_text(model: str, change: Callable[[list[str]], object]) -> bytes:
    """A valid file of a model whose header's words were changed, its CRC made right."""
    file = onnx.load_from_string(VALID[model])
    words = file.metadata_props[0].value.split(" ")
    change(words)
    file.metadata_props[0].value = " ".join(words)
    return saved(file, VALID[model])


def word(model: str, index: int, value: str) -> Callable[[], bytes]:
    """One word of the header set."""

    def change(words: list[str]) -> None:
        words[index] = value

    return lambda: header_text(model, change)


def sizes(width: int, height: int, *, levels: int, strips: int = 1) -> Callable[[], bytes]:
    """The header of a pyramid with other planes."""

    def change(words: list[str]) -> None:
        words[2:9] = [str(n) for n in (width, height, 3, levels, strips, 2, 1)]

    return lambda: header_text("pyr", change)


def mlp(
    steps: float | None = None, weights: Callable[[bytes], bytes] | None = None, **changes: Any
) -> Callable[[], bytes]:
    """A file of the mlp model whose third step, or whose weights, were replaced."""

    def make() -> bytes:
        header = made_header(**changes)
        stored = made_weights(header)
        numbers = np.frombuffer(stored.steps, "<f4").copy()
        if steps is not None:
            numbers[2] = steps
        packed = weights(stored.weights) if weights else stored.weights
        return build_mlp(header, StoredWeights(numbers.tobytes(), packed))

    return make


def large_mlp() -> bytes:
    """2**21 weights of 2 bits in half a megabyte: twice what a network may have."""
    header: Header = made_header(digits=32, widths=(1024, 2046), activations=("relu", "relu"))
    count = sum(header.tensor_sizes)
    steps = np.ones(len(header.tensor_sizes), "<f4").tobytes()
    return build_mlp(header, StoredWeights(steps, pack(np.zeros(count, np.int64), 32)))


def pyramid(change: Callable[[Stored], Stored], **header: int) -> Callable[[], bytes]:
    """A pyramid file whose numbers, and then whose header, were changed; build() refuses some."""

    def make() -> bytes:
        good, stored, _ = made_pyramid()
        return forged(replace(good, **header), change(stored))  # type: ignore[arg-type]

    return make


def forged(header: PyramidHeader, stored: Stored) -> bytes:
    """The file that a header and its numbers make, whatever they are."""
    picture = picture_of(header, stored, header.text(*stored.parts))
    return graph.build(picture, stored.payload)


def states(value: int) -> Callable[[Stored], Stored]:
    return lambda stored: replace(stored, states=np.full_like(stored.states, value))


def words(change: Callable[[NDArray[np.uint16]], NDArray[np.uint16]]) -> Callable[[Stored], Stored]:
    return lambda stored: replace(stored, words=change(stored.words))


def context(fill: int) -> Callable[[Stored], Stored]:
    """The context network's outer layer filled with one number: widths and means of one kind."""

    def change(stored: Stored) -> Stored:
        first, later, biases = stored.context
        later = later.copy()
        later[:, later.shape[2] :] = fill
        return replace(stored, context=(first, later, biases))

    return change


def weight(name: str, value: int) -> Callable[[Stored], Stored]:
    def change(stored: Stored) -> Stored:
        values = getattr(stored, name).copy()
        values.flat[-1] = value
        return replace(stored, **{name: values})

    return change


def context_weight(value: int) -> Callable[[Stored], Stored]:
    def change(stored: Stored) -> Stored:
        first, *rest = (layer.copy() for layer in stored.context)
        first.flat[0] = value
        return replace(stored, context=(first, *rest))

    return change


def oversized(value: int) -> Callable[[], bytes]:
    """A weight of the context network that no fit makes."""

    def make() -> bytes:
        with mock.patch("imcodec.pyramid.context.LARGEST_WEIGHT", 128):
            return pyramid(context_weight(value))()

    return make


def random_words(stored: Stored) -> Stored:
    random = np.random.default_rng(5)
    values = random.integers(0, 2**16, len(stored.words)).astype(np.uint16)
    return replace(stored, words=values)


_PYR = {"width": 2, "height": 3, "channels": 4, "levels": 5, "strips": 6, "factor": 7, "pitch": 8}
_PYR |= {"filters": 9, "units": 10, "psnr": 11}

#: refused before anything runs
BEFORE = [
    Forgery("mlp: 0 pixels wide", word("mlp", 2, "0"), "width is 0"),
    Forgery("mlp: 2**31 pixels wide", word("mlp", 2, str(2**31)), "width is 2147483648"),
    Forgery("mlp: 65536 pixels high", word("mlp", 3, "65536"), "height is 65536"),
    Forgery("mlp: a negative width", word("mlp", 2, "-37"), "the header is damaged"),
    Forgery("mlp: digits of another script", word("mlp", 2, "٣٧"), "the header is damaged"),
    Forgery("mlp: leading zero", word("mlp", 2, "037"), "the header is damaged"),
    Forgery("mlp: a number of 40 digits", word("mlp", 2, "9" * 40), "the header is damaged"),
    Forgery("mlp: five channels", word("mlp", 4, "5"), "channels is 5"),
    Forgery("mlp: 65 layers", word("mlp", 7, "65x8s,l"), "layers is 65"),
    Forgery("mlp: a layer of 99999 units", word("mlp", 7, "99999s,l"), "width of a layer"),
    Forgery("mlp: 64 layers of 4096 units", word("mlp", 7, "64x4096s,l"), "number of weights"),
    Forgery("mlp: weights that are not there", word("mlp", 7, "4x256s,l"), LEFT_OVER),
    Forgery("mlp: another quality", word("mlp", 8, "9998"), "the checksum does not match"),
    Forgery("mlp: more weights than a network may have", large_mlp, "number of weights"),
    Forgery("mlp: a step of NaN", mlp(np.nan), "step is not a positive number"),
    Forgery("mlp: a step of 0", mlp(0.0), "step is not a positive number"),
    Forgery("mlp: an infinite step", mlp(np.inf), "step is not a positive number"),
    Forgery("mlp: a negative step", mlp(-1.0), "step is not a positive number"),
    Forgery("mlp: a word too few", mlp(weights=lambda w: w[:-8]), LEFT_OVER),
    Forgery("mlp: a word too many", mlp(weights=lambda w: w + bytes(8)), LEFT_OVER),
    Forgery("mlp: half a word", mlp(weights=lambda w: w[:-3]), LEFT_OVER),
    Forgery("mlp: a word of all ones", mlp(weights=lambda w: b"\xff" * 8 + w[8:]), "packed form"),
    Forgery("mlp: -128", mlp(weights=lambda w: b"\x80" + w[1:], digits=8), "packed form"),
    *(
        Forgery(f"pyr: {name} {value}", word("pyr", index, value), reason)
        for name, index in _PYR.items()
        for value, reason in (("-1", "the header is damaged"), ("99999", f"{name} is 99999"))
    ),
    Forgery("pyr: twelve levels for 1x1", sizes(1, 1, levels=12), "out of proportion"),
    Forgery("pyr: planes of four times", sizes(8193, 8193, levels=12), "out of proportion"),
    Forgery("pyr: one lane for a megapixel", sizes(1024, 1024, levels=10), "out of proportion"),
    Forgery("pyr: 65535 rows one after another", sizes(1, 65535, levels=1), "out of proportion"),
    Forgery("pyr: too many lanes", sizes(65535, 512, levels=1, strips=8), "out of proportion"),
    Forgery(
        "pyr: half-rows as long as they get",
        sizes(13377, 13377, levels=6, strips=52),
        "out of prop",
    ),
    Forgery("pyr: 37 rows that are never halved", word("pyr", 7, "1"), "out of proportion"),
    Forgery("pyr: more strips than rows", sizes(64, 64, levels=6, strips=2), "strips is 2"),
    Forgery("pyr: 65535x65535, but small", sizes(65535, 65535, levels=9, strips=64), LEFT_OVER),
    Forgery("pyr: one level", word("pyr", 5, "1"), LEFT_OVER),
    Forgery("pyr: more filters", word("pyr", 9, "64"), LEFT_OVER),
    Forgery("pyr: another quality", word("pyr", 11, "9998"), "the checksum does not match"),
    Forgery("pyr: a state of 0", pyramid(states(0)), "state of a lane"),
    Forgery("pyr: a state of 2**16", pyramid(states(2**16)), "state of a lane"),
    Forgery("pyr: a negative state", pyramid(states(-(2**63))), "state of a lane"),
    Forgery(
        "pyr: a lane less",
        pyramid(lambda stored: replace(stored, states=stored.states[1:])),
        LEFT_OVER,
    ),
    Forgery(
        "pyr: a lane more",
        pyramid(lambda stored: replace(stored, states=np.append(stored.states, 2**10))),
        LEFT_OVER,
    ),
    Forgery("pyr: a weight of the context of -128", oversized(-128), "below -127"),
    Forgery("pyr: a weight of the synthesis of -128", pyramid(weight("synthesis", -128)), "synth"),
    Forgery("pyr: a weight of a filter of -128", pyramid(weight("filters", -128)), "filters"),
    Forgery(
        "pyr: megabytes for a few pixels",
        pyramid(words(lambda _: np.zeros(2_200_000, np.uint16))),
        "too many for a picture of 53x37",
    ),
]

#: refused by the state in which the entropy decoder ends: numbers in range that mean nothing
AFTER = [
    Forgery("a word short", pyramid(words(lambda w: w[:-1])), END),
    Forgery("half of the words", pyramid(words(lambda w: w[: len(w) // 2])), END),
    Forgery("no words", pyramid(words(lambda w: w[:0])), END),
    Forgery("a word more", pyramid(words(lambda w: np.append(w, np.uint16(7)))), END),
    Forgery("a thousand words more", pyramid(words(lambda w: np.tile(w, 1 + 1000 // len(w)))), END),
    Forgery("one bit of one word", pyramid(damaged_word), END),
    Forgery("words backwards", pyramid(words(lambda w: w[::-1].copy())), END),
    Forgery("words of zeros", pyramid(words(np.zeros_like)), END),
    Forgery("words of ones", pyramid(words(lambda w: np.full_like(w, 2**16 - 1))), END),
    Forgery("words of noise", pyramid(random_words), END),
    Forgery("least states", pyramid(states(1)), END),
    Forgery("largest states", pyramid(states(2**16 - 1)), END),
    Forgery("states rolled", pyramid(lambda s: replace(s, states=np.roll(s.states, 1))), END),
    Forgery("widths of 0, kept at 1", pyramid(context(0)), END),
    Forgery("widths and means that leave the table", pyramid(context(127)), END),
    Forgery("widths and means the other way", pyramid(context(-127)), END),
    Forgery("another first layer", pyramid(context_weight(127)), END),
]
