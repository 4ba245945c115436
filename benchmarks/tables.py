"""Tables and sentences in documents that are made of rows in results/, and stay true to them.

    python benchmarks/tables.py [--check] [README.md ...]

A table stands between <!-- table {...} --> and <!-- end of table -->; the JSON object says what is
in it: "rows", a file of rows; "kind", and what that kind needs:

    same quality    a row for each of "pictures" (name: words): what "codec" makes of it at
                    "setting", and the bytes that each of "others" takes for the same PSNR
    files           every row as it is: bytes, bits per pixel, PSNR, SSIM
    bd-rate         a row for each of "codecs": bits for the same PSNR against each of "anchors",
                    over all pictures that the three have (if there are "pictures": of those; if
                    there are "settings": of "codecs" at those), of the mean curves and in brackets
                    the mean of the pictures' own; median seconds for a picture, and what they were
                    taken on
    time            a row for each of "codecs": median seconds for a picture, and the median of the
                    pictures' ratios to the seconds of "anchor" in the same rows
    sentence        "text", in which {CODEC ANCHOR} or {CODEC ANCHOR METRIC} is such a BD-rate in
                    words, "19 % more" or "22 % fewer"; {CODEC ANCHOR each} the mean of the
                    pictures' own; {CODEC ANCHOR bytes} the least and the most of the anchor's bytes
                    for the same PSNR, "0.94 to 1.80 times"; {CODEC graph} the bytes of graph and
                    networks, "3.7 to 7.6 kB, 7 to 39 %"; {CODEC encode} and {CODEC decode} median
                    seconds, and {CODEC on} what they were taken on
    scaling         every row of a scaling study whose "study" it is, "size" or "threads"
    damage          every count of damage.py
    damage shares   of the copies of each of "formats", those that are another picture

A table in an item of a list is indented as its first comment is.

tests/test_results.py fails when a table is not what this makes.
"""

from __future__ import annotations

import argparse
import json
import re
import statistics
import sys
import textwrap
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from imcodec.bench.bd import compare
from imcodec.bench.codecs import codec_named
from imcodec.bench.curves import picture_curve
from imcodec.bench.quality import METRICS
from imcodec.bench.rows import Row, read_rows

ROOT = Path(__file__).parents[1]
DOCUMENTS = tuple(
    ROOT / name
    for name in (
        "README.md",
        "benchmarks/kodak.md",
        "benchmarks/scaling.md",
        "benchmarks/damage.md",
    )
)
TABLE = re.compile(
    r"^(( *)<!-- table (\{.*?\}) -->\n).*?(^ *<!-- end of table -->)", re.DOTALL | re.MULTILINE
)
PSNR = METRICS["psnr"]


def rewritten(text: str) -> str:
    """A document with its tables made anew. Raises ValueError for one that cannot be made."""

    def made(found: re.Match[str]) -> str:
        return found[1] + textwrap.indent(table(json.loads(found[3])), found[2]) + found[4]

    return TABLE.sub(made, text)


def table(wanted: dict[str, Any]) -> str:
    """One table as Markdown."""
    return "\n".join(KINDS[wanted["kind"]](ROOT / wanted["rows"], wanted)) + "\n"


def same_quality(path: Path, wanted: dict[str, Any]) -> list[str]:
    """Bytes for the same PSNR, picture by picture."""
    rows = read_rows(path).current()
    others = wanted["others"]
    lines = [
        "| | bytes | PSNR | " + " | ".join(codec_named(name).label for name in others) + " |",
        "| --- | ---: | ---: |" + " ---: |" * len(others),
    ]
    for name, words in wanted["pictures"].items():
        own = [row for row in rows if Path(row.picture).stem == name]
        (row,) = (r for r in own if (r.codec, r.setting) == (wanted["codec"], wanted["setting"]))
        quality = row.quality["psnr"]
        assert quality is not None
        cells = [f"{row.bytes:,}", f"{quality:.2f} dB"]
        for other in others:
            curve = picture_curve((r for r in own if r.codec == other), PSNR)
            rate = curve.rate_at(quality)
            cells.append("-" if rate is None else f"{rate * row.width * row.height / 8:,.0f}")
        lines.append(f"| {name}, {words} | " + " | ".join(cells) + " |")
    return lines


def files(path: Path, wanted: dict[str, Any]) -> list[str]:
    """Every row as it is."""
    lines = ["| | bytes | bits per pixel | PSNR | SSIM |", "| --- | ---: | ---: | ---: | ---: |"]
    for row in read_rows(path).current():
        label = f"{codec_named(row.codec).label}, quality {row.setting:g}"
        quality = f"{row.quality['psnr']:.2f} dB | {row.quality['ssim']:.3f}"
        lines.append(f"| {label} | {row.bytes:,} | {row.bpp:.3f} | {quality} |")
    return lines


