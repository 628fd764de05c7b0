"""Weight spectra of a checkpoint, layer by layer: from tensors alone, without data or architecture."""

import math
from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import torch

from spectral_core.gram_spectra import estimated_eigenvalue_steps, gram_eigenvalue_steps
from spectral_core.layer_spectra import LayerSpectrum, WeightSpectra
from spectral_core.noise_bulks import fit_bulk
from spectral_core.power_laws import fit_power_law
from spectral_core.results import frozen

__all__ = ["UNFOLDINGS", "weight_spectra", "weight_spectrum_steps"]

UNFOLDINGS = ("slices", "matrix")
AT_ONCE = 2e9  # N M^2 of the singular values that are found without an item in between: 0.3 s on one core


def weight_spectrum_steps(tensors, *, unfold="slices", largest=3000, steps=100, probes=8, generator=None):
    """Yield `WeightSpectra` after every layer, and the same layers again while a large one is being worked on.

    Parameters
    ----------
    tensors : mapping of str to tensor
        A state dict. Matrices are taken as they are; vectors (biases, norms), whole numbers, complex and empty tensors
        are left out. ``(1, n, d)`` is ``(n, d)``.
    unfold : {"slices", "matrix"}
        What a convolution ``(out, in, kh, kw)`` is: ``kh kw`` matrices ``(out, in)``, one a tap of the kernel, their
        eigenvalues pooled, as WeightWatcher does by default; or one matrix ``(out, in kh kw)``.
    largest : int
        Matrices with more columns ``M`` than that are seen through Lanczos quadrature.
    steps, probes : int
        Of the quadrature: ``steps * probes`` products with ``W.T W``.
    generator : torch.Generator, optional
        For the probes; default one in its initial state.

    Raises
    ------
    ValueError
        No mapping, or no weight matrix among the tensors. What is wrong with one layer is a sentence in its `notes`.

    Notes
    -----
    Up to `largest` columns all eigenvalues are found: by SVD in float64 where ``N M^2`` is at most 2e9, else from the Gram
    matrix, in a process that dies with the generator and with an absolute error of ``eps lambda_max``.

    WeightWatcher's eigenvalues of a convolution are half of these; neither exponent nor stable rank changes. It leaves
    out eigenvalues up to 1e-5, here only those that are 0 to rounding are, so that the scale of the weights changes
    nothing.

    Beyond that the largest ones are converged Ritz values and the rest quantiles of the Lanczos quadrature, see
    `gram_spectra.estimated_eigenvalue_steps`. Given the same `xmin` the exponent then comes out within half a standard
    error; the `xmin` chosen may be another, and the exponent of a tail of noise, which is no power law, hangs on it.
    """
    if not isinstance(tensors, Mapping):
        raise ValueError(f"weight spectra need a mapping of names to tensors; got {type(tensors).__name__}.")
    if unfold not in UNFOLDINGS:
        raise ValueError(f"unfold must be one of {', '.join(UNFOLDINGS)}; got {unfold!r}.")
    reasons = {str(name): _no_matrix(tensor) for name, tensor in tensors.items()}
    left_out = tuple((name, reason) for name, reason in reasons.items() if reason)
    chosen = {str(name): tensor for name, tensor in tensors.items() if not reasons[str(name)]}
    if not chosen:
        raise ValueError(f"none of the {len(tensors)} tensors is a weight matrix: look for them one level further in.")
    generator = generator if generator is not None else torch.Generator()
    work = {name: tensor.numel() * min(tensor.shape[:2]) for name, tensor in chosen.items()}
    total, done, layers = sum(work.values()), 0, []
    for name, tensor in chosen.items():
        for fraction, layer in _layer_steps(name, tensor.detach().cpu(), unfold, largest, steps, probes, generator):
            if layer is not None:
                layers.append(layer)
            doing = f"{name} is under way" if layer is None else f"{len(layers)} of {len(chosen)} layers"
            doing = f"all {len(chosen)} layers" if len(layers) == len(chosen) else doing
            yield WeightSpectra(tuple(layers), left_out, (done + fraction * work[name]) / total, doing)
        done += work[name]


def weight_spectra(tensors, *, unfold="slices", largest=3000, steps=100, probes=8, generator=None):
    """The last item of `weight_spectrum_steps`.

    Examples
    --------
    >>> spectra = weight_spectra({"fc.weight": torch.diag(torch.tensor([2.0, 1.0, 1.0])), "fc.bias": torch.zeros(3)})
    >>> round(spectra["fc.weight"].stable_rank, 9), spectra.left_out
    (1.5, (('fc.bias', 'is a vector'),))
    """
    options = {"unfold": unfold, "largest": largest, "steps": steps, "probes": probes, "generator": generator}
    *_, result = weight_spectrum_steps(tensors, **options)
    return result


