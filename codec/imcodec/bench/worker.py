"""The process that does one thing for the bench: encode, decode, or judge.

    python -m imcodec.bench.worker

It reads requests from stdin, one JSON object a line, and answers each with one on stdout, until
stdin ends; it also ends itself as soon as stdin is closed, so that no orphan goes on computing.
A fresh process for each encoding makes its peak memory its own.
"""

from __future__ import annotations

import json
import os
import queue
import signal
import statistics
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

Result = TypeVar("Result")

#: a call is timed again until it was timed so often, or has taken so many seconds altogether
MOST_RUNS, ENOUGH_SECONDS = 3, 0.5


def timed(work: Callable[[], Result]) -> tuple[Result, float, int]:
    """The first result, the median of the seconds, and how often it ran."""
    seconds: list[float] = []
    first: list[Result] = []
    while len(seconds) < MOST_RUNS and sum(seconds) < ENOUGH_SECONDS:
        start = time.perf_counter()
        result = work()
        seconds.append(time.perf_counter() - start)
        first = first or [result]
    return first[0], statistics.median(seconds), len(seconds)


def peak_mb() -> float | None:
    """Peak resident memory of this process in 10^6 bytes."""
    try:
        # Linux: ru_maxrss would begin with the peak of whoever started this process.
        for line in Path("/proc/self/status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024 / 1e6
    except OSError:
        pass
    try:
        import resource
    except ImportError:
        return None
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak * (1 if sys.platform == "darwin" else 1024) / 1e6


def encode(request: dict[str, Any]) -> dict[str, Any]:
    """Encode "pixels" (.npy) with "codec" at "setting" on "device"; the file goes to "coded"."""
    import numpy as np

    from imcodec.bench.codecs import codec_named
    from imcodec.bench.ours import parts
    from imcodec.files import write_atomic

    codec = codec_named(request["codec"])
    pixels = np.load(request["pixels"])
    codec.warm_up(request["device"])
    made, seconds, runs = timed(
        lambda: codec.encode(pixels, request["setting"], request["threads"], request["device"])
    )
    peak = peak_mb()
    write_atomic(request["coded"], made.data)
    return {
        "bytes": len(made.data),
        "device": made.device,
        "version": codec.version(),
        "encode_s": seconds,
        "encode_runs": runs,
        "encode_mb": peak,
        "parts": parts(made.data) if codec.is_ours else None,
    }


def decode(request: dict[str, Any]) -> dict[str, Any]:
    """Decode the file "coded" with "codec"; the pixels go to "decoded" (.npy).

    Time and memory are our decoder's; the pixels of a file of ours are a stock onnxruntime's.
    """
    import numpy as np

    from imcodec.bench import ours
    from imcodec.bench.codecs import codec_named

    codec = codec_named(request["codec"])
    data = Path(request["coded"]).read_bytes()
    codec.decode(data, request["threads"])  # whatever is loaded once is loaded now
    pixels, seconds, runs = timed(lambda: codec.decode(data, request["threads"]))
    peak = peak_mb()
    np.save(request["decoded"], ours.shown(data) if codec.is_ours else pixels)
    return {"decode_s": seconds, "decode_runs": runs, "decode_mb": peak}


def judge(request: dict[str, Any]) -> dict[str, Any]:
    """How close "decoded" is to "pixels" (both .npy) by each of "metrics"."""
    import numpy as np

    from imcodec.bench.quality import measure_all

    pixels, decoded = (np.load(request[name]) for name in ("pixels", "decoded"))
    return {"quality": measure_all(pixels, decoded, request["metrics"])}


_TASKS = {"encode": encode, "decode": decode, "judge": judge}


def answer(request: dict[str, Any]) -> dict[str, Any]:
    """The answer to a request; what goes wrong is an answer, too."""
    try:
        return _TASKS[request["task"]](request)
    except MemoryError:
        return {"error": "not enough memory"}
    except Exception as error:
        return {"error": f"{type(error).__name__}: {error}" if str(error) else type(error).__name__}


def main() -> None:
    """Answer until nobody asks any more."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    # Libraries print now and then; the answers keep a channel of their own.
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    requests: queue.SimpleQueue[dict[str, Any]] = queue.SimpleQueue()

    def listen() -> None:
        for line in sys.stdin:
            requests.put(json.loads(line))
        os._exit(0)

    threading.Thread(target=listen, daemon=True).start()
    while True:
        request = requests.get()
        if "processors" in request and hasattr(os, "sched_setaffinity"):
            os.sched_setaffinity(0, request["processors"])
        answers.write(json.dumps(answer(request)) + "\n")
        answers.flush()


if __name__ == "__main__":
    main()
