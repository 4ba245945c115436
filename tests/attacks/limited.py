"""A process under limits that opens files, and tells how much memory it ever had.

Reads lines of JSON, {"path": ..., "run": "verify" or "decode", other keywords}, and answers each
with {"outcome": ..., "seconds": ..., "peak": megabytes}.
"""

from __future__ import annotations

import json
import re
import resource
import sys
import time
from pathlib import Path

from imcodec import ImcodecError, decode, verify

ADDRESS_SPACE = 4 << 30


def peak() -> float:
    """Megabytes that this process ever had; getrusage() counts those of its parent, too."""
    status = Path("/proc/self/status").read_text()
    return int(re.search(r"VmHWM:\s*(\d+) kB", status)[1]) / 1024  # type: ignore[index]


def main() -> None:
    resource.setrlimit(resource.RLIMIT_AS, (ADDRESS_SPACE, ADDRESS_SPACE))
    for line in sys.stdin:
        asked = json.loads(line)
        run = {"verify": verify, "decode": decode}[asked.pop("run")]
        start = time.perf_counter()
        try:
            run(asked.pop("path"), **asked)
            outcome = "accepted"
        except ImcodecError as error:
            outcome = f"{type(error).__name__}: {error}"
        seconds = time.perf_counter() - start
        print(json.dumps({"outcome": outcome, "seconds": seconds, "peak": peak()}), flush=True)


if __name__ == "__main__":
    main()
