"""Outliers of mini-batch Hessians: measured by Lanczos, and predicted by every model of the noise, over batch sizes."""

from dataclasses import dataclass, replace

import numpy as np
import torch

from spectral_core.batch_scaling import predictions
from spectral_core.batch_scaling.full_batch import CriticalBatchSize, FullBatch, checked_batch_sizes, full_batch_steps
from spectral_core.batch_scaling.mini_batches import mini_batch, population
from spectral_core.curvature.ggn import GGNOperator
from spectral_core.curvature.hessian import HessianOperator
from spectral_core.krylov.thick_restart_lanczos import thick_restart_lanczos_steps
from spectral_core.probes import draw_probes
from spectral_core.results import frozen, last, mean_and_standard_error

__all__ = ["Outliers", "outlier_steps", "outliers"]

MATRICES = {"hessian": HessianOperator, "gauss-newton": GGNOperator}
TOLERANCE, MOST = 1e-2, 300  # of mini-batch eigenvalues: their errors are the square of it; products at most
BASIS, KEEP = 80, 30


@dataclass(frozen=True, eq=False)
class Outliers:
    """Leading eigenvalues of mini-batch matrices over batch sizes: arrays (batch size, outlier), means over draws.

    Attributes
    ----------
    full_batch : FullBatch
    batch_sizes, effective : (m,) arrays
        ``B``, and ``b`` of ``1/b = (1/B - 1/N) N/(N - 1)``.
    draws : (m,) array
        Mini-batches measured so far.
    values : tuple of (draws, o + 2) arrays
        Of each mini-batch: the o largest eigenvalues, the next one, and the smallest Ritz value.
    predicted : tuple of (draws, o) arrays
        The refined prediction of each.
    measured, standard_error : (m, o) arrays
        NaN and ``inf`` before there is one, or two.
    edge, lowest : (m,) arrays
        Mean of the eigenvalue after the outliers, the bulk's upper edge, and of the smallest Ritz value.
    overlap, overlap_error : (m, o) arrays
        Squared cosine between the i-th eigenvectors of mini-batch and of all data.
    wigner, additive, multiplicative, second_order, local, refined, free : (m, o) arrays
        Predictions of `predictions`. `second_order` is ``l_i + s^2(u_i)/(b l_i)``.
    refined_same : (m, o) array
        The refined prediction of the very mini-batches that were measured: chance cancels in its ratio to `measured`.
    wigner_edge, free_edge : (m,) arrays
    wigner_overlap, local_overlap, refined_overlap : (m, o) arrays
        ``1 - s^2/(b l^2)`` with the noise of random directions (Theorem 17), with that at u_i, and of the refinement.
    second_order_error, local_error, refined_error, refined_deviation : (m, o) arrays
        Standard errors; and how far single mini-batches lie from the mean.
    critical_batch_size : CriticalBatchSize
    products : int
        Spent in all; a product with a mini-batch counts as its share B/N of one.
    notes : tuple of str
    stopped : str
    """

    full_batch: FullBatch
    batch_sizes: np.ndarray
    effective: np.ndarray
    draws: np.ndarray
    values: tuple
    predicted: tuple
    measured: np.ndarray
    standard_error: np.ndarray
    edge: np.ndarray
    lowest: np.ndarray
    overlap: np.ndarray
    overlap_error: np.ndarray
    wigner: np.ndarray
    wigner_edge: np.ndarray
    wigner_overlap: np.ndarray
    additive: np.ndarray
    multiplicative: np.ndarray
    second_order: np.ndarray
    second_order_error: np.ndarray
    local: np.ndarray
    local_error: np.ndarray
    local_overlap: np.ndarray
    refined: np.ndarray
    refined_error: np.ndarray
    refined_deviation: np.ndarray
    refined_overlap: np.ndarray
    refined_same: np.ndarray
    free: np.ndarray
    free_edge: np.ndarray
    critical_batch_size: CriticalBatchSize
    products: float
    notes: tuple[str, ...] = ()
    stopped: str = ""

    @property
    def full(self):
        """The same eigenvalues of all data, (o,)."""
        return self.full_batch.eigenvalues[:-1]

    @property
    def adjusted(self):
        """``E refined + mean(measured - refined)`` over the mini-batches measured, (m, o), and its standard error.

        The same mean as `measured`, without bias, with the refined prediction as a control variate: where one example in
        thousands makes an outlier of its own, a few mini-batches do not hold it and their plain mean and error mislead.
        """
        pairs = zip(self.values, self.predicted, strict=True)
        rows = [values[:, : len(self.full)] - predicted for values, predicted in pairs]
        empty = (np.full(len(self.full), np.nan),) * 2
        mean, error = (
            np.array(part)
            for part in zip(*[mean_and_standard_error(r) if len(r) else empty for r in rows], strict=True)
        )
        return frozen(self.refined + mean), frozen(np.hypot(error, self.refined_error))

    def ratio(self, prediction):
        """Prediction by measurement, (m, o); `prediction` is the name of a field."""
        return getattr(self, prediction) / self.measured


