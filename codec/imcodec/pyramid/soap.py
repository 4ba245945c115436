"""SOAP: Adam in the eigenbasis of Shampoo's preconditioner, for the small matrices of the networks.

Source: Vyas et al. 2024, "SOAP: Improving and Stabilizing Shampoo using Adam". For a matrix with
gradient G the running means of G G' and G' G are kept; now and then their eigenvectors become the
basis in which Adam's second moments are kept and its step is made.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

#: steps between two bases
EVERY = 10
#: added to a size, as a share of the matrix's mean size: less of it chases noise
EPSILON = 0.01


@dataclass
class Moments:
    """What is known about one parameter, seen as matrices [n, rows, columns]."""

    #: running means of G G' [n, rows, rows] and G' G [n, columns, columns], and their eigenvectors
    left: Tensor
    right: Tensor
    left_basis: Tensor
    right_basis: Tensor
    #: running mean of G, and of its square in the bases
    first: Tensor
    second: Tensor

    @classmethod
    def of(cls, parameter: Tensor) -> Moments:
        """At the beginning."""
        value = _matrices(parameter)
        count, rows, columns = value.shape
        left, right = torch.eye(rows).repeat(count, 1, 1), torch.eye(columns).repeat(count, 1, 1)
        return cls(
            torch.zeros_like(left),
            torch.zeros_like(right),
            left,
            right,
            torch.zeros_like(value),
            torch.zeros_like(value),
        )

    def turn(self) -> None:
        """Bases from the running means; second moments come along as if independent."""
        left, right = _axes(self.left, self.left_basis), _axes(self.right, self.right_basis)
        before = (left.mT @ self.left_basis).square_(), (right.mT @ self.right_basis).square_()
        self.second = before[0] @ self.second @ before[1].mT
        self.left_basis, self.right_basis = left, right


class Soap:
    """The optimiser. `groups` are lists of parameters, vectors, matrices or stacks of matrices.

    `rates` holds a learning rate a group, which may be changed between steps.
    """

    def __init__(
        self,
        groups: Sequence[Sequence[Tensor]],
        betas: tuple[float, float] = (0.8, 0.95),
        shampoo: float = 0.9,
    ) -> None:
        self.groups = [list(group) for group in groups]
        self.rates = [0.0] * len(self.groups)
        self.betas, self.shampoo = betas, shampoo
        self._moments = [[Moments.of(parameter) for parameter in group] for group in self.groups]
        self._steps = 0

    @torch.no_grad()
    def step(self) -> None:
        """One step along the parameters' gradients, which are dropped then."""
        self._steps += 1
        for group, rate, moments in zip(self.groups, self.rates, self._moments, strict=True):
            for parameter, known in zip(group, moments, strict=True):
                if parameter.grad is not None:
                    change = self._change(known, _matrices(parameter.grad))
                    parameter.sub_(rate * change.view_as(parameter))
                    parameter.grad = None

    def state(self) -> tuple[list[list[Moments]], int]:
        """All that is known about the parameters, and the steps made."""
        return self._moments, self._steps

    def resume(self, state: tuple[list[list[Moments]], int]) -> None:
        """Go on from a state of the same parameters."""
        self._moments, self._steps = state

    def _change(self, known: Moments, gradient: Tensor) -> Tensor:
        known.left.lerp_(gradient @ gradient.mT, 1 - self.shampoo)
        known.right.lerp_(gradient.mT @ gradient, 1 - self.shampoo)
        if self._steps % EVERY == 1:
            known.turn()
        left, right = known.left_basis, known.right_basis
        known.first.lerp_(gradient, 1 - self.betas[0])
        turned = left.mT @ gradient @ right
        known.second.mul_(self.betas[1]).addcmul_(turned, turned, value=1 - self.betas[1])
        mean = (left.mT @ known.first @ right) / (1 - self.betas[0] ** self._steps)
        square = known.second / (1 - self.betas[1] ** self._steps)
        size = square.mean((1, 2), keepdim=True).sqrt_()
        return left @ mean.div_(square.sqrt_().add_(EPSILON * size + 1e-30)) @ right.mT


def _axes(means: Tensor, before: Tensor) -> Tensor:
    """Eigenvectors of symmetric matrices [n, k, k]; those of `before` where there are none."""
    size = means.diagonal(dim1=1, dim2=2).sum(1)[:, None, None].double()
    try:
        axes: Tensor = torch.linalg.eigh(means / size.clamp_min(1e-300))[1]
    except RuntimeError:  # it did not converge: too many equal eigenvalues, or numbers lost
        return before
    return axes.to(means.dtype)


def _matrices(value: Tensor) -> Tensor:
    """A view as [n, rows, columns]."""
    if value.dim() < 2:
        return value.view(1, 1, -1)
    return value.reshape(-1, *value.shape[-2:])
