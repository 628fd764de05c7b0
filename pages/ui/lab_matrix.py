"""Which matrix the Estimator lab looks at: a frozen choice that makes it, names it, and writes it down as code."""

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
import torch

import spectral_core as sc
from pages.ui import uploads
from pages.ui.finished import Finished
from pages.ui.logdet_job import eigenvalue_steps
from pages.ui.shelf import Shelf
from spectral_core import model_matrices
from spectral_core.operators import matrix_columns
from spectral_core.random_matrices import sample_covariance, spiked, wigner

__all__ = ["EXACT_LIMIT", "SOURCES", "LabChoice", "LabMatrix", "lab_matrix_steps"]

SOURCES = {
    "lattice": "Schrödinger on a lattice",
    "network": "A network's spectrum (4.5.2)",
    "wigner": "Wigner: semicircle",
    "covariance": "Marchenko–Pastur",
    "spiked": "Wigner with spikes",
    "poisson": "Poisson: closed form",
    "upload": "Upload a matrix",
    "finished": "A finished run",
}
EXACT_LIMIT = 2000  # rows up to which all eigenvalues are found by a dense solver
COLUMNS = 64  # at once, of a matrix that is formed
SIDE, DEPTH, WIDTH = 6.0, -4.0, 2.0  # L, alpha and beta of the lattice


@dataclass(frozen=True)
class LabChoice:
    """Everything that decides the matrix.

    Attributes
    ----------
    source : str
        Of `SOURCES`.
    n : int
        Order of a random matrix.
    ratio : float
        Variables to samples of a sample covariance.
    spikes : tuple of float
        Eigenvalues of the signal.
    points, dimensions : int
        Of a lattice or of Poisson's equation: a side, and how many sides.
    seed : int
        Of a random matrix.
    key, digest : str
        An upload's name and digest; a finished run's title and key.
    run : Finished or None
        What `digest` stands for.
    """

    source: str = "lattice"
    n: int = 0
    ratio: float = 0.5
    spikes: tuple[float, ...] = ()
    points: int = 13
    dimensions: int = 3
    seed: int = 0
    key: str = ""
    digest: str = ""
    run: Finished | None = field(default=None, compare=False, repr=False)

    @property
    def dense(self) -> bool:
        """Whether the matrix is made of n^2 numbers here."""
        return self.source in ("network", "wigner", "covariance", "spiked")

    def title(self) -> str:
        """A short name for captions; not to be rendered as Markdown."""
        if self.source in ("lattice", "poisson"):
            side = " × ".join([str(self.points)] * self.dimensions)
            return f"{'Schrödinger operator' if self.source == 'lattice' else 'Poisson'}, {side}"
        named = {
            "network": "Network's spectrum (4.5.2)",
            "wigner": "Wigner matrix",
            "covariance": f"Sample covariance, q = {self.ratio:g}",
            "spiked": f"Wigner with spikes {', '.join(f'{spike:g}' for spike in self.spikes)}",
        }
        return f"{named[self.source]}, n = {self.n:,}" if self.dense else self.key

    def code(self) -> str:
        """Python that makes the operator ``A`` and its ``eigenvalues``, or None where they are not known."""
        seeded = f"generator=torch.Generator().manual_seed({self.seed})"
        solved = (
            f"\neigenvalues = np.linalg.eigvalsh(sc.materialise(A)) if A.shape[0] <= {EXACT_LIMIT} else None"
            "\ninterval = None"
        )
        if self.source == "network":
            return _of_model(f"sc.model_matrices.synthetic_network({self.n}, {seeded})")
        if self.source == "lattice":
            options = ", ".join(f"{name}={value!r}" for name, value in self.lattice.items())
            return _of_model(f"sc.model_matrices.lattice_schroedinger({options})")
        if self.source == "poisson":
            return _of_model(f"sc.model_matrices.poisson({self.points}, dimensions={self.dimensions})")
        if self.source == "upload":
            read = f"path = {self.key!r}  # the uploaded file, SHA-256 {self.digest}...\n"
            return f"{read}A = sc.as_operator(sc.read_matrix(path).matrix){solved}"
        if self.source == "finished":
            return f"{self.run.code()}{solved}"
        made = {
            "wigner": f"wigner({self.n}, generator=generator)",
            "covariance": f"sample_covariance({self.n}, {self.samples}, generator=generator)",
            "spiked": f"spiked({self.spikes!r}, sc.random_matrices.wigner({self.n}, generator=generator), generator=generator)",
        }[self.source]
        first = f"generator = torch.Generator().manual_seed({self.seed})\n"
        return f"{first}A = sc.as_operator(sc.random_matrices.{made}){solved}"

    @property
    def lattice(self) -> dict:
        """Keyword arguments of the lattice."""
        well = {"L": SIDE, "h": SIDE / self.points, "beta": WIDTH, "alpha": DEPTH}
        return well | {"dimensions": self.dimensions}

    @property
    def samples(self) -> int:
        """Of a sample covariance."""
        return max(1, round(self.n / self.ratio))


