"""All codecs by name."""

from __future__ import annotations

from collections.abc import Sequence

from imcodec.bench.codec import Codec
from imcodec.bench.others import OTHERS
from imcodec.bench.ours import WITHOUT_EFFORT, pyramid
from imcodec.errors import UsageError

#: every codec but the efforts of ours, in the order of reports
CODECS: dict[str, Codec] = {
    **{codec.name: codec for codec in WITHOUT_EFFORT},
    **{codec.name: codec for codec in OTHERS},
}
#: what is measured if nobody asks for anything else; "imcodec" stands for all efforts asked for
DEFAULT = ("imcodec", "jpeg", "webp", "avif-420", "avif-444", "jxl", "jpeg2000")
_COMMON = DEFAULT[1:]
#: colours that the report and the plots have for codecs of ours; each of the others has its own
COLOURS_OF_OURS = 6
NAMES = ("imcodec", *CODECS)


def colour_numbers(names: Sequence[str]) -> dict[str, int]:
    """A number for the colour of each codec, ours and the others counted apart.

    The others keep theirs whatever they are shown with.
    """
    others = [codec.name for codec in OTHERS if codec.name in _COMMON]
    others += [codec.name for codec in OTHERS if codec.name not in others]
    ours_first = [name for name in names if codec_named(name).is_ours]
    return {name: i % COLOURS_OF_OURS for i, name in enumerate(ours_first)} | {
        name: others.index(name) for name in names if name in others
    }


def codec_named(name: str) -> Codec:
    """The codec of this name; `imcodec-e5` is our pyramid at effort 5. Raises UsageError."""
    if name in CODECS:
        return CODECS[name]
    prefix, _, effort = name.partition("-e")
    if prefix == "imcodec" and effort.isascii() and effort.isdigit():
        return pyramid(int(effort))
    raise UsageError(f"codec '{name}' is unknown; choose from {', '.join(NAMES)}")


def chosen_codecs(names: Sequence[str], efforts: Sequence[int]) -> list[Codec]:
    """The codecs of these names, `imcodec` at each of the efforts. Raises UsageError."""
    expanded = [
        expanded
        for name in names
        for expanded in (
            [f"imcodec-e{effort}" for effort in efforts] if name == "imcodec" else [name]
        )
    ]
    return [codec_named(name) for name in dict.fromkeys(expanded)]
