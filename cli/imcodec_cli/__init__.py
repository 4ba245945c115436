"""The command line of imcodec: a thin mirror of the library."""

from __future__ import annotations

import sys


def main() -> None:
    """Run the command line and leave with its exit code."""
    if sys.argv[1:] in (["-V"], ["--version"]):
        from imcodec_cli.versions import print_versions

        print_versions()
        return
    import warnings

    from imcodec_cli.app import app
    from imcodec_cli.stopping import tidy_termination

    # What Pillow has to say of a strange file ends in a notice or in an error of ours.
    warnings.filterwarnings("ignore", module="PIL")
    with tidy_termination():
        app(prog_name="imcodec")
