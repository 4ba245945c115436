"""Which processor fits the network, and how many threads it uses."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial

import torch

from imcodec.errors import UsageError

_CHOICES = "use auto, cpu, cuda, cuda:N or mps"


def pick_device(name: str) -> torch.device:
    """The device behind "auto", "cpu", "cuda", "cuda:N" or "mps".

    "auto" takes CUDA, then MPS, then the CPU. Raises UsageError for an explicit device that is not
    there: a long job must not run on the CPU because of a missing driver.
    """
    if name == "auto":
        if torch.cuda.is_available():
            return torch.device("cuda")
        return torch.device("mps" if torch.backends.mps.is_available() else "cpu")
    try:
        device = torch.device(name)
    except RuntimeError as error:
        raise UsageError(f"device '{name}' is unknown; {_CHOICES}") from error
    present = {
        "cpu": True,
        "cuda": (device.index or 0) < torch.cuda.device_count(),
        "mps": torch.backends.mps.is_available(),
    }
    if device.type not in present:
        raise UsageError(f"device '{name}' is not supported; {_CHOICES}")
    if not present[device.type]:
        raise UsageError(f"device '{name}' is not available here; --device auto takes what is")
    return device


def workers(threads: int, device: torch.device) -> ThreadPoolExecutor:
    """Threads that give work to a device, each with as many of its own as the caller has."""
    return ThreadPoolExecutor(threads, initializer=partial(_begin, torch.get_num_threads(), device))


def _begin(threads: int, device: torch.device) -> None:
    # a new thread's products run on all processors until it was told otherwise, and then round
    # another way: which of them computes what must not change the file
    torch.set_num_threads(threads)
    if device.type == "cuda":  # a thread that never spoke to the GPU says so at its first product
        torch.cuda.synchronize(device)


@contextmanager
def thread_limit(threads: int) -> Iterator[None]:
    """Run torch with `threads` threads (0: as it is), and put things back afterwards."""
    before = torch.get_num_threads()
    if threads:
        torch.set_num_threads(threads)
    try:
        yield
    finally:
        torch.set_num_threads(before)
