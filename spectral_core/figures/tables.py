"""The numbers of a figure, as a table for a file."""

import numpy as np

from spectral_core.figures.moments import deviations
from spectral_core.figures.sampling import grid, histogram, known_atoms, merged_stems

__all__ = ["COLUMNS", "curve_table", "moments_table", "training_table"]

COLUMNS = ["series", "kind", "x", "x_end", "value", "standard_error", "unit"]
PER_UNIT, SHARE = "share of eigenvalues per unit", "share of eigenvalues"


def curve_table(*, interval, stems=None, densities=None, eigenvalues=None, bins=100, x=None):
    """All that `spectrum_figure` shows, a row a number: curves, stems, atoms and the histogram.

    Parameters
    ----------
    interval, stems, densities, eigenvalues, bins, x
        As in `spectrum_figure`.

    Returns
    -------
    pandas.DataFrame
        Columns `series` (name), `kind` (curve, stem, atom, histogram), `x`, `x_end` (right edge of a bin), `value`,
        `standard_error` and `unit` of the value. Empty where there is none: a bin edge of a curve, an unknown error.
    """
    import pandas as pd  # here and below: half a second, and only a download needs it

    densities = densities or {}
    atoms = known_atoms(stems, densities)
    x = grid(interval, densities=densities.values()) if x is None else np.asarray(x, dtype=np.float64)
    parts = [
        _rows(name, "curve", x, density.pdf(x), PER_UNIT, error=density.standard_error(x))
        for name, density in densities.items()
    ]
    if stems is not None:
        merged = merged_stems(stems, interval=interval)
        parts.append(
            _rows("Lanczos stems", "stem", merged.positions, merged.weights, SHARE, error=merged.standard_error)
        )
    if len(atoms):
        parts.append(_rows("known atoms", "atom", atoms[:, 0], atoms[:, 1], SHARE, error=np.zeros(len(atoms))))
    if eigenvalues is not None:
        bars = histogram(eigenvalues, interval=interval, bins=bins, atoms=atoms)
        zero = np.zeros(len(bars.density))
        parts.append(
            _rows("exact", "histogram", bars.edges[:-1], bars.density, PER_UNIT, end=bars.edges[1:], error=zero)
        )
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=COLUMNS)


def moments_table(measured, densities, degree=20):
    """`deviations` as a table: a row an order, a column a curve and the standard error of the measured moments."""
    import pandas as pd

    orders, relative, error, _ = deviations(measured, densities, degree)
    error = np.where(np.isfinite(error), error, np.nan)
    return pd.DataFrame({"order": orders, **relative, "standard_error_of_measured": error})


def _rows(series, kind, x, value, unit, *, end=np.nan, error):
    import pandas as pd

    columns = (series, kind, x, end, value, np.where(np.isfinite(error), error, np.nan), unit)
    return pd.DataFrame(dict(zip(COLUMNS, columns, strict=True)))


def training_table(table):
    """What `training_figure` shows: a row an epoch and quantity, `standard error` None where there is none."""
    import pandas as pd

    rows = [
        {"epoch": epoch, "quantity": name, "value": value, "standard error": None if errors is None else errors[i]}
        for name, (epochs, values, errors) in table.items()
        for i, (epoch, value) in enumerate(zip(epochs, values, strict=True))
    ]
    return pd.DataFrame(rows)
