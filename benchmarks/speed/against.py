"""The speed of the parts now, beside that at another commit, measured in the same minutes.

    python benchmarks/speed/against.py [COMMIT] [--rounds 2] [--limit 1.25]

COMMIT is the last commit if there are changes that are not committed, otherwise the one before it.
It is checked out into a temporary worktree; both take turns, and the fastest run of each counts, in
processor time.
Exit code 1 if a part takes more than `limit` times as long as before.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parents[2]
SPEED = Path(__file__).parent
#: processor time: others may use the machine, too
TIMER = "time.process_time"


def git(*arguments: str) -> str:
    """What git says."""
    command = ["git", "-C", str(ROOT), *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


def measured(tree: Path) -> dict[str, float]:
    """Seconds of the fastest run of each part, with the packages of a checkout."""
    with tempfile.TemporaryDirectory() as scratch:
        out = Path(scratch) / "speed.json"
        command = [sys.executable, "-m", "pytest", "-q", f"--benchmark-timer={TIMER}"]
        command += ["-c", str(SPEED / "pytest.ini"), str(SPEED), f"--benchmark-json={out}"]
        places = os.pathsep.join([str(tree / "codec"), str(tree / "cli")])
        done = subprocess.run(
            command, env=os.environ | {"PYTHONPATH": places}, capture_output=True, text=True
        )
        if not out.exists() or not out.stat().st_size:
            sys.exit(f"the benchmarks did not run in {tree}:\n{done.stdout}{done.stderr}")
        rows = json.loads(out.read_text())["benchmarks"]
    return {row["name"].removeprefix("test_"): row["stats"]["min"] for row in rows}


def fastest(runs: list[dict[str, float]]) -> dict[str, float]:
    """The smaller of several runs, part by part."""
    names = dict.fromkeys(name for run in runs for name in run)
    return {name: min(run[name] for run in runs if name in run) for name in names}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("commit", nargs="?")
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--limit", type=float, default=1.25)
    arguments = parser.parse_args()
    commit = arguments.commit or ("HEAD" if git("status", "--porcelain") else "HEAD~1")
    with tempfile.TemporaryDirectory() as scratch:
        tree = Path(scratch) / "before"
        git("worktree", "add", "--detach", str(tree), commit)
        try:
            runs: tuple[list[dict[str, float]], list[dict[str, float]]] = ([], [])
            for _ in range(arguments.rounds):
                for place, found in zip((tree, ROOT), runs, strict=True):
                    found.append(measured(place))
        finally:
            git("worktree", "remove", "--force", str(tree))
    before, now = map(fastest, runs)
    name = git("rev-parse", "--short", commit)
    print(f"| part | {name} | now | ratio |\n| --- | ---: | ---: | ---: |")
    worst = 0.0
    for part, seconds in now.items():
        if part not in before:
            print(f"| {part} | - | {1e3 * seconds:.2f} ms | - |")
            continue
        ratio = seconds / before[part]
        worst = max(worst, ratio)
        print(f"| {part} | {1e3 * before[part]:.2f} ms | {1e3 * seconds:.2f} ms | {ratio:.2f} |")
    sys.exit(1 if worst > arguments.limit else 0)


if __name__ == "__main__":
    main()
