"""All codecs by name."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

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
#: plain networks: the mlp and the article's
PLAIN = tuple(codec.name for codec in WITHOUT_EFFORT)
#: what everybody knows, to compare networks with
LANDMARKS = ("jpeg", "avif-444")
NAMES = ("imcodec", *CODECS)


def colour_key(name: str) -> str:
    """The name of the colour that a codec has in the report and in plots, whatever is beside it."""
    if name in CODECS:
        return name
    return f"effort-{codec_named(name).name.rpartition('-e')[2]}"


def in_order(names: Iterable[str]) -> list[str]:
    """Names in the order of reports: ours by effort, the plain networks, the others."""
    known = list(CODECS)
    return sorted(names, key=lambda name: (known.index(name) if name in CODECS else -1, name))


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
