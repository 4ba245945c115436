"""The command line of imcodec: a thin mirror of the library."""

from __future__ import annotations


def main() -> None:
    """Run the command line and leave with its exit code."""
    from imcodec_cli.app import app

    app(prog_name="imcodec")
