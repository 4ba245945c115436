"""Kills a process while it writes, and looks at what it leaves.

    python tests/kills.py [--kills 20] [--seed 1] [--signal KILL] [--encode]

The process writes two pictures' worth of bytes over one file in turn, as fast as it can, through
imcodec.files.write_atomic; with --encode it is `imcodec encode` instead, over an older file. It is
killed at a random moment. The file must be whole then, the old or the new one. Prints how often it
was which, and how many other files were left.
"""

from __future__ import annotations

import argparse
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

# Whoever runs this in the background may have SIGINT ignored, and that is handed on.
INTERRUPTIBLE = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler)\n"
#: the command line as a process that Ctrl-C always reaches
IMCODEC = (sys.executable, "-c", f"{INTERRUPTIBLE}from imcodec_cli import main; main()")
WRITER = f"""{INTERRUPTIBLE}
import sys
from imcodec.files import write_atomic
from imcodec_cli.stopping import tidy_termination
first, second = (bytes([n]) * 3_000_000 for n in (1, 2))
with tidy_termination():
    print("ready", flush=True)
    while True:
        write_atomic(sys.argv[1], first)
        write_atomic(sys.argv[1], second)
"""
CONTENTS = {bytes([n]) * 3_000_000: name for n, name in ((0, "old"), (1, "first"), (2, "second"))}


def killed_writer(folder: Path, delay: float, number: int) -> tuple[str, list[str]]:
    """What is in the file after a writer got a signal, and the names of other files."""
    target = folder / "picture.onnx"
    target.write_bytes(bytes(3_000_000))
    command = [sys.executable, "-c", WRITER, str(target)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as writer:
        assert writer.stdout is not None
        writer.stdout.readline()
        time.sleep(delay)
        end(writer, number)
    content = CONTENTS.get(target.read_bytes(), "broken")
    return content, [path.name for path in folder.iterdir() if path != target]


def end(process: subprocess.Popen[bytes], number: int) -> None:
    """Send a signal, and wait until the process is gone."""
    process.send_signal(number)
    try:
        process.wait(timeout=60)
    except subprocess.TimeoutExpired:
        process.kill()
        raise


def killed_encoder(folder: Path, delay: float, number: int) -> tuple[str, list[str]]:
    """The same for `imcodec encode` with a tiny network."""
    import numpy as np

    from imcodec import InvalidFileError, verify, write_picture
    from pictures import made_file, scene

    source, target, old = folder / "picture.png", folder / "picture.onnx", made_file()
    write_picture(np.asarray(scene(24, 16)), source)
    target.write_bytes(old)
    options = ["--layers", "1", "--width", "8", "--features", "normalised", "--epochs", "2"]
    command = [*IMCODEC, "encode", *options, str(source), str(target)]
    with subprocess.Popen(command, stderr=subprocess.DEVNULL) as encoder:
        time.sleep(delay)
        end(encoder, number)
    try:
        verify(target)
        content = "old" if target.read_bytes() == old else "new"
    except InvalidFileError:
        content = "broken"
    return content, [path.name for path in folder.iterdir() if path not in (source, target)]


def main() -> None:
    """Exit with 1 if a file was broken."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--signal", choices=("KILL", "TERM", "INT"), default="KILL")
    parser.add_argument("--encode", action="store_true")
    arguments = parser.parse_args()
    rng, counts, litter = random.Random(arguments.seed), Counter[str](), 0
    kill, longest = killed_writer, 0.2
    if arguments.encode:  # as long as it takes when nobody kills it, and a little more
        start = time.perf_counter()
        with tempfile.TemporaryDirectory() as folder:
            killed_encoder(Path(folder), 0, 0)
        kill, longest = killed_encoder, 1.1 * (time.perf_counter() - start)
    for _ in range(arguments.kills):
        with tempfile.TemporaryDirectory() as folder:
            number = getattr(signal, f"SIG{arguments.signal}")
            content, others = kill(Path(folder), rng.uniform(0, longest), number)
        counts[content] += 1
        litter += len(others)
    told = ", ".join(f"{count} {name}" for name, count in sorted(counts.items()))
    print(f"{arguments.kills} SIG{arguments.signal}: {told}; {litter} other files left")
    sys.exit(counts["broken"] > 0)


if __name__ == "__main__":
    main()
