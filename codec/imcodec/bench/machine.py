"""Where rows were made: processor, cores, versions, commit. No names of machines or people."""

from __future__ import annotations

import json
import os
import platform
import subprocess
from hashlib import sha256
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from imcodec.bench.codec import CPU
from imcodec.processors import processors

PACKAGES = ("numpy", "pillow", "torch", "numba", "onnx", "onnxruntime", "pillow-jxl-plugin")


def this_machine(device: str = CPU) -> dict[str, Any]:
    """What is worth knowing about this machine, for JSON; "id" is a digest of the rest.

    "accelerator" is there if `device` is one.
    """
    from imcodec import __version__

    found: dict[str, Any] = {
        "processor": _processor(),
        "cores": len(processors()),
        "memory_gb": _memory(),
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        "imcodec": __version__,
        "commit": _commit(),
        **({} if device == CPU else {"accelerator": _accelerator(device)}),
        "packages": {name: number for name in PACKAGES if (number := _installed(name))},
    }
    return {"id": sha256(json.dumps(found, sort_keys=True).encode()).hexdigest()[:8]} | found


def _accelerator(device: str) -> str:
    import torch

    from imcodec.devices import pick_device

    chosen = pick_device(device)
    return torch.cuda.get_device_name(chosen) if chosen.type == "cuda" else str(chosen)


def _installed(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()


def _memory() -> int | None:
    try:
        return round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9)
    except (ValueError, OSError, AttributeError):
        return None


def _commit() -> str | None:
    """The commit of the code that runs, "+" if it was changed since; None if it is no checkout.

    Where a copy without .git runs, the variable IMCODEC_COMMIT tells it.
    """
    if told := os.environ.get("IMCODEC_COMMIT"):
        return told
    command = ["git", "-C", str(Path(__file__).parent)]
    try:
        commit = subprocess.run(
            [*command, "rev-parse", "--short=10", "HEAD"],
            capture_output=True,
            text=True,
            check=True,
        ).stdout.strip()
        changed = subprocess.run(
            [*command, "status", "--porcelain", "--", "../../.."], capture_output=True, check=True
        ).stdout
    except (OSError, subprocess.CalledProcessError):
        return None
    return commit + ("+" if changed.strip() else "")
