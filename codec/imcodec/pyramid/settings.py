"""Settings of the pyramid model, and what they mean for one picture.

Quality is a number from 0 to 100 that stands for lambda, the price of a bit: the fit minimises
mean squared error (colours in 0 .. 1) + lambda * bits per pixel, with

    lambda = 10 ** (-1.6 - 0.024 * quality)

so that 25 more divide it by four: 100 is 1e-4 (very good), 75 is 4e-4 (a good photo), 50 is 1.6e-3,
25 is 6.3e-3, 0 is 2.5e-2 (a sketch). That is for a usual photo: with much texture it is more, with
little less (imcodec.pyramid.quality).

Effort is a number from 1 to 9 that stands for steps of the fit, about twice as many each.
"""

from __future__ import annotations

from dataclasses import dataclass

from imcodec.errors import UsageError
from imcodec.ranges import in_range, one_of

#: steps of each effort
STEPS = {1: 150, 2: 300, 3: 700, 4: 1500, 5: 3000, 6: 6000, 7: 11000, 8: 20000, 9: 35000}


#: what can be minimised
TUNES = ("psnr", "ssim", "perceptual")
#: ranges of what a file can be asked to be
TARGETS = {"target_size": (1, 10**10), "target_bpp": (1e-4, 1e3), "target_psnr": (1, 100)}


@dataclass(frozen=True)
class NetworkSize:
    """Sizes of the networks that a file carries."""

    #: filters of the context network's first layer
    filters: int
    #: hidden units of the synthesis
    units: int


NETWORKS: dict[str, NetworkSize] = {
    "tiny": NetworkSize(3, 12),
    "small": NetworkSize(5, 24),
    "medium": NetworkSize(8, 32),
    "large": NetworkSize(13, 40),
    "huge": NetworkSize(19, 48),
}


@dataclass(frozen=True)
class PyramidSettings:
    """Everything that decides what the encoder writes for this model."""

    #: 0 to 100, stands for lambda
    quality: float = 75.0
    #: the price of a bit; replaces quality
    lmbda: float | None = None
    #: bytes, bits per pixel (8 * bytes / pixels) or PSNR in dB that the file is to have: one of
    #: them at most, in place of quality and lmbda
    target_size: int | None = None
    target_bpp: float | None = None
    target_psnr: float | None = None
    #: 1 (fast) to 9 (small files)
    effort: int = 5
    #: steps of the fit; None: as effort says
    steps: int | None = None
    #: seconds that encoding may take, 0: as long as it needs
    time_limit: float = 0.0
    #: psnr: mean squared error; ssim: MS-SSIM; perceptual: a distance as the eye sees it
    tune: str = "psnr"
    #: size of the networks; auto: what is expected to make the smallest file
    network: str = "auto"
    #: whether short fits start from the trained networks that the package ships
    prior: bool = True
    #: "auto", "cpu", "cuda", "cuda:1", "mps"
    device: str = "auto"
    seed: int = 0
    #: threads of the encoder; 0: all processors
    threads: int = 0

    def __post_init__(self) -> None:
        in_range("quality", self.quality, 0, 100, whole=False)
        if self.lmbda is not None:
            in_range("lmbda", self.lmbda, 1e-6, 1, whole=False)
        for name, (low, high) in TARGETS.items():
            if getattr(self, name) is not None:
                in_range(name, getattr(self, name), low, high, whole=name == "target_size")
        if len(given := [name for name in TARGETS if getattr(self, name) is not None]) > 1:
            raise UsageError(f"{' and '.join(given)} exclude each other; give one of them")
        if given and self.lmbda is not None:
            raise UsageError(f"{given[0]} chooses lambda by itself; leave lmbda out")
        in_range("effort", self.effort, 1, 9)
        if self.steps is not None:
            in_range("steps", self.steps, 1, 10**6)
        in_range("time_limit", self.time_limit, 0, 10**7, whole=False)
        one_of("tune", self.tune, TUNES)
        one_of("network", self.network, ("auto", *NETWORKS))
        in_range("seed", self.seed, 0, 2**63 - 1)
        in_range("threads", self.threads, 0, 1024)
        if not isinstance(self.prior, bool):
            raise UsageError(f"prior is {self.prior!r}; it must be true or false")
        if not isinstance(self.device, str) or not self.device:
            raise UsageError("device must be 'auto', 'cpu', 'cuda', 'cuda:N' or 'mps'")

    @property
    def chosen_steps(self) -> int:
        """Steps of the fit."""
        return self.steps or STEPS[self.effort]


def lambda_of(quality: float) -> float:
    """The price of a bit at a quality of 0 to 100, for a usual picture."""
    return float(10 ** (-1.6 - 0.024 * quality))