def _no_matrix(tensor):
    """Why a tensor is no weight matrix, or nothing."""
    if not torch.is_tensor(tensor):
        return f"is no tensor but {type(tensor).__name__}"
    if tensor.layout != torch.strided or tensor.is_quantized or tensor.is_meta:
        return "is sparse, quantised or without data"
    if not tensor.is_floating_point():
        return f"holds {str(tensor.dtype).removeprefix('torch.')} and not real numbers"
    if tensor.ndim < 2:
        return "is a vector" if tensor.ndim else "is a single number"
    return "" if tensor.numel() else "is empty"


def _matrices(tensor, unfold):
    """``(matrices, N, M)`` with ``N >= M``, a view where possible."""
    if tensor.ndim == 3 and tensor.shape[0] == 1:
        tensor = tensor[0]
    whole = tensor.ndim == 2 or unfold == "matrix"
    W = tensor.flatten(1)[None] if whole else tensor.flatten(2).permute(2, 0, 1)
    W = W if W.dtype in (torch.float32, torch.float64) else W.float()
    return W if W.shape[1] >= W.shape[2] else W.mT


def _layer_steps(name, tensor, unfold, largest, steps, probes, generator):
    """Yield ``(fraction, None)`` and in the end ``(1.0, LayerSpectrum)``."""
    W = _matrices(tensor, unfold)
    count, rows, columns = W.shape
    layer = {"name": name, "shape": tuple(tensor.shape), "rows": rows, "columns": columns, "matrices": count}
    bad = W.numel() - int(torch.isfinite(W).sum())
    frobenius = math.nan if bad else float(torch.linalg.vector_norm(W, dtype=torch.float64))
    if bad or not math.isfinite(frobenius**2 if frobenius < 1e150 else math.inf):
        note = f"{bad} of {W.numel()} weights are NaN or infinite." if bad else "The squared weights overflow."
        nothing = {"eigenvalues": frozen([]), "spectral_norm": math.nan, "frobenius_norm": frobenius}
        yield 1.0, LayerSpectrum(**layer, **nothing, notes=(note,))
        return
    quadrature, products, found = None, 0, []
    work = rows * columns**2
    if frobenius == 0:
        found = [np.zeros(count * columns)]
    elif columns <= largest and work <= AT_ONCE:
        for part in W.split(max(int(AT_ONCE // work), 1)):
            found.append((torch.linalg.svdvals(part.double()) ** 2).numpy().ravel())
            yield 0.99 * sum(map(len, found)) / (count * columns), None
    else:
        for i, matrix in enumerate(W):
            if columns <= largest:
                solve = gram_eigenvalue_steps(matrix)
            else:
                solve = estimated_eigenvalue_steps(matrix, steps=steps, probes=probes, generator=generator)
            for fraction, values, quadrature in solve:
                yield (i + min(fraction, 0.99)) / count, None
            found.append(values)
            products += quadrature.products if quadrature else 0
    eigenvalues = np.sort(np.maximum(np.concatenate(found), 0.0))
    share_error = (2 * columns * probes * count) ** -0.5 if quadrature else 0.0
    bulk, power_law, notes = _fits(eigenvalues, rows, columns, count, share_error)
    if quadrature is not None:
        notes.append(f"Estimated from {products} products: the eigenvalues are quantiles, the largest apart.")
    if frobenius > 0:
        largest = float(W.abs().max())
        fourth = float(torch.linalg.vector_norm(W / largest, 4, dtype=torch.float64))
        layer["participation"] = (frobenius / largest / fourth) ** 4
    layer |= {"eigenvalues": frozen(eigenvalues), "spectral_norm": float(eigenvalues[-1] ** 0.5)}
    layer |= {"frobenius_norm": frobenius, "bulk": bulk, "power_law": power_law, "quadrature": quadrature}
    result = LayerSpectrum(**layer, products=products, notes=tuple(notes))
    if result.dominated:
        few = f"about {result.participation:.0f} of {W.numel()}"
        note = f"Extreme weights: every number here comes from {few}, the largest being {largest:.3g} in size."
        result = replace(result, notes=(note, *result.notes))
    yield 1.0, result


def _fits(eigenvalues, rows, columns, matrices, share_error):
    """Bulk and power law, each or its absence with a sentence."""
    shape = {"rows": rows, "columns": columns, "matrices": matrices, "share_error": share_error}
    positive = eigenvalues[eigenvalues > rows * np.finfo(np.float64).eps * eigenvalues[-1]]
    if not len(positive):
        return None, None, ["All weights are 0."]
    notes, fits = [], []
    if len(positive) < len(eigenvalues):
        notes.append(f"{len(eigenvalues) - len(positive)} of {len(eigenvalues)} eigenvalues are 0 to rounding.")
    for what, fit in (
        ("Marchenko-Pastur bulk", lambda: fit_bulk(eigenvalues, **shape)),
        ("exponent", lambda: fit_power_law(positive)),
    ):
        try:
            fits.append(fit())
        except ValueError as error:
            fits.append(None)
            notes.append(f"No {what}: {error}")
    return *fits, notes
