"""Loops that are compiled to machine code the first time they run, and kept for the next time.

Kernels are written as plain loops over arrays; numba makes vector instructions of the innermost
ones. They release the interpreter's lock, so that threads can run them side by side, and may add in
any order: sums of integers are exact all the same.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar, cast

import numba

Kernel = TypeVar("Kernel", bound=Callable[..., object])

OPTIONS: dict[str, Any] = {
    "nogil": True,
    "fastmath": True,
    "error_model": "numpy",
    # A loop that others call becomes part of those. As a function of its own it would be one that
    # was compiled alone where all is compiled now, and one that was optimised with its caller where
    # the caller was kept: sums in another order, and other files from the same seed.
    "forceinline": True,
}


def compiled(function: Kernel) -> Kernel:
    """The function, compiled when it is called; kept on disk wherever that is possible."""
    try:
        return cast(Kernel, numba.njit(cache=True, **OPTIONS)(function))
    except RuntimeError:  # no folder to keep it in can be written to
        return cast(Kernel, numba.njit(**OPTIONS)(function))