def bd_rates(path: Path, wanted: dict[str, Any]) -> list[str]:
    """BD-rates over the pictures in common."""
    found = read_rows(path)
    rows = found.current()
    anchors = wanted["anchors"]
    labels = [f"against {codec_named(name).label}" for name in anchors]
    lines = [
        "| | pictures | " + " | ".join(labels) + " | encode | decode | on |",
        "| --- | ---: |" + " ---: |" * (len(anchors) + 2) + " --- |",
    ]
    if "pictures" in wanted:
        rows = [row for row in rows if Path(row.picture).stem in wanted["pictures"]]
    if "settings" in wanted:
        rows = [row for row in rows if row.codec in anchors or row.setting in wanted["settings"]]
    of = {name: [row for row in rows if row.codec == name] for name in wanted["codecs"] + anchors}
    for name in wanted["codecs"]:
        own = {row.sha256 for row in of[name]}
        shared = sorted(own.intersection(*({row.sha256 for row in of[a]} for a in anchors)))
        cells = [codec_named(name).label, str(len(shared))]
        for anchor in anchors:
            cells.append("-" if anchor == name else both_forms(of[anchor], of[name], shared))
        members = [row for row in of[name] if row.sha256 in shared]
        cells += [median(r.encode_s for r in members), median(r.decode_s for r in members)]
        cells.append(", ".join(found.made_on(members)))
        lines.append("| " + " | ".join(cells) + " |")
    return lines


def time_ratios(path: Path, wanted: dict[str, Any]) -> list[str]:
    """Seconds beside those of another codec, for the same pictures in the same run."""
    rows = read_rows(path).current()
    lines = ["| | pictures | encode | as a ratio |", "| --- | ---: | ---: | ---: |"]
    anchor = {row.sha256: row.encode_s for row in rows if row.codec == wanted["anchor"]}
    for name in wanted["codecs"]:
        own = [row for row in rows if row.codec == name]
        ratios = [
            row.encode_s / other for row in own if row.encode_s and (other := anchor[row.sha256])
        ]
        ratio = f"{rounded(statistics.median(ratios))} x"
        cells = [codec_named(name).label, str(len(own)), median(r.encode_s for r in own), ratio]
        lines.append("| " + " | ".join(cells) + " |")
    return lines


def both_forms(anchor: list[Row], test: list[Row], pictures: list[str]) -> str:
    """The BD-rate of the mean curves, and the mean of the pictures' own if each has one."""
    found = compare(anchor, test, pictures, PSNR)
    if found.over_set is None:
        return "-"
    own = f" ({found.per_picture:+.1f})" if len(found.each) == len(pictures) else ""
    return f"{found.over_set.percent:+.1f} %{own}"


def median(times: Iterable[float | None]) -> str:
    """Median seconds in words."""
    known = [seconds for seconds in times if seconds is not None]
    return f"{rounded(statistics.median(known))} s" if known else "-"


def rounded(value: float) -> str:
    """Two digits."""
    return f"{float(f'{value:.2g}'):g}"


def sentence(path: Path, wanted: dict[str, Any]) -> list[str]:
    """Figures in words."""
    found = read_rows(path)
    rows = found.current()

    def words(place: re.Match[str]) -> str:
        name, what, measure = place.groups()
        own = [row for row in rows if row.codec == name]
        if what in ("encode", "decode"):
            return median(row.encode_s if what == "encode" else row.decode_s for row in own)
        if what == "on":
            return ", ".join(found.made_on(own))
        if what == "graph":
            return graph_and_networks(own)
        others = [row for row in rows if row.codec == what]
        if measure == "bytes":
            return times_the_bytes(own, others)
        shared = {row.sha256 for row in own} & {row.sha256 for row in others}
        metric = PSNR if measure in (None, "each") else METRICS[measure]
        compared = compare(others, own, sorted(shared), metric)
        over_set = compared.over_set.percent if compared.over_set else None
        percent = compared.per_picture if measure == "each" else over_set
        if percent is None:
            raise ValueError(f"there is no BD-rate of {name} against {what}")
        digits = 0 if abs(percent) >= 1 else 1  # "0 % fewer" says nothing
        return f"{abs(percent):.{digits}f} % {'more' if percent > 0 else 'fewer'}"

    text = re.sub(r"\{(\S+) (\S+?)(?: (\S+))?\}", words, wanted["text"])
    # a number and its unit stay on one line
    lines = textwrap.wrap(re.sub(r"(?<=\d) (?=%|kB|s\b)", "\0", text), 108, break_on_hyphens=False)
    return [line.replace("\0", " ") for line in lines]


