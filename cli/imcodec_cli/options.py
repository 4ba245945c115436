"""Options that several commands share, and how their values are read."""

from __future__ import annotations

from typing import Annotated

import typer

Quiet = Annotated[bool, typer.Option("--quiet", help="Say nothing but errors.")]
Verbose = Annotated[
    int,
    typer.Option("--verbose", "-v", count=True, show_default=False, help="Say more."),
]
Json = Annotated[
    bool,
    typer.Option(
        "--json", help="One JSON object a line on stdout for each file; the rest on stderr."
    ),
]
Debug = Annotated[bool, typer.Option("--debug", help="Show where an error happened.", hidden=False)]
NoOverwrite = Annotated[
    bool,
    typer.Option(
        "--no-overwrite",
        help="Keep an output that exists, and go on: this resumes an interrupted call.",
    ),
]
OutputDir = Annotated[
    str | None,
    typer.Option(
        "--output",
        "-o",
        metavar="DIR",
        help="Directory for the outputs of several inputs (or the output file of one).",
    ),
]
MaxPixels = Annotated[
    int,
    typer.Option(
        min=0, help="Refuse pictures with more pixels than this; 0: no limit.", show_default=True
    ),
]

MAX_PIXELS = 178_956_970


def numbers(text: str | None, name: str, count: int | None = None) -> tuple[float, ...] | None:
    """Numbers separated by commas. Raises typer.BadParameter."""
    if text is None:
        return None
    try:
        values = tuple(float(part) for part in text.split(","))
    except ValueError:
        raise typer.BadParameter(f"'{text}' is not a list of numbers", param_hint=name) from None
    if count is not None and len(values) != count:
        raise typer.BadParameter(f"'{text}' must be {count} numbers", param_hint=name)
    return values


def whole_numbers(text: str | None, name: str) -> tuple[int, ...] | None:
    """Whole numbers separated by commas. Raises typer.BadParameter."""
    if text is None:
        return None
    try:
        return tuple(int(part) for part in text.split(","))
    except ValueError:
        raise typer.BadParameter(
            f"'{text}' is not a list of numbers; give whole numbers", param_hint=name
        ) from None


def picture_size(text: str | None, name: str) -> tuple[int, int] | None:
    """WIDTHxHEIGHT. Raises typer.BadParameter."""
    if text is None:
        return None
    parts = text.lower().split("x")
    if len(parts) != 2 or not all(part.isascii() and part.isdigit() for part in parts):
        raise typer.BadParameter(f"'{text}' is not WIDTHxHEIGHT, such as 640x480", param_hint=name)
    return int(parts[0]), int(parts[1])
