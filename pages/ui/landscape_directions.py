"""Directions in weight space by short names: eigenvectors of Hessian and GGN, the gradient, random ones."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch

import spectral_core as sc
from pages.ui.curvature_problem import operator
from pages.ui.jobs import Step
from pages.ui.known_eigenpairs import MOST_BYTES, known_eigenpairs
from pages.ui.landscape_problem import LandscapeProblem, model_of
from pages.ui.shelf import Shelf
from spectral_core import landscapes

__all__ = ["KINDS", "RANDOM", "Directions", "direction_steps", "directions_code"]

KINDS = {  # for planes; lines take further eigenvectors, "H7" or "G-2", too
    "filter": "random, filter-normalised",
    "layer": "random, layer-normalised",
    "none": "random, plain",
    "H1": "Hessian, λ1 (sharpest)",
    "H2": "Hessian, λ2",
    "H3": "Hessian, λ3",
    "H-1": "Hessian, λP (lowest)",
    "G1": "GGN, λ1",
    "G2": "GGN, λ2",
    "gradient": "gradient",
}
RANDOM = ("filter", "layer", "none")
MATRICES = {"H": "HessianOperator", "G": "GGNOperator"}
TOLERANCE = 1e-4  # residual by the largest eigenvalue
MOST = 300  # products for the eigenpairs of an end
REUSED = "Eigenvectors are those of a finished run on the page Hessian spectra."
FOUND = Shelf(8)  # eigenpairs by what they are of


@dataclass(frozen=True, eq=False)
class Directions:
    """`directions` in the order asked for, the `residuals` of eigenvectors (NaN for others), and the `products` spent."""

    directions: tuple[landscapes.Direction, ...]
    residuals: tuple[float, ...]
    products: int


def direction_steps(problem: LandscapeProblem, names: Sequence[str], seed: int, *, share=1.0) -> Iterator[Step]:
    """Steps up to fraction `share`, whose return value is `Directions`. Random ones in place p are drawn with the seed plus p."""
    wanted, pairs, reused = _ends(names), {}, []
    for place, ((matrix, which), k) in enumerate(wanted.items()):
        key = (problem.curvature(MATRICES[matrix]), which, k, seed)
        found = known_eigenpairs(key[0], which, k)
        reused += [(matrix, which)] if found is not None else []
        found = found or FOUND.get(key)
        if found is None:
            A = operator(key[0])
            steps = sc.eigenpair_steps(
                A, k=k, which=which, tolerance=TOLERANCE, products=max(MOST, 4 * k), generator=_generator(seed)
            )
            for found in steps:
                yield Step(
                    share * (place + min(0.95, found.products / 120)) / len(wanted),
                    note=f"{which} eigenvectors of the {_called(matrix)}: {found.products} products",
                )
            if found.vectors.nbytes <= MOST_BYTES:
                FOUND.put(key, found)
            A.release()
        pairs[matrix, which] = found
    directions, residuals, gradient = [], [], None
    for place, name in enumerate(names):
        residual = np.nan
        if name in RANDOM:
            model = model_of(problem.checkpoint)
            drawn = seed + place
            label = f"{KINDS[name]} (seed {drawn})"
            one = landscapes.random_direction(model, normalisation=name, generator=_generator(drawn), name=label)
        elif name == "gradient":
            if gradient is None:
                yield Step(0.97 * share, note="gradient")
                gradient = landscapes.gradient_direction(operator(problem.curvature()))
            one = gradient
        else:
            matrix, which, k = _parts(name)
            found = pairs[matrix, which]
            one = _eigenvectors(found, matrix, which)[k - 1]
            one = replace(one, notes=(REUSED,)) if (matrix, which) in reused else one
            residual = float(found.residuals[k - 1])
        directions.append(one)
        residuals.append(residual)
    spent = sum(found.products for end, found in pairs.items() if end not in reused) + (gradient is not None)
    return Directions(tuple(directions), tuple(residuals), spent)


def directions_code(problem: LandscapeProblem, names: Sequence[str], seed: int) -> str:
    """Python that makes `H` and `directions` after `LandscapeProblem.code`."""
    first = next(iter(problem.data_sets()))
    curvature = f"(model, loss, data_sets[{first!r}], dtype=torch.{problem.dtype}, device={problem.device!r})"
    seeded = "generator=torch.Generator().manual_seed({})".format
    lines = [f"H = sc.curvature.HessianOperator{curvature}"]
    for (matrix, which), k in _ends(names).items():
        if matrix == "G":
            lines.append(f"G = sc.curvature.GGNOperator{curvature}")
        lines.append(
            f"{matrix}_{which} = sc.landscapes.eigenvectors(sc.eigenpairs(\n    {matrix}, {k}, {which!r}, tolerance={TOLERANCE}, "
            f"products={max(MOST, 4 * k)}, {seeded(seed)}), names=[{', '.join(map(repr, _names(matrix, which, k)))}])"
        )
    made = []
    for place, name in enumerate(names):
        if name in RANDOM:
            label = f"{KINDS[name]} (seed {seed + place})"
            made.append(
                f"sc.landscapes.random_direction(model, normalisation={name!r}, {seeded(seed + place)}, name={label!r})"
            )
        elif name == "gradient":
            made.append("sc.landscapes.gradient_direction(H)")
        else:
            matrix, which, k = _parts(name)
            made.append(f"{matrix}_{which}[{k - 1}]")
    return "\n".join([*lines, "directions = [\n    " + ",\n    ".join(made) + ",\n]"])


def _ends(names):
    """``{(matrix, end): how many}`` of the eigenvectors among names."""
    wanted = {}
    for name in names:
        if name not in (*RANDOM, "gradient"):
            matrix, which, k = _parts(name)
            wanted[matrix, which] = max(k, wanted.get((matrix, which), 0))
    return wanted


def _parts(name):
    k = int(name[1:])
    return name[0], "top" if k > 0 else "bottom", abs(k)


def _names(matrix, which, k):
    ends = [f"λ{j}" if which == "top" else ("λP" if j == 1 else f"λP−{j - 1}") for j in range(1, k + 1)]
    return [f"{_called(matrix)} {end}" for end in ends]


def _eigenvectors(pairs, matrix, which):
    return landscapes.eigenvectors(pairs, names=_names(matrix, which, len(pairs.values)))


def _called(matrix):
    return "Hessian" if matrix == "H" else "GGN"


def _generator(seed):
    return torch.Generator().manual_seed(seed)