def graph_and_networks(rows: list[Row]) -> str:
    """The least and the most that a file spends before its first latent."""
    parts = [(row.parts, row.bytes) for row in rows if row.parts is not None]
    spent = [(part["graph"] + part["weights"], size) for part, size in parts]
    kilobytes = [some / 1000 for some, _ in spent]
    percent = [100 * some / size for some, size in spent]
    return (
        f"{min(kilobytes):.1f} to {max(kilobytes):.1f} kB, "
        f"{min(percent):.0f} to {max(percent):.0f} %"
    )


def times_the_bytes(own: list[Row], others: list[Row]) -> str:
    """The least and the most of the others' bytes for the same PSNR of the same picture."""
    ratios = []
    for row in own:
        curve = picture_curve((r for r in others if r.sha256 == row.sha256), PSNR)
        quality = row.quality["psnr"]
        rate = None if quality is None else curve.rate_at(quality)
        if rate is not None:
            ratios.append(row.bpp / rate)
    return f"{min(ratios):.2f} to {max(ratios):.2f} times"


def scaling(path: Path, wanted: dict[str, Any]) -> list[str]:
    """A scaling study, size by size and thread by thread."""
    rows = [json.loads(line) for line in path.read_text().splitlines()]
    rows = [row for row in rows if row["study"] == wanted["study"]]
    lines = [
        "| megapixels | threads | encode | decode | memory to encode | to decode | bytes |",
        "| ---: | ---: | ---: | ---: | ---: | ---: | ---: |",
    ]
    for row in sorted(rows, key=lambda row: (row["megapixels"], row["threads"])):
        cells = [f"{row['megapixels']:.2g}", str(row["threads"])]
        cells += [f"{row['encode_s']:.1f} s", f"{row['decode_s']:.2f} s"]
        cells += [f"{row[name]:,.0f} MB" for name in ("encode_mb", "decode_mb")]
        lines.append("| " + " | ".join([*cells, f"{row['bytes']:,}"]) + " |")
    return lines


def damage(path: Path, wanted: dict[str, Any]) -> list[str]:
    """What became of damaged copies, format by format."""
    rows = list(damage_rows(path).values())
    heads = [f"{how}: {' | '.join(rows[0][how])}" for how in ("flipped", "cut")]
    lines = [f"| | bytes | {' | '.join(heads)} |", "| --- |" + " ---: |" * 9]
    for row in rows:
        counts = [*row["flipped"].values(), *row["cut"].values()]
        lines.append(f"| {row['format']} | {row['bytes']:,} | {' | '.join(map(str, counts))} |")
    return lines


def damage_shares(path: Path, wanted: dict[str, Any]) -> list[str]:
    """How many damaged copies open as another picture."""
    rows = [damage_rows(path)[name] for name in wanted["formats"]]
    lines = [
        "| | " + " | ".join(row["format"] for row in rows) + " |",
        "| --- |" + " ---: |" * len(rows),
    ]
    for how, words in (("flipped", "a bit flipped"), ("cut", "cut off")):
        (copies,) = {sum(row[how].values()) for row in rows}
        shares = [f"{rounded(100 * row[how]['different'] / copies)} %" for row in rows]
        lines.append(f"| {words}, {copies} copies | {' | '.join(shares)} |")
    return lines


def damage_rows(path: Path) -> dict[str, dict[str, Any]]:
    """Rows of damage.py by format."""
    rows = [json.loads(line) for line in path.read_text().splitlines()]
    return {row["format"]: row for row in rows if "format" in row}


KINDS: dict[str, Callable[[Path, dict[str, Any]], list[str]]] = {
    "same quality": same_quality,
    "files": files,
    "bd-rate": bd_rates,
    "time": time_ratios,
    "sentence": sentence,
    "scaling": scaling,
    "damage": damage,
    "damage shares": damage_shares,
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("documents", type=Path, nargs="*", default=DOCUMENTS)
    parser.add_argument("--check", action="store_true", help="write nothing; 1 if one is stale")
    arguments = parser.parse_args()
    stale = False
    for path in arguments.documents:
        text = path.read_text()
        made = rewritten(text)
        if made != text:
            stale = True
            print(f"{path}: {'stale' if arguments.check else 'rewritten'}")
            if not arguments.check:
                path.write_text(made)
    sys.exit(1 if stale and arguments.check else 0)


if __name__ == "__main__":
    main()
