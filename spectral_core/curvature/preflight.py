"""What a run will take, before it is begun: for the cost of one gradient."""

import time
from dataclasses import dataclass

import torch

from spectral_core.curvature.product_ways import Plan, choose, tracing_seconds

__all__ = ["Preflight", "preflight"]


@dataclass(frozen=True, eq=False)
class Preflight:
    """What is known of a curvature matrix before its first product.

    Attributes
    ----------
    notes : tuple of str
        What was switched, left out or replaced.
    plan : Plan
        The way that the products will probably go: the choice before anything was traced.
    products : int
        That it is for.
    seconds : float
        About how long they take, tracing included: one gradient, measured, times what the plan costs. Within a factor of two
        or so; products with many vectors at once take less.
    gradient_seconds : float
        Of the gradient that was measured.
    parameters, examples, batches : int
        ``P``, and mini-batches as the data gave them.
    loss_value, gradient_norm : float
        ``L`` without and ``||g||`` with weight decay.
    """

    notes: tuple[str, ...]
    plan: Plan
    products: int
    seconds: float
    gradient_seconds: float
    parameters: int
    examples: int
    batches: int
    loss_value: float
    gradient_norm: float

    @property
    def memory(self):
        """Bytes at most, beyond the data's."""
        return self.plan.memory


def preflight(H, products):
    """The `Preflight` of a `CurvatureOperator`; nothing is kept or traced.

    Examples
    --------
    >>> from spectral_core.curvature import HessianOperator
    >>> H = HessianOperator(torch.nn.Linear(2, 1), "squared error", [(torch.eye(2), torch.zeros(2, 1))])
    >>> ahead = H.preflight(10)
    >>> ahead.parameters, ahead.examples, ahead.batches, ahead.plan.way in ("recomputed", "retained", "linearised")
    (3, 2, 1, True)
    """
    if products < 1:
        raise ValueError(f"a run has at least one product; got {products}.")
    plan = choose(H._sizes, H.kind, products, H.memory)
    begun = time.perf_counter()
    norm = float(torch.linalg.vector_norm(H.gradient()))  # a number: waits for the device
    taken = time.perf_counter() - begun
    return Preflight(
        notes=H.notes,
        plan=plan,
        products=int(products),
        seconds=products * plan.gradients * taken + (tracing_seconds(H._sizes, H.kind) if plan.traced else 0.0),
        gradient_seconds=taken,
        parameters=H.shape[0],
        examples=sum(batch.examples for batch in H.batches),
        batches=len({batch.where for batch in H.batches}),
        loss_value=H.loss_value,
        gradient_norm=norm,
    )
