"""Commands and options. Everything heavy is imported when a command runs, not before."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from imcodec.mlp_settings import STEPS, MlpSettings
from imcodec.pyramid.settings import NETWORKS, PyramidSettings
from imcodec_cli.options import (
    MAX_PIXELS,
    Debug,
    Json,
    MaxPixels,
    NoOverwrite,
    OutputDir,
    Quiet,
    Verbose,
    numbers,
    picture_size,
    whole_numbers,
)
from imcodec_cli.report import Report

#: so that the help cannot say other defaults than the library has
_DEFAULT = MlpSettings()
_PYRAMID = PyramidSettings()

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="An image codec whose files are small neural networks that any ONNX runtime can open.",
    epilog="imcodec encode bird.jpg; imcodec decode bird.onnx bird2x.png --scale 2",
)


def _print_versions(wanted: bool) -> None:
    if not wanted:
        return
    from imcodec_cli.versions import print_versions

    print_versions()
    raise typer.Exit


@app.callback()
def _top(
    version: Annotated[
        bool,
        typer.Option(
            "--version",
            "-V",
            is_eager=True,
            callback=_print_versions,
            help="Show the versions of imcodec, torch, onnx and onnxruntime.",
        ),
    ] = False,
) -> None:
    pass


@app.command(epilog="Examples: imcodec encode bird.jpg; imcodec encode photos/ -o files/")
def encode(
    paths: Annotated[
        list[str],
        typer.Argument(
            metavar="INPUT... [OUTPUT]",
            help="Pictures or directories; '-' is stdin. OUTPUT ends in .onnx, or is '-' (stdout).",
        ),
    ],
    output: OutputDir = None,
    quality: Annotated[
        float | None,
        typer.Option(
            "--quality",
            "-q",
            help="0 to 100; 25 more make bits about four times cheaper. Textured pictures pay more "
            "for them. "
            f"[default: {_PYRAMID.quality:g}]",
        ),
    ] = None,
    effort: Annotated[
        int | None,
        typer.Option(
            "--effort",
            "-e",
            help="1 (fast) to 9 (small files); each takes about twice as long as the one before. "
            f"[default: {_PYRAMID.effort}]",
        ),
    ] = None,
    target_size: Annotated[
        int | None,
        typer.Option(
            metavar="BYTES",
            help="Choose the quality so that the file has this size, or up to 2 % less.",
        ),
    ] = None,
    target_bpp: Annotated[
        float | None,
        typer.Option(metavar="BPP", help="The same in bits per pixel: 8 * bytes / pixels."),
    ] = None,
    target_psnr: Annotated[
        float | None,
        typer.Option(
            metavar="DB", help="Choose the quality so that the PSNR is this, or up to 0.1 dB more."
        ),
    ] = None,
    time_limit: Annotated[
        float | None,
        typer.Option(metavar="SECONDS", help="Take no longer than this for a picture."),
    ] = None,
    estimate: Annotated[
        bool,
        typer.Option(
            "--estimate", help="Only tell how long it will take, from the first steps of the fit."
        ),
    ] = False,
    keep_best: Annotated[
        bool,
        typer.Option(
            "--keep-best", help="On Ctrl-C, write the file as far as it has come (exit code 130)."
        ),
    ] = False,
    lmbda: Annotated[
        float | None,
        typer.Option(
            "--lambda",
            help="The price of a bit itself, 1e-6 to 1: minimise mse + lambda * bits per pixel.",
        ),
    ] = None,
    steps: Annotated[
        int | None, typer.Option(help="Steps of the fit. [default: as --effort says]")
    ] = None,
    tune: Annotated[
        str | None,
        typer.Option(
            help="What the picture is to be best in: psnr (mean squared error), ssim (MS-SSIM) or "
            f"perceptual; the last two take longer. [default: {_PYRAMID.tune}]"
        ),
    ] = None,
    network: Annotated[
        str | None,
        typer.Option(
            help=f"Size of a pyramid's networks: auto, {', '.join(NETWORKS)}. "
            f"[default: {_PYRAMID.network}]"
        ),
    ] = None,
    no_prior: Annotated[
        bool, typer.Option("--no-prior", help="Start short fits from untrained networks, too.")
    ] = False,
    model: Annotated[
        str | None,
        typer.Option(
            help="pyramid or mlp; the options from --recipe to --finetune belong to the mlp. "
            "[default: pyramid, or mlp if one of its options is given]"
        ),
    ] = None,
    recipe: Annotated[
        str | None,
        typer.Option(help="Start from named settings: article-1, article-2, article-3."),
    ] = None,
    layers: Annotated[
        int | None,
        typer.Option(
            help=f"Number of hidden layers, 0 to 64. [default: {len(_DEFAULT.activations)}]"
        ),
    ] = None,
    width: Annotated[
        str | None,
        typer.Option(
            metavar="N[,N...]",
            help="Width of the hidden layers, one for all or one for each, 1 to 4096. "
            "[default: chosen for the picture's size]",
        ),
    ] = None,
    activation: Annotated[
        str | None,
        typer.Option(
            metavar="A[,A...]",
            help="sigmoid, tanh, relu, relu1 (relu clipped at 1), sine, gelu or linear, one for "
            f"all hidden layers or one for each. [default: {_DEFAULT.activations[0]}]",
        ),
    ] = None,
    output_activation: Annotated[
        str | None,
        typer.Option(
            metavar="A",
            help=f"The same for the last layer. [default: {_DEFAULT.output_activation}]",
        ),
    ] = None,
    features: Annotated[
        str | None,
        typer.Option(
            help="What the network sees: raw, normalised or fourier. "
            f"[default: {_DEFAULT.features}]"
        ),
    ] = None,
    frequencies: Annotated[
        int | None,
        typer.Option(
            help=f"Plane waves of fourier features, 1 to 512. [default: {_DEFAULT.frequencies}]"
        ),
    ] = None,
    loss: Annotated[
        str | None,
        typer.Option(help=f"mse, l1, huber or ssim (a mix with l1). [default: {_DEFAULT.loss}]"),
    ] = None,
    optimiser: Annotated[
        str | None, typer.Option(help=f"adam or adamw. [default: {_DEFAULT.optimiser}]")
    ] = None,
    batch: Annotated[
        int | None, typer.Option(help=f"Pixels a step, 1 to 16777216. [default: {_DEFAULT.batch}]")
    ] = None,
    epochs: Annotated[
        int | None,
        typer.Option(
            help=f"Passes over all pixels, 1 to 1000000. [default: as many as make {STEPS} steps]"
        ),
    ] = None,
    lr: Annotated[
        float | None,
        typer.Option(help=f"Learning rate at the start, 1e-9 to 10. [default: {_DEFAULT.lr:g}]"),
    ] = None,
    schedule: Annotated[
        str | None,
        typer.Option(
            help=f"Learning rate over time: constant or cosine. [default: {_DEFAULT.schedule}]"
        ),
    ] = None,
    bits: Annotated[
        float | None,
        typer.Option(
            help=f"Bits a weight, 2 to 8, fractions allowed. [default: {_DEFAULT.bits:g}]"
        ),
    ] = None,
    finetune: Annotated[
        int | None,
        typer.Option(
            help="Epochs of fine-tuning with rounded weights, 0 to 1000000. [default: as --epochs]"
        ),
    ] = None,
    device: Annotated[
        str, typer.Option(help="auto, cpu, cuda, cuda:N or mps; one that is missing is an error.")
    ] = "auto",
    seed: Annotated[
        int, typer.Option(help="Same seed, same bytes (one machine, on a CPU); 0 or more.")
    ] = 0,
    threads: Annotated[
        int, typer.Option(help="Threads for fitting, 0 to 1024; 0: chosen for the job.")
    ] = 0,
    plot: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Draw the training curve (.png or .svg)."),
    ] = None,
    snapshots: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            help="Save the picture as it emerges: after each epoch, or steps 1, 2, 4, 8 ...",
        ),
    ] = None,
    max_pixels: MaxPixels = MAX_PIXELS,
    no_overwrite: NoOverwrite = False,
    quiet: Quiet = False,
    verbose: Verbose = 0,
    json: Json = False,
    debug: Debug = False,
) -> None:
    """Fit a network to a picture and write it as one ONNX file (bird.png -> bird.onnx)."""
    settings = {
        "model": model,
        "quality": quality,
        "effort": effort,
        "target_size": target_size,
        "target_bpp": target_bpp,
        "target_psnr": target_psnr,
        "time_limit": time_limit,
        "lmbda": lmbda,
        "steps": steps,
        "tune": tune,
        "network": network,
        "prior": False if no_prior else None,
        "recipe": recipe,
        "layers": layers,
        "width": whole_numbers(width, "--width"),
        "activation": tuple(activation.split(",")) if activation else None,
        "output_activation": output_activation,
        "features": features,
        "frequencies": frequencies,
        "loss": loss,
        "optimiser": optimiser,
        "batch": batch,
        "epochs": epochs,
        "lr": lr,
        "schedule": schedule,
        "bits": bits,
        "finetune": finetune,
        "device": device,
        "seed": seed,
        "threads": threads,
    }
    report = Report(quiet=quiet, verbose=verbose, json=json, debug=debug)
    with report.command():
        from imcodec_cli import encode as command

        command.run(
            report,
            paths,
            output,
            settings,
            overwrite=not no_overwrite,
            keep_best=keep_best,
            estimate=estimate,
            plot=plot,
            snapshots=snapshots,
            max_pixels=max_pixels,
        )


@app.command(epilog="Example: imcodec decode bird.onnx eye.png --crop 300,90,40,30 --scale 8")
def decode(
    paths: Annotated[
        list[str],
        typer.Argument(
            metavar="INPUT... [OUTPUT]",
            help="Files of ours or directories; '-' is stdin. The extension of OUTPUT decides its "
            "format: png, jpg, webp, avif, tif, bmp, ppm, gif; '-' is stdout.",
        ),
    ],
    output: OutputDir = None,
    scale: Annotated[
        float, typer.Option(help="Enlarge by this factor, above 0, fractions allowed.")
    ] = 1.0,
    size: Annotated[
        str | None,
        typer.Option(metavar="WxH", help="Size of the result in pixels, before --scale."),
    ] = None,
    crop: Annotated[
        str | None,
        typer.Option(
            metavar="X,Y,W,H",
            help="Only this rectangle, in pixels of the picture at scale 1, cut before scaling.",
        ),
    ] = None,
    format: Annotated[
        str | None, typer.Option(help="Format of the output where no extension tells it.")
    ] = None,
    threads: Annotated[int, typer.Option(min=0, help="Processors to use; 0: all.")] = 0,
    max_pixels: MaxPixels = MAX_PIXELS,
    no_overwrite: NoOverwrite = False,
    quiet: Quiet = False,
    verbose: Verbose = 0,
    json: Json = False,
    debug: Debug = False,
) -> None:
    """Make a picture of a file, at any scale (bird.onnx -> bird.png); -v shows where time goes."""
    view = {
        "scale": scale,
        "size": picture_size(size, "--size"),
        "crop": numbers(crop, "--crop", 4),
        "threads": threads,
        "max_pixels": max_pixels,
    }
    report = Report(quiet=quiet, verbose=verbose, json=json, debug=debug)
    with report.command():
        from imcodec_cli import decode as command

        command.run(report, paths, output, view, overwrite=not no_overwrite, format=format)


@app.command()
def info(
    files: Annotated[list[str], typer.Argument(help="Files of ours; '-' is stdin.")],
    weights: Annotated[
        bool, typer.Option("--weights", help="Print the weights of small layers (JSON: of all).")
    ] = False,
    json: Json = False,
    debug: Debug = False,
) -> None:
    """Show what is inside a file: picture, layers, quality, and where every byte went."""
    report = Report(json=json, debug=debug)
    with report.command():
        from imcodec_cli import inspect as command

        command.run_info(report, files, weights=weights)


@app.command()
def verify(
    files: Annotated[list[str], typer.Argument(help="Files of ours; '-' is stdin.")],
    quiet: Quiet = False,
    json: Json = False,
    debug: Debug = False,
) -> None:
    """Check that files are whole and what they claim to be. Exit code 3 if one is not."""
    report = Report(quiet=quiet, json=json, debug=debug)
    with report.command():
        from imcodec_cli import inspect as command

        command.run_verify(report, files)


@app.command()
def compare(
    a: Annotated[str, typer.Argument(help="A picture, or a file of ours, which is decoded.")],
    b: Annotated[str, typer.Argument(help="The same; both must have the same size.")],
    side_by_side: Annotated[
        Path | None, typer.Option(metavar="OUT", help="Draw both beside each other.")
    ] = None,
    quiet: Quiet = False,
    json: Json = False,
    debug: Debug = False,
) -> None:
    """Tell how close two pictures are: PSNR, SSIM, MS-SSIM, and bits per pixel of files of ours."""
    report = Report(quiet=quiet, json=json, debug=debug)
    with report.command():
        from imcodec_cli import compare as command

        command.run(report, a, b, side_by_side)


@app.command(epilog="Example: imcodec bench photos/ -o results --efforts 1,3 -j 2")
def bench(
    images: Annotated[
        list[str], typer.Argument(metavar="IMAGES", help="Pictures, or directories of them.")
    ],
    output: Annotated[
        Path,
        typer.Option(
            "--output",
            "-o",
            metavar="OUT",
            help="Directory for rows, files, plots and the report; rows that it has are kept.",
        ),
    ],
    codecs: Annotated[
        str,
        typer.Option(
            metavar="NAME[,NAME...]",
            help="imcodec, imcodec-mlp, article-1, article-2, article-3, jpeg, jpeg-progressive, "
            "webp, avif-420, avif-444, jxl, jxl-e9 or jpeg2000.",
        ),
    ] = "imcodec,jpeg,webp,avif-420,avif-444,jxl,jpeg2000",
    efforts: Annotated[
        str, typer.Option(metavar="N[,N...]", help="Efforts of imcodec, 1 to 9, each a codec.")
    ] = "1",
    qualities: Annotated[
        list[str] | None,
        typer.Option(
            metavar="[NAME=]Q[,Q...]",
            help="Qualities, 0 to 100, for all codecs or for one (imcodec=25,50,75); may be given "
            "several times. [default: a ladder for each codec]",
        ),
    ] = None,
    metrics: Annotated[
        str,
        typer.Option(
            metavar="NAME[,NAME...]",
            help="psnr, ms_ssim, ssim or ssimulacra2; one whose package is missing is left out.",
        ),
    ] = "psnr,ms_ssim,ssim,ssimulacra2",
    anchor: Annotated[
        str, typer.Option(metavar="NAME", help="The codec that the report compares with first.")
    ] = "avif-444",
    jobs: Annotated[
        int,
        typer.Option(
            "--jobs",
            "-j",
            min=1,
            max=1024,
            help="Rows made at a time; they share the processors, and each row says how many.",
        ),
    ] = 1,
    device: Annotated[
        str,
        typer.Option(
            help="What networks are fitted on: cpu, auto, cuda, cuda:N or mps; each row says which."
        ),
    ] = "cpu",
    shown: Annotated[
        int, typer.Option(min=0, help="Pictures in the report's slider, as far as they fit.")
    ] = 3,
    title: Annotated[str | None, typer.Option(help="Title of the report.")] = None,
    scaling: Annotated[
        bool,
        typer.Option(
            "--scaling",
            help="Instead: how time and memory grow with one picture's size, and with threads.",
        ),
    ] = False,
    sizes: Annotated[
        str, typer.Option(metavar="MP[,MP...]", help="Megapixels for --scaling.")
    ] = "0.1,0.25,0.5,1,2,4,8,12",
    threads: Annotated[
        str | None,
        typer.Option(
            metavar="N[,N...]", help="Threads for --scaling. [default: 1, 2, 4 ... processors]"
        ),
    ] = None,
    max_pixels: MaxPixels = MAX_PIXELS,
    quiet: Quiet = False,
    verbose: Verbose = 0,
    json: Json = False,
    debug: Debug = False,
) -> None:
    """Measure pictures and codecs: bits, quality, time, memory; rows, plots and an HTML report."""
    report = Report(quiet=quiet, verbose=verbose, json=json, debug=debug)
    with report.command():
        from imcodec_cli import bench as command

        if scaling:
            command.run_scaling(
                report,
                images,
                output,
                sizes=sizes,
                threads=threads or "",
                device=device,
                max_pixels=max_pixels,
            )
            return
        command.run(
            report,
            images,
            output,
            codecs=codecs,
            efforts=efforts,
            qualities=qualities or [],
            metrics=metrics,
            anchor=anchor,
            jobs=jobs,
            device=device,
            shown=shown,
            title=title,
            max_pixels=max_pixels,
        )
