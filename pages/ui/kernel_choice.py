"""Which matrix the page "Kernel log-det" looks at: frozen choices that build it, name it, and write it down as code."""

from collections.abc import Iterator
from dataclasses import dataclass, field

import torch

import spectral_core as sc
from pages.ui import uploads
from pages.ui.shelf import Shelf
from spectral_core import kernels

__all__ = ["COVARIANCES", "KernelChoice", "MatrixChoice", "ProblemMatrix", "matrix_steps", "table_of", "threads_for"]

COVARIANCES = {
    "rbf": "RBF (squared exponential)",
    "matern12": "Matérn 1/2",
    "matern32": "Matérn 3/2",
    "matern52": "Matérn 5/2",
    "rational": "Rational quadratic",
    "periodic": "Periodic",
    "linear": "Linear",
}
CLASSES = {"rbf": "RBF", "rational": "RationalQuadratic", "periodic": "Periodic", "linear": "Linear"}
SMOOTHNESS = {"matern12": 0.5, "matern32": 1.5, "matern52": 2.5}
DIMENSIONS = 6  # of the thesis's inputs
ONE_THREAD = (
    3000  # rows of a kernel below which a second thread gains a quarter at best, and loses far more on busy cores
)


@dataclass(frozen=True)
class KernelChoice:
    """A covariance function and the noise on its diagonal."""

    name: str = "rbf"
    lengthscale: float = 1.0
    outputscale: float = 1.0
    noise: float = 0.01
    alpha: float = 1.0
    period: float = 1.0

    def covariance(self):
        """The `kernels.Covariance`."""
        return getattr(kernels, CLASSES.get(self.name, "Matern"))(**self._options())

    def code(self) -> str:
        """Python that makes it."""
        options = ", ".join(f"{name}={value!r}" for name, value in self._options().items())
        return f"sc.kernels.{CLASSES.get(self.name, 'Matern')}({options})"

    def title(self) -> str:
        """A few words."""
        kind = COVARIANCES[self.name].split(" (")[0]
        return f"{kind}, ℓ = {self.lengthscale:g}, noise {self.noise:g}"

    def _options(self):
        options = {"lengthscale": self.lengthscale, "outputscale": self.outputscale}
        if self.name in SMOOTHNESS:
            options = {"smoothness": SMOOTHNESS[self.name]} | options
        if self.name == "rational":
            options["alpha"] = self.alpha
        if self.name == "periodic":
            options["period"] = self.period
        return options


@dataclass(frozen=True)
class MatrixChoice:
    """Which matrix.

    Attributes
    ----------
    source : {"table", "upload", "gaussian", "weights", "matrix"}
        A packaged table, an uploaded one, Gaussian points, spatial weights, an uploaded matrix.
    key : str
        The table's key, the file's name, or the kind of weights.
    digest : str
        Of an upload.
    without : tuple of str
        Columns that are no inputs.
    target : str
        A column, or "" for none.
    rows : int
        Drawn at random where there are more; of Gaussian points, how many.
    seed : int
        Of the draw.
    standardise : bool
    scale : float
        Standard deviation of Gaussian points.
    kernel : KernelChoice or None
        None where the matrix is no kernel matrix.
    rho : float or None
        For ``I - rho W``.
    sides : (int, int)
        Of a grid of weights.
    """

    source: str
    key: str
    digest: str = ""
    without: tuple[str, ...] = ()
    target: str = ""
    rows: int = 5000
    seed: int = 0
    standardise: bool = True
    scale: float = 1.0
    kernel: KernelChoice | None = None
    rho: float | None = None
    sides: tuple[int, int] = (0, 0)

    def name(self) -> str:
        """What is looked at, without its hyperparameters; not to be rendered as Markdown."""
        if self.source == "table":
            return next(entry.title for entry in kernels.table_catalogue() if entry.key == self.key)
        if self.source == "gaussian":
            return f"{self.rows:,} Gaussian points in {DIMENSIONS} dimensions, scale {self.scale:g}"
        if self.source == "weights":
            grid = f"{self.key} grid of {self.sides[0]} x {self.sides[1]}"
            return "nearest zones of Montreal" if self.key == "montreal" else grid
        return self.key

    def title(self) -> str:
        """A short name for captions; not to be rendered as Markdown."""
        if self.kernel is not None:
            return f"{self.name()}: {self.kernel.title()}"
        return self.name() if self.rho is None else f"I − {self.rho:g} W, W of {self.name()}"

    def code(self, operator="A", dtype="float64", device="cpu") -> str:
        """Python that builds the operator with `spectral_core`, and `points` where there are any."""
        where = f"dtype=torch.{dtype}, device={device!r}"
        if self.kernel is not None:
            return (
                f"{self.points_code()}\n{operator} = sc.kernels.KernelOperator(\n    points.X, {self.kernel.code()}, "
                f"noise={self.kernel.noise!r}, {where}\n)"
            )
        if self.source == "weights":
            made = f"W = sc.kernels.grid_weights({self.sides[0]}, {self.sides[1]}, neighbours={self.key!r})"
            if self.key == "montreal":
                made = (
                    "zones = sc.kernels.load_table('carshare').values[:, :2]\n"
                    f"W = sc.kernels.nearest_weights(zones, {NEIGHBOURS})"
                )
            return f"{made}\n{operator} = sc.kernels.spatial_operator(W, {self.rho!r}, {where})"
        read = f"path = {self.key!r}  # the uploaded file, SHA-256 {self.digest}...\n"
        if self.rho is not None:
            return (
                f"{read}W = sc.read_matrix(path, symmetric=False).matrix\n"
                f"{operator} = sc.kernels.spatial_operator(W, {self.rho!r}, {where})"
            )
        return f"{read}{operator} = sc.as_operator(sc.read_matrix(path).matrix, {where})"

    def points_code(self) -> str:
        """Python that makes `points`."""
        seeded = f"generator=torch.Generator().manual_seed({self.seed})"
        if self.source == "gaussian":
            return (
                f"X = sc.kernels.gaussian_inputs({self.rows}, {DIMENSIONS}, {self.scale!r}, {seeded}).numpy()\n"
                "points = sc.kernels.Points(X, None, tuple(f'x{k}' for k in range(X.shape[1])), None)"
            )
        table = f"sc.kernels.load_table({self.key!r})"
        if self.source == "upload":
            table = f"sc.kernels.read_table({self.key!r})  # the uploaded file, SHA-256 {self.digest}..."
        without = {*self.without, *([self.target] if self.target else [])}
        return (
            f"table = {table}\n"
            f"inputs = [column for column in table.columns if column not in {sorted(without)!r}]\n"
            f"points = sc.kernels.choose_points(\n    table, inputs=inputs, target={self.target or None!r}, "
            f"rows={self.rows}, standardise={self.standardise},\n    {seeded},\n)"
        )