def outlier_steps(H, batch_sizes, *, draws=10, outliers=5, directions=20, known=None, resamples=100, generator):
    """Yield ``(fraction, note, Outliers or None)``: None until all data are done, then draw by draw over all batch sizes.

    Parameters
    ----------
    H : HessianOperator, GGNOperator or Fisher operator
    batch_sizes : sequence of int
    draws : int
        Mini-batches of each size, drawn without replacement.
    outliers, directions : as in `full_batch_steps`
    known : FullBatch, optional
        Of an earlier run on the same H: nothing of it is computed again.
    resamples : int
        Mini-batches of each size that `local` and `refined` average over; they cost no product.
    generator : torch.Generator

    Notes
    -----
    Each draw is a Lanczos run on the mini-batch from the sum of the full eigenvectors and as much of a random vector, until
    its outliers' residuals are below 1 % of the largest: their errors are the square of that, by the gap. About 10 products
    for one outlier, 30 for five. Of up to 80 weights every eigenvalue is computed.
    """
    B = checked_batch_sizes(batch_sizes, population(H))
    if not 1 <= draws < np.inf or draws != int(draws):
        raise ValueError(f"draws is a whole number from 1, mini-batches of each size; got {draws}.")
    draws, share = int(draws), 0.0 if known is not None else 0.5
    if known is None:
        for fraction, note, known in full_batch_steps(H, outliers=outliers, directions=directions, generator=generator):
            yield share * fraction, note, None
    o = known.outliers
    shape = {
        "measured": (len(B), o),
        "standard_error": (len(B), o),
        "overlap": (len(B), o),
        "overlap_error": (len(B), o),
    }
    shape["refined_same"] = (len(B), o)
    empty = {name: frozen(np.full(each, np.nan)) for name, each in shape.items()}
    empty |= {name: frozen(np.full(len(B), np.nan)) for name in ("edge", "lowest")}
    result = Outliers(
        known,
        **known.predictions(B, draws=resamples),
        **empty,
        draws=frozen(np.zeros(len(B))),
        values=tuple(np.zeros((0, o + 2)) for _ in B),
        predicted=tuple(np.zeros((0, o)) for _ in B),
        critical_batch_size=known.critical_batch_size(draws=resamples),
        products=float(known.products),
        notes=_notes(known),
    )
    yield share, "predictions", result
    U = torch.tensor(known.vectors).to(dtype=H.dtype, device=H.device)
    values, overlaps, same = ([[] for _ in B] for _ in range(3))
    spent, done = float(known.products), 0
    for draw in range(draws):
        for place, size in enumerate(B):
            A = mini_batch(H, int(size), generator=generator)
            top, overlap, products = _measure(A, U, generator)
            predicted = predictions.refined(known.projections, [size], o, given=[[A.indices]])
            same[place].append(predicted.value[0])
            values[place].append(top)
            overlaps[place].append(overlap)
            spent, done = spent + products * size / known.examples, done + 1
            result = _with(
                result, values, overlaps, same, spent, f"drew {draw + 1} of {draws} mini-batches of each size"
            )
            yield share + (1 - share) * done / (draws * len(B)), f"mini-batch {draw + 1} of {size}", result


