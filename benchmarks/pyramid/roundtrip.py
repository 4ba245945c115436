"""Round trips through files, and their check by a bare onnxruntime.

    python roundtrip.py write DIR      writes cases: NAME.onnx, NAME.debug.onnx, NAME.npz python
    roundtrip.py check DIR      decodes them; needs only numpy and onnxruntime, of any version

A case passes when every latent of every level is equal, all lane states end in 2**16, all words
were read, the bare file draws the same pixels as the debug file, and these are within 1 of the
NumPy reference.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np

TRAIN = Path("../shared/data/train")
SIZES = ((1, 1), (1, 4000), (4000, 1), (37, 53), (2049, 13), (512, 768), (480, 640))


def cases() -> dict[str, dict[str, Any]]:
    """Name -> height, width, channels, kind, source of the latents and context options."""
    found: dict[str, dict[str, Any]] = {}
    for index, (height, width) in enumerate(SIZES):
        for kind in ("halfrow", "fourphase"):
            if kind == "fourphase" and min(height, width) == 1 and height != width:
                continue  # no flat geometry for the lattice
            channels = (3, 1, 4, 2)[index % 4]
            name = f"{kind}-{height}x{width}-{channels}"
            found[name] = {"size": (height, width), "channels": channels, "kind": kind}
    found["halfrow-photo"] = {
        "size": (512, 768),
        "channels": 3,
        "kind": "halfrow",
        "photo": True,
        "depth": 3,
    }
    found["halfrow-ahead"] = {
        "size": (120, 200),
        "channels": 3,
        "kind": "halfrow",
        "lookahead": True,
    }
    found["halfrow-shared"] = {"size": (120, 200), "channels": 3, "kind": "halfrow", "shared": True}
    found["halfrow-wide"] = {
        "size": (97, 131),
        "channels": 3,
        "kind": "halfrow",
        "taps": 5,
        "queue": 9,
    }
    found["halfrow-fresh"] = {
        "size": (120, 200),
        "channels": 3,
        "kind": "halfrow",
        "fresh": True,
        "queue": 3,
        "taps": 5,
    }
    found["halfrow-wild"] = {
        "size": (200, 300),
        "channels": 4,
        "kind": "halfrow",
        "photo": True,
        "step": 2.0,
    }
    return found


def write(folder: Path) -> None:
    from context_int import decode_latents, encode_latents
    from geometry import choose_geometry
    from graph_pyramid import Picture, build
    from PIL import Image
    from rans import START
    from reference import draw, lattice_grid, pixel_grid
    from samples import laplace_latents, photo_latents, random_context, random_synthesis
    from tables import Table

    folder.mkdir(parents=True, exist_ok=True)
    photo = sorted(TRAIN.glob("*.png"))[3]
    grey = np.asarray(Image.open(photo).convert("L"))
    for name, case in cases().items():
        height, width = case["size"]
        geometry = choose_geometry(height, width, lattice=case["kind"] == "fourphase")
        options = {
            k: case[k]
            for k in ("depth", "lookahead", "shared", "taps", "queue", "fresh")
            if k in case
        }
        table = Table()
        context = random_context(case["kind"], table=table, **options)
        latents = laplace_latents(geometry)
        if "photo" in case:
            latents = photo_latents(geometry, grey, case.get("step", 16.0))
        payload, planes = encode_latents(context, geometry, table, latents)
        clamped = sum(int((a != b).sum()) for a, b in zip(latents, planes, strict=True))
        again, decoder = decode_latents(context, geometry, table, payload)
        assert all((a == b).all() for a, b in zip(again, planes, strict=True)), name
        assert (decoder.states == START).all(), name
        assert decoder.position == len(payload.words), name
        picture = Picture(
            geometry,
            context,
            table,
            random_synthesis(geometry.levels, case["channels"]),
            header="1",
        )
        data = build(picture, payload)
        assert data == build(picture, payload)
        (folder / f"{name}.onnx").write_bytes(data)
        (folder / f"{name}.debug.onnx").write_bytes(build(picture, payload, debug=True))
        grid, parts = lattice_grid(geometry)
        expected = draw(picture, planes, pixel_grid(height, width))
        np.savez(
            folder / name,
            grid=grid,
            pixels=pixel_grid(height, width),
            expected=expected,
            step=table.step,
            words=len(payload.words),
            starts=[part.start for part in parts],
            latents=np.concatenate([plane.ravel() for plane in planes]),
        )
        graph = len(data) - payload.size - picture.weight_bytes - 13
        print(
            f"{name:24s} lanes {geometry.lanes:4d} levels {geometry.levels} "
            f"symbols {geometry.symbols:7d} graph {graph} payload {payload.size} "
            f"(ideal {payload.ideal_bits / 8:.0f}) clamped {clamped}",
            flush=True,
        )


def check(folder: Path) -> bool:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.log_severity_level = 3
    good = True
    for path in sorted(folder.glob("*.npz")):
        case = np.load(path)
        debug, bare = (
            onnxruntime.InferenceSession(
                str(path.with_suffix(suffix)), options, providers=["CPUExecutionProvider"]
            )
            for suffix in (".debug.onnx", ".onnx")
        )
        _, features, states, position = debug.run(None, {"grid": case["grid"]})
        found = np.rint(features.reshape(len(features), -1) / -case["step"])
        ends = [*case["starts"][1:], found.shape[1]]
        found = np.concatenate(
            [found[i, a:b] for i, (a, b) in enumerate(zip(case["starts"], ends, strict=True))]
        )
        rgb = bare.run(None, {"grid": case["pixels"]})[0]
        same = debug.run(["rgb"], {"grid": case["pixels"]})[0]
        wrong = {
            "latents": int((found != case["latents"]).sum()),
            "states": int((states != 65536).sum()),
            "position": int(position.ravel()[0] != case["words"]),
            "rgb": int((rgb != same).sum()),
            "pixels off by 2": int((np.abs(rgb.astype(int) - case["expected"]) > 1).sum()),
            "shape": int(rgb.shape != case["expected"].shape or rgb.dtype != np.uint8),
        }
        if any(wrong.values()):
            good = False
            print("WRONG", path.stem, wrong)
    print("onnxruntime", onnxruntime.__version__, "all exact" if good else "FAILED", flush=True)
    return good


if __name__ == "__main__":
    if sys.argv[1] == "write":
        write(Path(sys.argv[2]))
    else:
        sys.exit(not check(Path(sys.argv[2])))