NEIGHBOURS = 5


@dataclass(frozen=True, eq=False)
class ProblemMatrix:
    """The matrix of a choice as an operator; `points` are those of a kernel matrix, `notes` say what reading changed."""

    operator: object
    points: kernels.Points | None = None
    notes: tuple[str, ...] = field(default_factory=tuple)

    @property
    def n(self):
        """Order of the matrix."""
        return self.operator.shape[0]


_tables, _points, _files = Shelf(3), Shelf(4), Shelf(2)


def table_of(choice_or_key, digest="") -> kernels.Table:
    """The table of a packaged key, or of an uploaded file's name and digest; ValueError with the sentence."""
    place = (choice_or_key, digest)
    table = _tables.get(place)
    if table is None:
        table = (
            kernels.read_table(_kept(choice_or_key, digest), name=choice_or_key)
            if digest
            else kernels.load_table(choice_or_key)
        )
        _tables.put(place, table)
    return table


def matrix_steps(choice: MatrixChoice, dtype="float64", device="cpu") -> Iterator[tuple[float, ProblemMatrix | None]]:
    """Yield ``(fraction, None)`` while the matrix is made, then ``(1, problem)``; on any thread, no Streamlit."""
    yield 0.0, None
    where = {"dtype": getattr(torch, dtype), "device": device}
    if choice.kernel is not None:
        points = points_of(choice)
        yield 0.5, None
        kernel = choice.kernel
        operator = kernels.KernelOperator(points.X, kernel.covariance(), noise=kernel.noise, **where)
        problem = ProblemMatrix(operator, points, points.notes)
    elif choice.source == "weights":
        if choice.key == "montreal":
            W = kernels.nearest_weights(kernels.load_table("carshare").values[:, :2], NEIGHBOURS)
        else:
            W = kernels.grid_weights(*choice.sides, neighbours=choice.key)
        problem = ProblemMatrix(kernels.spatial_operator(W, choice.rho, **where))
    else:
        file = _files.get((choice.digest, choice.rho is None))
        if file is None:
            content = _kept(choice.key, choice.digest)
            file = sc.read_matrix(content, name=choice.key, symmetric=choice.rho is None)
            _files.put((choice.digest, choice.rho is None), file)
        yield 0.5, None
        if choice.rho is None:
            problem = ProblemMatrix(sc.as_operator(file.matrix, **where), notes=file.notes)
        else:
            problem = ProblemMatrix(kernels.spatial_operator(file.matrix, choice.rho, **where), notes=file.notes)
    yield 1.0, problem


def threads_for(choice: MatrixChoice) -> int | None:
    """How many threads its products should have at most; None for all."""
    if choice.kernel is None:
        return None
    rows = choice.rows
    if choice.source != "gaussian":
        rows = min(rows, len(table_of(choice.key, choice.digest).values))
    return 1 if rows < ONE_THREAD else None


def points_of(choice: MatrixChoice) -> kernels.Points:
    """Inputs and target of a choice, on any thread."""
    place = (choice.source, choice.key, choice.digest, choice.without, choice.target, choice.rows, choice.seed)
    place += (choice.standardise, choice.scale)
    points = _points.get(place)
    if points is None:
        generator = torch.Generator().manual_seed(choice.seed)
        if choice.source == "gaussian":
            X = kernels.gaussian_inputs(choice.rows, DIMENSIONS, choice.scale, generator=generator).numpy()
            points = kernels.Points(X, None, tuple(f"x{k}" for k in range(DIMENSIONS)), None)
        else:
            table = table_of(choice.key, choice.digest)
            out = {*choice.without, choice.target}
            points = kernels.choose_points(
                table,
                inputs=[column for column in table.columns if column not in out],
                target=choice.target or None,
                rows=choice.rows,
                standardise=choice.standardise,
                generator=generator,
            )
        _points.put(place, points)
    return points


def _kept(name, digest):
    kept = uploads.fetch(digest)
    if kept is None:
        raise ValueError(f"“{name}” is no longer kept on this server: upload it again.")
    return kept[1]
