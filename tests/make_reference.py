"""Write docs/command-line.md, the reference of all commands, from the commands themselves.

    python tests/make_reference.py

test_docs.py fails when the page is not what this makes.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import typer.main

from imcodec_cli.app import app

PAGE = Path(__file__).parents[1] / "docs" / "command-line.md"

_START = """# Command line

Written by `python tests/make_reference.py`; do not edit.

Results go to stdout, everything else to stderr. `-` stands for stdin and stdout. With several
inputs, or a directory, each failure is reported and the rest is done.

| exit code | meaning |
| --- | --- |
| 0 | all is well |
| 1 | something failed: no permission, no space, a limit |
| 2 | the call makes no sense, or a package that it needs is missing |
| 3 | a file is damaged, or of another kind; it may not exist |
| 4 | a size or quality that was asked for cannot be reached |
| 130 | interrupted; the old output is untouched, unless `--keep-best` was asked for |
| 143 | terminated; the old output is untouched |
"""


def commands() -> dict[str, Any]:
    """All commands by name."""
    group: Any = typer.main.get_command(app)
    return dict(group.commands)


def reference() -> str:
    """The page as Markdown."""
    return "\n".join([_START, *(_section(*item) for item in commands().items())])


def _section(name: str, command: Any) -> str:
    arguments = [param for param in command.params if param.param_type_name == "argument"]
    options = [param for param in command.params if param.param_type_name == "option"]
    usage = " ".join(["imcodec", name, *(_argument(param) for param in arguments)])
    lines = [f"## `{usage}`", "", command.help, "", "| | |", "| --- | --- |"]
    lines += [f"| `{_argument(param)}` | {param.help} |" for param in arguments]
    lines += [f"| {_names(param)} | {_meaning(param)} |" for param in options]
    return "\n".join(lines) + "\n"


def _argument(param: Any) -> str:
    return str(param.metavar or param.name.upper())


def _names(param: Any) -> str:
    metavar = "" if param.is_flag or param.count else f" {param.metavar or param.name.upper()}"
    return ", ".join(f"`{name}{metavar}`" for name in param.opts)


def _meaning(param: Any) -> str:
    shown = isinstance(param.default, str | int | float) and not (param.is_flag or param.count)
    return f"{param.help} [default: {param.default}]" if shown else str(param.help)


if __name__ == "__main__":
    PAGE.parent.mkdir(exist_ok=True)
    PAGE.write_text(reference())
