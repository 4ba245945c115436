"""What the user is told: results on stdout, everything else on stderr.

A Report also turns errors into one line and an exit code, file by file.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any, NoReturn, TypeVar

import typer

from imcodec.files import display_name
from imcodec_cli.exit_codes import FAILED, INTERRUPTED, exit_code

Job = TypeVar("Job")


class Report:
    """Collects the outcome of a command."""

    def __init__(
        self, *, quiet: bool = False, verbose: int = 0, json: bool = False, debug: bool = False
    ) -> None:
        self.quiet = quiet
        self.verbose = verbose
        self.json = json
        self.debug = debug
        #: what Ctrl-C leaves behind
        self.interrupted = "no output was changed since the last finished file"
        self._code = 0

    def note(self, text: str) -> None:
        """A line for people, on stderr; --quiet hides it."""
        if not self.quiet:
            _to_stderr(text)

    def detail(self, text: str) -> None:
        """A line that only -v shows."""
        if self.verbose:
            self.note(text)

    def say(self, text: str) -> None:
        """A line that people asked for, on stdout; --quiet and --json hide it."""
        if not (self.quiet or self.json):
            print(display_name(text), flush=True)

    def result(self, values: dict[str, Any]) -> None:
        """One JSON object on stdout, if --json was given."""
        if self.json:
            sys.stdout.write(json.dumps(values, allow_nan=False) + "\n")
            sys.stdout.flush()

    def error(
        self, error: BaseException, name: str = "", values: dict[str, Any] | None = None
    ) -> None:
        """One line on stderr, and the exit code that goes with it.

        `values` are what is to be said in JSON besides.
        """
        from imcodec.errors import ImcodecError

        if self.debug and not isinstance(error, KeyboardInterrupt):
            import traceback

            traceback.print_exception(error)
        code = exit_code(error)
        if isinstance(error, ImcodecError):
            text = str(error)
            if name:
                text = f"{name}: {_without_name(text, name)}"
        elif isinstance(error, MemoryError):
            text = f"{name or 'imcodec'}: not enough memory; use a smaller picture or fewer threads"
        else:
            text = (
                f"{name + ': ' if name else ''}internal error: {type(error).__name__}: {error}; "
                "please report it (--debug shows where it happened)"
            )
        text = " ".join(text.split())
        _to_stderr(f"imcodec: {text}")
        self.result({"input": name or None} | (values or {}) | {"error": text, "exit_code": code})
        self._code = self._code or code

    def each(
        self, jobs: Iterable[Job], name: Callable[[Job], str], work: Callable[[Job], None]
    ) -> None:
        """Do `work` for every job; one that fails is reported and the rest is done."""
        for job in jobs:
            try:
                work(job)
            except BrokenPipeError:
                raise
            except Exception as error:
                self.error(error, name(job))

    @contextmanager
    def command(self) -> Iterator[None]:
        """Around a whole command: leaves with the exit code, whatever happens."""
        try:
            yield
            # Here and not when Python ends, where a reader that has gone makes a traceback.
            sys.stdout.flush()
        except typer.Exit:
            raise
        except KeyboardInterrupt:
            _to_stderr(f"imcodec: interrupted; {self.interrupted}")
            raise typer.Exit(INTERRUPTED) from None
        except BrokenPipeError:
            _close_broken_stdout()
            raise typer.Exit(FAILED) from None
        except Exception as error:
            self.error(error)
        self.leave()

    def leave(self) -> NoReturn:
        """End the process with the exit code of the first failure, or 0."""
        raise typer.Exit(self._code)


def _without_name(text: str, name: str) -> str:
    """The message without the name of the file, or the last part of it, at its start."""
    for prefix in (name, os.path.basename(name)):  # noqa: PTH119 (the name may be "-")
        if text.startswith(f"{display_name(prefix)}: "):
            return text[len(display_name(prefix)) + 2 :]
    return text


def _to_stderr(text: str) -> None:
    # Names of files may hold anything, escape sequences of terminals for one.
    print(display_name(text), file=sys.stderr, flush=True)


def _close_broken_stdout() -> None:
    """Whoever read our output has gone; keep Python from complaining about it at exit."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