def outliers(
    model, loss, data, batch_sizes, *, matrix="hessian", generator, draws=10, outliers=5, directions=20, **options
):
    """`Outliers` of a model's curvature over batch sizes: measured, and by seven predictions.

    Parameters
    ----------
    model, loss, data, **options
        As in `HessianOperator`; other options go to it.
    batch_sizes : sequence of int
        From 1 to the N examples.
    matrix : {"hessian", "gauss-newton"}
    generator : torch.Generator
    draws, outliers, directions : int
        As in `outlier_steps`.

    Raises
    ------
    ValueError
        Batch sizes out of range; examples without a loss of their own; all that the operator refuses.

    Examples
    --------
    >>> g = torch.Generator().manual_seed(0)
    >>> x = torch.randn(50, 4, generator=g)
    >>> model = torch.nn.Linear(4, 1)
    >>> b = outliers(model, "squared error", [(x, x[:, :1])], [5, 50], outliers=1, generator=g)
    >>> b.measured.shape, bool(abs(b.measured[1, 0] - b.full[0]) < 1e-3 * b.full[0])
    ((2, 1), True)
    """
    if matrix not in MATRICES:
        raise ValueError(f'matrix is "hessian" or "gauss-newton"; got {matrix!r}.')
    H = MATRICES[matrix](model, loss, data, **options)
    settings = {"draws": draws, "outliers": outliers, "directions": directions, "generator": generator}
    return last(outlier_steps(H, batch_sizes, **settings))[2]


def _measure(A, U, generator):
    """The largest eigenvalues, the next one and the smallest Ritz value; squared overlaps with the columns of U; products."""
    P, o = U.shape
    if P <= BASIS:  # exact, and what Lanczos from one vector can not see: eigenvalues of several dimensions
        M = A @ torch.eye(P, dtype=A.dtype, device=A.device)
        every, vectors = torch.linalg.eigh((M + M.T).double() / 2)
        every, cosines = every.flip(0), (vectors.flip(1)[:, :o] * U).sum(0).square()
        return np.r_[every[: o + 1].cpu().numpy(), float(every[-1])], cosines.cpu().numpy(), P
    random = draw_probes(P, 1, generator=generator, dtype=A.dtype, device=A.device)[:, 0] / P**0.5
    v = random + U.sum(1) / o**0.5
    v /= torch.linalg.vector_norm(v)
    options = {"basis": min(BASIS, P), "keep": min(KEEP, P - 1)}
    for run in thick_restart_lanczos_steps(A, v, order=lambda theta: np.argsort(-theta), **options):
        bound = TOLERANCE * np.abs(run.values).max()
        done = len(run.values) > o and (run.residuals[-o - 1 :] <= bound).all() and run.residuals[0] <= 5 * bound
        if done or run.exhausted or run.products >= MOST:
            break
    count = min(o, len(run.values))
    top = np.r_[run.values[::-1][: o + 1], np.zeros(max(o + 1 - len(run.values), 0)), run.values[0]]
    found = run.vectors(np.arange(len(run.values))[::-1][:count])
    cosines = (found * U[:, :count].T).sum(1).square().double().cpu().numpy()
    return top, np.r_[cosines, np.zeros(o - count)], run.products


def _with(result, values, overlaps, same, spent, stopped):
    def summary(samples, width):
        rows = [mean_and_standard_error(each) if each else (np.full(width, np.nan),) * 2 for each in samples]
        return (np.array(part) for part in zip(*rows, strict=True))

    o = result.full_batch.outliers
    mean, error = summary(values, o + 2)
    overlap, overlap_error = summary(overlaps, o)
    return replace(
        result,
        draws=frozen([len(each) for each in values]),
        values=tuple(frozen(np.array(each).reshape(-1, o + 2)) for each in values),
        predicted=tuple(frozen(np.array(each).reshape(-1, o)) for each in same),
        measured=frozen(mean[:, :o]),
        standard_error=frozen(error[:, :o]),
        edge=frozen(mean[:, o]),
        lowest=frozen(mean[:, o + 1]),
        overlap=frozen(overlap),
        overlap_error=frozen(overlap_error),
        refined_same=frozen([np.mean(each, axis=0) if each else np.full(o, np.nan) for each in same]),
        products=spent,
        stopped=stopped,
    )


def _notes(known):
    notes, s2 = [], float(known.projections.noise[0][0])
    if known.noise.value > 0 and s2 > 3 * known.noise.value:
        notes.append(
            f"The noise at the sharpest eigenvector is {s2 / known.noise.value:,.0f} times that in random directions, so the "
            "Wigner model, which knows the latter alone, can not see it."
        )
    if known.projections.largest_share > 0.3:
        notes.append(
            f"One example makes {known.projections.largest_share:.0%} of the noise at the sharpest eigenvector: most "
            "mini-batches do not hold it, so the plain second-order formula is far above their mean."
        )
    return tuple(notes)
