"""How much a spectrum owes to the data drawn: the bootstrap, one Lanczos run a resample."""

import numpy as np
import torch
from torch.utils._pytree import tree_flatten, tree_map

from spectral_core.curvature.data import taken
from spectral_core.estimators.quadrature import lanczos_quadrature_steps
from spectral_core.results import last

__all__ = ["density_band", "resampled_batches", "resampled_quadrature_steps", "resampled_quadratures"]


def resampled_batches(data, *, generator):
    """As many examples as there are, drawn from all of them with replacement, in mini-batches of the sizes given.

    Parameters
    ----------
    data : re-iterable of (inputs, targets)
        All examples of one shape.
    generator : torch.Generator

    Returns
    -------
    list of (inputs, targets)

    Raises
    ------
    ValueError
        No data, or mini-batches of different shapes, which can not be mixed.

    Examples
    --------
    >>> data = [(torch.arange(3.0), torch.arange(3)), (torch.arange(3.0, 5.0), torch.arange(3, 5))]
    >>> drawn = resampled_batches(data, generator=torch.Generator().manual_seed(0))
    >>> [len(inputs) for inputs, _ in drawn], all(torch.equal(x, y.float()) for x, y in drawn)
    ([3, 2], True)
    """
    pairs = [tuple(pair) for pair in data]
    if not pairs:
        raise ValueError("data holds no mini-batch: pass one (inputs, targets) pair at least.")
    first_tensors = [next(leaf for leaf in tree_flatten(pair[0])[0] if torch.is_tensor(leaf)) for pair in pairs]
    sizes = [len(tensor) for tensor in first_tensors]
    shapes = [_shapes(pair, size) for pair, size in zip(pairs, sizes, strict=True)]
    for index, shape in enumerate(shapes):
        if shape != shapes[0]:
            raise ValueError(
                f"examples of mini-batch {index + 1} are shaped otherwise than those of the first: a resample mixes them, so "
                "pad them to one shape."
            )
    which = torch.randint(sum(sizes), (sum(sizes),), generator=generator)

    def join(*leaves):
        per_example = all(
            torch.is_tensor(leaf) and leaf.dim() and len(leaf) == n for leaf, n in zip(leaves, sizes, strict=True)
        )
        return torch.cat(leaves) if per_example else leaves[0]

    whole = tree_map(join, *pairs)
    return [taken(whole, sum(sizes), part.to(first_tensors[0].device)) for part in which.split(sizes)]


def _shapes(pair, examples):
    leaves, structure = tree_flatten(pair)
    return str(structure), [
        (leaf.shape[1:], leaf.dtype) if leaf.dim() and len(leaf) == examples else (leaf.shape, leaf.dtype)
        for leaf in leaves
        if torch.is_tensor(leaf)
    ]


def resampled_quadrature_steps(make_operator, data, *, resamples, steps, generator, memory=1 << 30):
    """Yield after each Lanczos step a tuple of the `Quadrature` of each resample so far, the last one under way.

    Every run starts from the same random vector, so that the resamples differ by their data alone: less than the spread of
    one vector hides. The spread over resamples is that of the spectrum over data sets of this size, as far as the data at
    hand resemble their law. A resample holds the noise of the data once more: its extreme eigenvalues lie farther out, so
    read the bands as a width, not as a place.

    Parameters
    ----------
    make_operator : callable
        ``data -> operator``, such as ``lambda data: HessianOperator(model, loss, data)``.
    data : re-iterable of (inputs, targets)
        See `resampled_batches`.
    resamples, steps : int
    generator : torch.Generator
        For the vector and for the resamples.
    memory : int
        Bytes for the Lanczos vectors of one run.

    Notes
    -----
    Cost: ``resamples * steps`` products, and an operator a resample. Source: Efron 1979.
    """
    if resamples < 1:
        raise ValueError(f"at least one resample is needed; got {resamples}.")
    seed, done = int(torch.randint(2**62, (), generator=generator)), ()
    for _ in range(resamples):
        H = make_operator(resampled_batches(data, generator=generator))
        start = torch.Generator().manual_seed(seed)
        for q in lanczos_quadrature_steps(H, steps=steps, probes=1, generator=start, memory=memory):
            yield (*done, q)
        done = (*done, q)
        del H  # before the next is made


def resampled_quadratures(make_operator, data, *, resamples, steps, generator, memory=1 << 30):
    """The last item of `resampled_quadrature_steps`.

    Examples
    --------
    >>> from spectral_core.curvature import HessianOperator
    >>> g = torch.Generator().manual_seed(0)
    >>> x = torch.randn(50, 2, generator=g)
    >>> make = lambda data: HessianOperator(torch.nn.Linear(2, 1, bias=False), "squared error", data)
    >>> runs = resampled_quadratures(make, [(x, x[:, :1])], resamples=3, steps=2, generator=g)
    >>> [run.nodes.shape for run in runs]
    [(1, 2), (1, 2), (1, 2)]
    """
    options = {"resamples": resamples, "steps": steps, "generator": generator, "memory": memory}
    return last(resampled_quadrature_steps(make_operator, data, **options))


def density_band(quadratures, x, sigma, *, level=0.9):
    """``(lower, upper)``: quantiles over resamples of the smoothed densities at the points `x`, (len(x),) each; no product.

    Pass finished runs of equal depth. With r resamples a quantile beyond ``1/(r + 1)`` is the extreme of them.
    """
    if not len(quadratures):
        raise ValueError("a band needs at least one resample; got none.")
    if not 0 < level < 1:
        raise ValueError(f"the level lies between 0 and 1; got {level}.")
    rows = np.stack([q.smoothed(x, sigma) for q in quadratures])
    return tuple(np.quantile(rows, [0.5 - level / 2, 0.5 + level / 2], axis=0, method="weibull"))
