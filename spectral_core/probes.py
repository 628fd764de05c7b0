"""Random probes ``v`` with ``E[v v.T] = I``, drawn on the CPU and then moved, so that all devices see the same ones."""

import torch

__all__ = ["KINDS", "draw_probes"]

KINDS = ("sphere", "rademacher", "gaussian")


def draw_probes(n, count, *, generator, kind="sphere", dtype=torch.float64, device="cpu"):
    """``(n, count)`` block of independent probes, one a column.

    ``rademacher``: entries +-1, the least variance where the diagonal dominates (``2 (||A||_F^2 - sum A_ii^2)``).
    ``gaussian``: standard normal, variance ``2 ||A||_F^2``. ``sphere`` (default): Gaussian of norm ``sqrt n``; every
    probe measures a true probability measure, also inside a subspace, variance about ``2 ||A - (tr A / n) I||_F^2``.

    Examples
    --------
    >>> v = draw_probes(9, 2, generator=torch.Generator(), kind="sphere")
    >>> bool(torch.allclose((v * v).sum(0), torch.tensor(9.0, dtype=v.dtype)))
    True
    """
    if kind not in KINDS:
        raise ValueError(f"probes are one of {', '.join(KINDS)}; got {kind!r}.")
    if not isinstance(count, int) or count < 1:
        raise ValueError(f"the number of probes must be a whole number, at least 1; got {count}.")
    if not isinstance(generator, torch.Generator):
        raise ValueError(
            f"generator must be a torch.Generator, such as torch.Generator().manual_seed(0); got {generator!r}."
        )
    if kind == "rademacher":
        block = torch.randint(0, 2, (n, count), generator=generator, dtype=torch.int8).to(dtype).mul_(2).sub_(1)
    else:
        block = torch.randn(n, count, generator=generator, dtype=torch.float64)  # one stream for every dtype
        if kind == "sphere":
            block *= n**0.5 / torch.linalg.vector_norm(block, dim=0)
    return block.to(dtype=dtype, device=device)
