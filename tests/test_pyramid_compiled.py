"""Compiled loops: products against NumPy, and what happens where nothing can be kept on disk."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from imcodec.pyramid import products
from imcodec.pyramid.code_length import sigmoid
from imcodec.pyramid.compiled import compiled

N = 37
#: prints the gradients that a kernel with functions of its own finds
ELSEWHERE = """
import numpy as np
from imcodec.pyramid.distortion_kernel import _blocks
random = np.random.default_rng(0)
draw = lambda *shape: random.standard_normal(shape).astype(np.float32)
features, wanted, weights = draw(5, 4096), draw(3, 4096), (draw(12, 5), draw(12), draw(3, 12))
grads = tuple(map(np.zeros_like, weights))
total = _blocks(features, wanted, 0, 4096, weights, grads, np.float32(0.01))
print(total, *(grad.tobytes().hex() for grad in grads))
"""


#: a program: a function that calls one of another file, which knows a number of a third
CALLS = {
    "numbers_.py": "STEP = 1\n",
    "inner.py": """
from imcodec.pyramid.compiled import compiled
import numbers_

@compiled
def further(x):
    return x + numbers_.STEP
""",
    "outer.py": """
import resource, sys
from imcodec.pyramid.compiled import compiled
from inner import further

@compiled
def twice(x):
    return further(further(x))

if sys.argv[1:]:
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
print(twice(10))
""",
}


def random(*shape: int) -> products.Floats:
    generator = np.random.default_rng(sum(shape))
    return generator.standard_normal(shape).astype(np.float32)


def test_a_function_without_a_file_is_compiled_all_the_same() -> None:
    namespace: dict[str, Any] = {}
    exec("def twice(x):\n    return 2 * x", namespace)
    assert compiled(namespace["twice"])(21) == 42


def printed(folder: Path, *arguments: str | Path) -> str:
    """What Python prints that keeps its machine code in a folder."""
    environment = os.environ | {"NUMBA_CACHE_DIR": str(folder)}
    command = [sys.executable, *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=environment)
    return done.stdout


def test_what_was_kept_finds_the_same_as_what_was_just_compiled(tmp_path: Path) -> None:
    found = [printed(tmp_path, "-c", ELSEWHERE) for _ in range(2)]
    assert found[0] == found[1] != ""
    assert [*tmp_path.rglob("*.nbc")]


@pytest.fixture
def program(tmp_path: Path) -> Path:
    for name, text in CALLS.items():
        (tmp_path / name).write_text(text)
    return tmp_path / "outer.py"


def test_what_was_kept_is_not_used_when_what_it_calls_has_changed(
    program: Path, tmp_path: Path
) -> None:
    assert int(printed(tmp_path, program)) == 12
    kept = {*tmp_path.rglob("*.nbc")}
    assert kept
    assert int(printed(tmp_path, program)) == 12
    assert {*tmp_path.rglob("*.nbc")} == kept
    for name, old, new, then in [("inner.py", "x +", "x -", 8), ("numbers_.py", "= 1", "= 2", 6)]:
        (tmp_path / name).write_text(CALLS[name].replace(old, new))
        assert int(printed(tmp_path, program)) == then


def test_a_full_disk_keeps_nothing_and_breaks_nothing(program: Path, tmp_path: Path) -> None:
    assert int(printed(tmp_path, program, "nothing can be written")) == 12
    assert not [*tmp_path.rglob("*.nbc")]


@pytest.mark.parametrize("rows", [1, 2, 3, 5, 8])
@pytest.mark.parametrize("inputs", [1, 3, 4, 6, 9])
def test_products(rows: int, inputs: int) -> None:
    weight, bias = random(rows, inputs), random(rows)
    x, g = random(inputs, N + 5), random(rows, N + 5)
    out = np.full((rows, N + 5), 7, np.float32)
    products.product(out, weight, bias, x, N)
    np.testing.assert_allclose(out[:, :N], weight @ x[:, :N] + bias[:, None], rtol=1e-4, atol=1e-5)
    assert (out[:, N:] == 7).all()

    back = np.full((inputs, N + 5), 7, np.float32)
    products.transposed(back, weight, g, N)
    np.testing.assert_allclose(back[:, :N], weight.T @ g[:, :N], rtol=1e-4, atol=1e-5)
    assert (back[:, N:] == 7).all()

    found = np.ones((rows, inputs), np.float32)
    products.outer(found, g, x, N)
    np.testing.assert_allclose(found, 1 + g[:, :N] @ x[:, :N].T, rtol=1e-4, atol=1e-4)

    totals = np.ones(rows, np.float32)
    products.sums(totals, g, N)
    np.testing.assert_allclose(totals, 1 + g[:, :N].sum(1), rtol=1e-4, atol=1e-4)


def test_the_sigmoid_is_good_to_single_precision() -> None:
    places = np.linspace(-30, 30, 4001).astype(np.float32)
    found, bits = places.copy(), np.zeros(len(places), np.int32)
    sigmoid(found, bits, bits.view(np.float32), len(places))
    exact = 1 / (1 + np.exp(-places.astype(np.float64)))
    np.testing.assert_allclose(found, exact, rtol=3e-6)
    ends = np.array([-1e6, 1e6], np.float32)
    sigmoid(ends, bits, bits.view(np.float32), 2)
    assert ends[0] == pytest.approx(0, abs=1e-12)
    assert ends[1] == 1
