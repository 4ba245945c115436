"""Loops that are compiled to machine code the first time they run, and kept for the next time.

Kernels are written as plain loops over arrays; numba makes vector instructions of the innermost
ones. They release the interpreter's lock, so that threads can run them side by side, and may add in
any order: sums of integers are exact all the same.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from contextlib import suppress
from types import FunctionType, ModuleType
from typing import Any, TypeVar, cast

import numba
import numpy as np
from numba.core.caching import FunctionCache

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
    kernel = numba.njit(**OPTIONS)(function)
    with suppress(RuntimeError):  # no folder to keep it in can be written to
        kernel._cache = _Kept(function)  # type: ignore[no-untyped-call]
    return cast(Kernel, kernel)


class _Kept(FunctionCache):
    """Machine code on disk, found again as long as all that it was made of is the same.

    By itself numba looks at the file that a function is in, but not at those of the loops that have
    become part of it: after an upgrade that changes only those it would go on with the old ones.
    """

    def _index_key(self, *call: object) -> tuple[object, ...]:
        return (*super()._index_key(*call), made_of(self._py_func))  # type: ignore[no-untyped-call]

    def save_overload(self, *compiled: object) -> None:
        with suppress(OSError):  # a full disk: it is compiled again the next time
            super().save_overload(*compiled)  # type: ignore[no-untyped-call]


def made_of(function: FunctionType) -> str:
    """A digest of what a function is compiled from: its instructions, and all that they name.

    These are numbers, which are constants to the compiler, and functions that are compiled, too.
    """
    code, names = function.__code__, function.__globals__
    found = hashlib.sha256(code.co_code + repr((code.co_consts, OPTIONS)).encode())
    modules = [vars(m) for n in code.co_names if isinstance(m := names.get(n), ModuleType)]
    for name in code.co_names:
        for scope in (names, *modules):
            value = scope.get(name)
            if isinstance(callee := getattr(value, "py_func", None), FunctionType):
                found.update(f"{name}: {made_of(callee)}".encode())
            elif isinstance(value, int | float | tuple | np.generic):
                found.update(f"{name}: {value!r}".encode())
    return found.hexdigest()