@dataclass(frozen=True, eq=False)
class LabMatrix:
    """An operator, all its eigenvalues or None, an interval that is known to hold them or None, and what reading changed."""

    operator: object
    eigenvalues: np.ndarray | None = None
    interval: tuple[float, float] | None = None
    notes: tuple[str, ...] = ()

    @property
    def n(self) -> int:
        """Order of the matrix."""
        return self.operator.shape[0]


_made = Shelf(4)


def lab_matrix_steps(choice: LabChoice) -> Iterator[tuple[float, LabMatrix | None]]:
    """Yield ``(fraction, None)`` while the matrix and its eigenvalues are made, then ``(1, made)``; on any thread."""
    made = _made.get(choice)
    if made is None:
        yield 0.0, None
        made = _matrix(choice)
        yield 0.2, None
        if made.eigenvalues is None:
            found = made.eigenvalues
            with contextlib.closing(_eigenvalue_steps(made.operator)) as solving:
                for fraction, found in solving:
                    yield 0.2 + 0.8 * fraction, None
            made = LabMatrix(made.operator, found, made.interval, made.notes)
        if choice.source != "finished":  # a network is not to be kept for all visitors
            _made.put(choice, made)
    yield 1.0, made


def _matrix(choice):
    generator = torch.Generator().manual_seed(choice.seed)
    if choice.source == "network":
        return _known(model_matrices.synthetic_network(choice.n, generator=generator))
    if choice.source == "lattice":
        return _known(model_matrices.lattice_schroedinger(**choice.lattice))
    if choice.source == "poisson":
        return _known(model_matrices.poisson(choice.points, dimensions=choice.dimensions))
    if choice.source == "wigner":
        return LabMatrix(sc.as_operator(wigner(choice.n, generator=generator)))
    if choice.source == "covariance":
        return LabMatrix(sc.as_operator(sample_covariance(choice.n, choice.samples, generator=generator)))
    if choice.source == "spiked":
        noise = wigner(choice.n, generator=generator)
        return LabMatrix(sc.as_operator(spiked(choice.spikes, noise, generator=generator)))
    if choice.source == "finished":
        return LabMatrix(choice.run.make(), choice.run.eigenvalues)
    kept = uploads.fetch(choice.digest)
    if kept is None:
        raise ValueError(f"“{choice.key}” is no longer kept on this server: upload it again.")
    file = sc.read_matrix(kept[1], name=choice.key)
    return LabMatrix(sc.as_operator(file.matrix), notes=file.notes)


def _known(model):
    return LabMatrix(model.operator, model.eigenvalues, model.interval)


def _eigenvalue_steps(A):
    """``(fraction, None)``, in the end all eigenvalues, where a dense solver is affordable."""
    n = A.shape[0]
    if n > EXACT_LIMIT:
        return
    if getattr(A, "matrix", None) is not None or hasattr(A, "columns"):
        yield from eigenvalue_steps(A, True)
        return
    parts = []
    for start in range(0, n, COLUMNS):
        block = torch.arange(start, min(start + COLUMNS, n), device=A.device)
        parts.append(matrix_columns(A, block).double().cpu().numpy())
        yield 0.9 * (start + len(block)) / n, None
    matrix = np.hstack(parts)
    yield 1.0, np.linalg.eigvalsh((matrix + matrix.T) / 2.0)


def _of_model(call):
    return f"model = {call}\nA, eigenvalues, interval = model.operator, model.eigenvalues, model.interval"
