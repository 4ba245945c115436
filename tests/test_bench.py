"""Benches: rows that survive, reports that need no network, one-line errors."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from console import Cli
from imcodec.bench import ours
from imcodec.bench.codec import CPU, Codec
from imcodec.bench.codecs import CODECS, DEFAULT, NAMES, chosen_codecs, codec_named
from imcodec.bench.matching import nearest_size
from imcodec.bench.measure import Crew, Worker
from imcodec.bench.plan import (
    Job,
    all_jobs,
    as_rgb,
    chosen_settings,
    coded_path,
    digest,
    load_picture,
)
from imcodec.bench.rows import Row, RowFile, read_rows
from imcodec.bench.run import run_jobs, shares
from imcodec.bench.shown import sheets
from imcodec.errors import InvalidFileError, UsageError
from imcodec.image import write_picture
from imcodec.metrics import psnr
from kills import IMCODEC
from make_reference import commands
from pictures import scene

CALL = ("bench", "bird.png", "-o", "out", "--metrics", "psnr", "--shown", "0")


def row(setting: float, **changes: object) -> Row:
    values = {"picture": "a.png", "sha256": "0", "width": 8, "height": 8, "codec": "jpeg"}
    values |= {"setting": setting, "version": "1", "bytes": 100, "quality": {"psnr": 30.5}}
    return Row(**(values | changes))  # type: ignore[arg-type]


# Rows


def test_rows_come_back(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    made = [row(1), row(2, encode_s=0.5, parts={"graph": 9}, quality={"psnr": None})]
    file = RowFile(path)
    file.add_machine({"id": "m", "cores": 2})
    for each in made:
        file.add(each)
    file.close()
    found = read_rows(path)
    assert found.rows == made
    assert found.machines == {"m": {"id": "m", "cores": 2}}
    assert made[1].bpp == 100 * 8 / 64


def test_a_line_that_was_cut_off_is_made_again(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_text(row(1).to_json() + "\n" + row(2).to_json()[:-9])
    assert [each.setting for each in read_rows(path).rows] == [1]
    file = RowFile(path)
    file.add(row(2))
    file.close()
    assert [each.setting for each in read_rows(path).rows] == [1, 2]


@pytest.mark.parametrize("line", ["{}", "nonsense", '{"machine": {}}', "[1]", '{"colour": 1}'])
def test_a_line_that_is_no_row_is_named(tmp_path: Path, line: str) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_text(row(1).to_json() + "\n" + line + "\n")
    with pytest.raises(InvalidFileError, match="line 2 is no row"):
        RowFile(path)


def test_versions_of_a_codec_are_not_mixed(tmp_path: Path) -> None:
    file = RowFile(tmp_path / "rows.jsonl")
    for each in (row(1), row(2), row(2, bytes=90), row(3, version="2"), row(1, codec="webp")):
        file.add(each)
    file.close()
    kept = read_rows(tmp_path / "rows.jsonl").current()
    assert [(each.codec, each.setting, each.version) for each in kept] == [
        ("jpeg", 3, "2"),
        ("webp", 1, "1"),
    ]


# What is to be measured


def test_codecs_by_name() -> None:
    chosen = chosen_codecs(["imcodec", "jpeg", "imcodec-e1"], [5, 1])
    assert [codec.name for codec in chosen] == ["imcodec-e5", "imcodec-e1", "jpeg"]
    for name in ("png", "imcodec-e", "imcodec-e0", "imcodec-e10"):
        with pytest.raises(UsageError):
            codec_named(name)


def test_the_help_names_all_codecs() -> None:
    options = {option.name: option for option in commands()["bench"].params}
    assert set(NAMES) == set(re.split(r", | or ", options["codecs"].help.rstrip(".")))
    assert options["codecs"].default == ",".join(DEFAULT)
    assert set(DEFAULT[1:]) <= CODECS.keys()


def test_qualities_for_all_and_for_one() -> None:
    codecs = chosen_codecs(["imcodec", "jpeg", "webp", "article-1"], [1, 2])
    found = chosen_settings(codecs, ["webp=7", "5,10", "imcodec=25,50"])
    assert found == {
        "imcodec-e1": (25, 50),
        "imcodec-e2": (25, 50),
        "jpeg": (5, 10),
        "webp": (7,),
        "article-1": codec_named("article-1").ladder,
    }
    for wrong in ("many", "101", "-1", "avif-444=5", "jpeg=", ""):
        with pytest.raises(UsageError):
            chosen_settings(codecs, [wrong])


def test_processors_are_shared() -> None:
    assert shares([0, 1, 2, 3], 2) == [[0, 1], [2, 3]]
    assert shares([4, 6, 7], 1) == [[4, 6, 7]]
    assert shares([5], 2) == [[5], [5]]


@pytest.mark.parametrize("name", [name for name in CODECS if not codec_named(name).is_ours])
def test_codecs_give_the_picture_back(name: str) -> None:
    codec = codec_named(name)
    codec.require()
    picture = scene(48, 40)
    sizes, qualities = [], []
    for setting in (codec.ladder[1], codec.ladder[-1]):
        data = codec.encode(picture, setting, 1, CPU).data
        assert codec.encode(picture, setting, 2, CPU).data == data
        decoded = codec.decode(data, 2)
        assert decoded.shape == picture.shape
        sizes.append(len(data))
        qualities.append(psnr(picture, decoded))
    assert sizes[0] < sizes[1]
    assert 18 < qualities[0] < qualities[1]
    assert codec.version()


@pytest.mark.parametrize("name", ["imcodec-e1", "imcodec-mlp", "article-1"])
def test_ours_are_fitted_on_the_device_asked_for(name: str) -> None:
    with pytest.raises(UsageError, match="device 'meta'"):
        codec_named(name).encode(scene(8, 8), 50, 1, "meta")


def test_only_ours_have_a_device(photo: Path, tmp_path: Path) -> None:
    picture = load_picture(photo, tmp_path, max_pixels=0)
    codecs = chosen_codecs(["imcodec", "article-1", "jpeg"], [1])
    settings = dict.fromkeys((codec.name for codec in codecs), (50.0,))
    jobs = all_jobs([picture], codecs, settings, ["psnr"], tmp_path, "cuda")
    assert [job.device for job in jobs] == ["cuda", "cuda", "cpu"]


def test_an_mlp_is_no_other_codec_when_the_pyramid_changes() -> None:
    versions = [codec_named(name).version() for name in ("imcodec-e1", "imcodec-mlp", "article-1")]
    assert versions[0] != versions[1] == versions[2]


def test_our_mlp_grows_with_its_quality() -> None:
    widths = [ours.width_for(768 * 512, ours.bits_for(quality)) for quality in (0, 25, 50, 75, 100)]
    assert widths == sorted(set(widths))
    assert ours.bits_for(50) == 0.2


def test_files_of_ours_are_judged_by_a_stock_runtime(model: Path) -> None:
    data = model.read_bytes()
    shown, decoded = ours.shown(data), ours.decode(data, 1)
    assert shown.shape == decoded.shape
    assert np.abs(shown.astype(int) - decoded).max() <= 1
    assert sum(ours.parts(data).values()) == len(data)


def test_other_pictures_become_rgb() -> None:
    grey, alpha = scene(6, 5, 1), scene(6, 5, 4)
    assert np.array_equal(as_rgb(grey), np.repeat(grey, 3, axis=2))
    assert as_rgb(alpha).shape == (5, 6, 3)
    assert digest(as_rgb(grey)) != digest(as_rgb(grey).reshape(3, 10, 3))


def test_nearest_size() -> None:
    quality, data = nearest_size(61, lambda quality: bytes(2 * quality))
    assert quality in (30, 31)
    assert len(data) == 2 * quality
    assert nearest_size(10**6, bytes)[0] == 100


def test_the_slider_shows_files_of_one_size(tmp_path: Path) -> None:
    """Our files as the bench left them if they are near, or else made to the size."""
    write_picture(scene(24, 16), tmp_path / "bird.png")
    picture = load_picture(tmp_path / "bird.png", tmp_path, max_pixels=0)
    asked: list[tuple[str, int]] = []
    rows: list[Row] = []

    def ours(name: str, sizes: dict[int, float]) -> None:
        for size, seconds in sizes.items():
            changes = {"picture": "bird.png", "sha256": picture.sha256, "codec": name}
            rows.append(row(size, bytes=size, encode_s=seconds, **changes))
            path = coded_path(tmp_path, "bird.png", picture.sha256, codec_named(name), size)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(bytes(size))

    def codec(name: str) -> Codec:
        def to_size(pixels: object, size: int) -> bytes:
            asked.append((name, size))
            return bytes(size + 1)

        fake = replace(codec_named(name), to_size=to_size)
        return replace(fake, decode=lambda data, threads: picture.load(), mime=None)

    ours("imcodec-e5", {100: 300.0, 200: 300.0})
    ours("imcodec-e3", {130: 300.0})
    ours("imcodec-e2", {203: 1.0})
    ours("imcodec-e1", {160: 1.0})
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("imcodec.bench.shown.codec_named", codec)
        sheet = sheets([picture], rows, tmp_path, 1)[-1]
        assert sheet.bytes == 200
        assert {v.codec: v.bytes for v in sheet.versions} == {
            "imcodec-e5": 200,
            "imcodec-e3": 130,
            "imcodec-e2": 203,
            "imcodec-e1": 201,
        }
        again = sheets([picture], rows, tmp_path, 1)
        assert again[-1] == sheet
    assert asked.count(("imcodec-e1", 200)) == 1


def test_a_judge_that_dies_costs_one_row(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """And a process that ends without an answer is an error that says so."""
    write_picture(scene(24, 16), tmp_path / "bird.png")
    picture = load_picture(tmp_path / "bird.png", tmp_path, max_pixels=0)
    jobs = [
        Job(picture, codec_named("jpeg"), quality, ["psnr"], tmp_path / f"{quality}.jpg")
        for quality in (10, 20, 30)
    ]
    judges: list[Worker] = []

    def measure(job: Job, crew: Crew, judge: Worker, *_: object) -> Row:
        judges.append(judge)
        if job.setting == 20:
            judge.kill()
        judge.ask({"task": "judge", "pixels": str(job.picture.pixels), "metrics": ["psnr"]}
                  | {"decoded": str(job.picture.pixels)})  # fmt: skip
        return row(job.setting)

    monkeypatch.setattr("imcodec.bench.run.measure", measure)
    failed: list[str] = []
    rows = RowFile(tmp_path / "rows.jsonl")
    run_jobs(
        jobs,
        rows,
        tmp_path,
        on_row=lambda standing: None,
        on_error=lambda job, error: failed.append(f"{job.setting}: {error}"),
    )
    rows.close()
    assert [each.setting for each in rows.found.rows] == [10, 30]
    assert failed == ["20: the process ended with code -9; is there enough memory?"]
    assert judges[0] is judges[1] is not judges[2]


# Benches


def test_a_bench(cli: Cli, tmp_path: Path) -> None:
    Image.fromarray(scene(200, 170)).save("bird.png")
    call = ("bench", "bird.png", "-o", "out", "--codecs", "jpeg,webp", "--shown", "1")
    call += (
        "--anchor",
        "jpeg",
        "--qualities",
        "20,80",
        "--metrics",
        "psnr,ssimulacra2",
        "--title",
        "A <b> & c",
    )
    done = cli(*call, "--json")
    assert done.code == 0, done.err
    rows = [r for r in done.rows if "codec" in r]
    assert [(r["codec"], r["setting"]) for r in rows] == [
        (codec, setting) for codec in ("jpeg", "webp") for setting in (20, 80)
    ]
    for each in rows:
        path = next(Path("out/files").glob(f"bird-*/{each['codec']}-{each['setting']:g}.*"))
        assert path.stat().st_size == each["bytes"]
        assert each["bpp"] == 8 * each["bytes"] / (200 * 170)
        with Image.open(path) as opened:
            decoded = np.asarray(opened.convert("RGB"))
        assert each["quality"]["psnr"] == pytest.approx(psnr(scene(200, 170), decoded), abs=1e-5)
        assert 0 < each["quality"]["ssimulacra2"] < 100
        assert each["encode_s"] > 0
        assert 10 < each["encode_mb"] < 1000
        assert each["cores"] >= 1
    made = read_rows(tmp_path / "out/rows.jsonl")
    assert set(made.machines) == {each.machine for each in made.rows}

    page = Path("out/report.html").read_text()
    check_report(page)
    assert "A &lt;b&gt; &amp; c" in page
    data = json.loads(
        re.search(r'<script type="application/json" id="data">(.*?)</script>', page)[1]
    )  # type: ignore[index]
    assert data["sets"][0]["codecs"] == ["jpeg", "webp"]
    assert data["published"] == []
    assert [version["codec"] for version in data["shown"][0]["versions"]] == ["jpeg", "webp"]
    for name in ("rate-psnr", "rate-ssimulacra2", "cost"):
        assert Path(f"out/{name}.png").stat().st_size > 5000
        assert b"<svg" in Path(f"out/{name}.svg").read_bytes()

    before = Path("out/rows.jsonl").read_bytes()
    again = cli(*call, "--json")
    assert again.code == 0
    assert [r for r in again.rows if "codec" in r] == []
    assert Path("out/rows.jsonl").read_bytes() == before


def check_report(page: str) -> None:
    """Nothing in it is fetched: no addresses but the name of a namespace and data of its own."""
    markup = re.sub(r'"data:[^"]*"', '""', page)
    assert set(re.findall(r"\w+://[^\s\"'`)]+", markup)) <= {"http://www.w3.org/2000/svg"}
    for pattern in (r"<link\b", r"@import", r"\burl\((?!#)", r"\bfetch\(", r"XMLHttpRequest"):
        assert not re.search(pattern, markup), pattern
    for pattern in (r"<script[^>]*\bsrc=", r"<iframe", r"\bimport\(", r"WebSocket", r'src="[^"]'):
        assert not re.search(pattern, markup), pattern
    assert "{{" not in markup


def interrupted_bench(tmp_path: Path, number: int) -> tuple[int, str]:
    """Start a bench of many rows and send it a signal after two of them."""
    Image.fromarray(scene(40, 30)).save(tmp_path / "bird.png")
    qualities = ",".join(str(quality) for quality in range(1, 91, 1))
    bench = subprocess.Popen(
        [*IMCODEC, *CALL, "--codecs", "jpeg", "--qualities", qualities],
        cwd=tmp_path,
        stderr=subprocess.PIPE,
        text=True,
    )
    path = tmp_path / "out" / "rows.jsonl"
    try:
        deadline = time.monotonic() + 100
        while not path.exists() or path.read_bytes().count(b"\n") < 3:
            assert time.monotonic() < deadline
            assert bench.poll() is None
            time.sleep(0.02)
        bench.send_signal(number)
        _, err = bench.communicate(timeout=60)
    finally:
        bench.kill()
    return bench.returncode, err


def test_a_killed_bench_ends_with_the_same_rows(cli: Cli, tmp_path: Path) -> None:
    code, _ = interrupted_bench(tmp_path, signal.SIGKILL)
    assert code == -signal.SIGKILL
    path = tmp_path / "out" / "rows.jsonl"
    before = read_rows(path).rows
    with path.open("a") as stream:
        stream.write('{"picture": "bird.p')
    settings = [each.setting for each in before] + [91, 95]
    qualities = ",".join(f"{setting:g}" for setting in settings)
    done = cli(*CALL, "--codecs", "jpeg", "--qualities", qualities, "-j", 2)
    assert done.code == 0, done.err
    rows = read_rows(path).rows
    assert rows[: len(before)] == before
    assert {each.setting for each in rows} == set(settings)
    assert len(rows) == len(settings)
    codec = codec_named("jpeg")
    for each in rows:
        data = codec.encode(scene(40, 30), each.setting, 1, CPU).data
        assert each.bytes == len(data)
        quality = psnr(scene(40, 30), codec.decode(data, 1))
        assert each.quality == {"psnr": round(quality, 6)}
    assert [len(each.key) for each in rows] == [4] * len(rows)


def test_ctrl_c_keeps_the_rows(tmp_path: Path) -> None:
    code, err = interrupted_bench(tmp_path, signal.SIGINT)
    assert code == 130
    assert err.splitlines()[-1].startswith("imcodec: interrupted; the same call goes on")
    assert "Traceback" not in err
    assert len(read_rows(tmp_path / "out" / "rows.jsonl").rows) >= 2


def test_a_codec_that_fails_is_one_line(cli: Cli) -> None:
    Image.new("RGB", (17000, 1)).save("bird.png")  # WebP ends at 16383
    done = cli(*CALL, "--codecs", "webp,jpeg", "--qualities", "50")
    assert done.code == 1
    (line,) = [line for line in done.lines if line.startswith("imcodec: ")]
    assert line.startswith("imcodec: bird.png, webp, 50: ")
    assert [each.codec for each in read_rows(Path("out/rows.jsonl")).rows] == ["jpeg"]


@pytest.mark.parametrize(
    ("call", "code", "words"),
    [
        (("bench", "bird.png"), 2, "--output"),
        (("bench", "nothing.png", "-o", "out"), 3, "no such file"),
        (("bench", "-", "-o", "out"), 2, "stdin"),
        (("bench", "empty", "-o", "out"), 2, "no pictures"),
        ((*CALL, "--codecs", "gif"), 2, "codec 'gif' is unknown"),
        ((*CALL, "--efforts", "fast"), 2, "--efforts fast"),
        ((*CALL, "--efforts", "12"), 2, "effort"),
        ((*CALL, "--qualities", "x"), 2, "--qualities x"),
        ((*CALL, "--metrics", "beauty"), 2, "metric 'beauty' is unknown"),
        ((*CALL, "--anchor", "gif"), 2, "codec 'gif' is unknown"),
        ((*CALL, "--device", "meta"), 2, "device 'meta' is not supported"),
        (("bench", "bird.png", "-o", "bird.png"), 1, "choose another directory"),
        (("bench", "bird.png", "bird.png", "-o", "out", "--scaling", "--sizes", "x"), 2, "one pic"),
        (("bench", "bird.png", "-o", "out", "--scaling", "--sizes", "x"), 2, "--sizes x"),
        (("bench", "bird.png", "-o", "out", "--scaling", "--sizes", "900"), 2, "megapixels"),
        (("bench", "bird.png", "-o", "out", "--scaling", "--threads", "0"), 2, "--threads 0"),
    ],
)
def test_errors_are_one_line(
    cli: Cli, photo: Path, call: tuple[str, ...], code: int, words: str
) -> None:
    Path("empty").mkdir()
    done = cli(*call)
    assert done.code == code
    assert words in done.err
    if "Usage" not in done.err:
        assert len([line for line in done.lines if line.startswith("imcodec: ")]) == 1
    assert "Traceback" not in done.err


def test_a_missing_package_is_told_before_the_work(
    cli: Cli, photo: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("imcodec.bench.outputs.find_spec", lambda name: None)
    done = cli(*CALL, "--codecs", "jpeg")
    assert done.code == 2
    assert 'needs bjontegaard; pip install "imcodec[bench]"' in done.err
    assert not Path("out").exists()


def test_a_codec_whose_package_is_missing_is_left_out(
    cli: Cli, photo: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("imcodec.bench.codec.find_spec", lambda name: None)
    done = cli(*CALL, "--codecs", "jxl,jpeg", "--qualities", "50", "--anchor", "jpeg")
    assert done.code == 0
    assert "JPEG XL is left out: jxl needs pillow-jxl-plugin" in done.err
    assert [each.codec for each in read_rows(Path("out/rows.jsonl")).rows] == ["jpeg"]


def test_rows_that_are_not_rows_stop_a_bench(cli: Cli, photo: Path) -> None:
    Path("out").mkdir()
    Path("out/rows.jsonl").write_text("hello\n")
    done = cli(*CALL, "--codecs", "jpeg")
    assert done.code == 3
    assert "line 1 is no row" in done.err
    assert Path("out/rows.jsonl").read_text() == "hello\n"
