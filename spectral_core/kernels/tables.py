"""Tables of numbers: read from whatever was exported, columns chosen, rows drawn, inputs standardised."""

import csv
import io
import re
import warnings
from dataclasses import dataclass

import numpy as np
import torch

from spectral_core.file_bytes import file_bytes, plain_text, unpacked
from spectral_core.kernels.inputs import standardised

__all__ = ["Points", "Table", "choose_points", "read_table"]

MAX_BYTES = 200 * 2**20
MAX_COLUMNS = 10_000
SAMPLE = 2**16
SEPARATORS = ("\t", ";", ",")
MISSING = ("", "?", "na", "n/a", "nan", "null", "none", ".", "-")
KINDS = "CSV (also tab- or semicolon-separated, also gzipped) or Parquet"


@dataclass(frozen=True, eq=False)
class Table:
    """The numerical columns of a table; missing values are NaN.

    Attributes
    ----------
    values : (rows, columns) float64 array
    columns : tuple of str
    left_out : tuple of str
        Columns that hold no numbers.
    name : str
    notes : tuple of str
        How the file was read.
    """

    values: np.ndarray
    columns: tuple[str, ...]
    left_out: tuple[str, ...] = ()
    name: str = "table"
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class Points:
    """Inputs ``X (n, d)`` and target ``y (n,)`` or None, float64; `notes` says what was dropped and changed."""

    X: np.ndarray
    y: np.ndarray | None
    inputs: tuple[str, ...]
    target: str | None
    notes: tuple[str, ...] = ()


def read_table(source, *, name=None, max_bytes=MAX_BYTES):
    """The numerical columns of a CSV or Parquet file. The content decides, not the name.

    Commas, semicolons, tabs or blanks; decimal commas where semicolons or tabs separate; names in the first row or none; gzip;
    UTF-8, or UTF-16 with its byte-order mark.

    The first row holds names where it holds words only; where a word stands over a number, and the numbers beside the word
    are whole (years may be names, 1.5 is a value); or where two whole numbers or more count up by one (0, 1, 2) over a value
    with decimals. `notes` says so wherever numbers decided.

    Parameters
    ----------
    source : path, bytes or binary file object
    name : str, optional
        The file's name, for messages, where `source` does not tell.
    max_bytes : int
        Largest file read, and largest content unpacked.

    Returns
    -------
    Table

    Raises
    ------
    ValueError
        One sentence: the file is missing, empty, too large, ragged, cut or no table; no column holds numbers.

    Examples
    --------
    >>> table = read_table(b"height;name;weight\\n1,8;ann;70\\n1,7;bob;\\n")
    >>> table.columns, table.left_out, table.values[0].tolist()
    (('height', 'weight'), ('name',), [1.8, 70.0])
    """
    data, name = file_bytes(source, name, max_bytes, "a table")
    try:
        data = unpacked(data, max_bytes)
        if not data.strip():
            raise ValueError("it is empty.")
        frame, notes = _parquet(data, max_bytes) if data.startswith(b"PAR1") else _text(data)
        return _numerical(frame, name, notes)
    except MemoryError:
        raise ValueError(f"{name} does not fit into this machine's memory: give a smaller file.") from None
    except ValueError as error:
        raise ValueError(f"{name} cannot be read as a table: {' '.join(str(error).split())}") from None


def _parquet(data, max_bytes):
    import pandas as pd

    try:
        import pyarrow.parquet as parquet
    except ImportError:
        raise ValueError("Parquet needs the package pyarrow: install it, or save the table as CSV.") from None
    try:
        file = parquet.ParquetFile(io.BytesIO(data))
        rows, columns = file.metadata.num_rows, file.metadata.num_columns
        if columns > MAX_COLUMNS or rows * columns > max_bytes // 4:
            raise ValueError(f"it has {rows:,} rows of {columns:,} columns, which is too many: give a smaller table.")
        return pd.DataFrame(file.read().to_pandas()), []
    except ValueError as error:
        if type(error) is ValueError:
            raise
        raise ValueError("its Parquet data are cut or damaged: save it again.") from None
    except Exception:  # Arrow has a class for each of its reasons
        raise ValueError("its Parquet data are cut or damaged: save it again.") from None


def _text(data):
    import pandas as pd  # here, since it takes half a second

    if data.startswith(b"PK"):
        raise ValueError(f"it is a zip archive or a workbook: save the table as {KINDS}.")
    data = plain_text(data, KINDS)
    lines = [line for line in data[:SAMPLE].decode("utf-8", "ignore").split("\n") if line.strip()]
    if not lines:
        raise ValueError("it is empty.")
    if len(data) > SAMPLE and len(lines) > 1:
        lines.pop()
    if lines[0].lstrip().startswith(("<", "{", "[")):
        raise ValueError(f"it looks like a page or JSON rather than a table: save it as {KINDS}.")
    separator = next((s for s in SEPARATORS if all(s in line for line in lines[:200])), None)
    separator = separator or (r"\s+" if len(lines[-1].split()) > 1 and "," not in lines[-1] else ",")
    decimal = "," if separator in ";\t" and _decimal_commas(lines[1:50] or lines) else "."
    first, *below = (
        line.split() if separator == r"\s+" else next(csv.reader([line], delimiter=separator)) for line in lines[:50]
    )
    if len(first) > MAX_COLUMNS:
        raise ValueError(f"it has {len(first):,} columns, the limit is {MAX_COLUMNS:,}: give fewer.")
    named, how = _names_columns(first, below, decimal)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            frame = pd.read_csv(
                io.BytesIO(data),
                sep=separator,
                header=0 if named else None,
                decimal=decimal,
                engine="c",
                low_memory=False,
                na_values=[word for text in MISSING for word in (text, text.upper())],
                skipinitialspace=True,
                index_col=False,
                encoding="utf-8",
            )
    except pd.errors.EmptyDataError:
        raise ValueError("it has no rows.") from None
    except (pd.errors.ParserError, Warning, ValueError, OverflowError) as error:
        found = re.search(r"Expected (\d+) fields in line (\d+), saw (\d+)", str(error))
        where = (
            f"line {found[2]} has {found[3]} columns where {found[1]} are expected"
            if found
            else "its rows differ in length or break"
        )
        raise ValueError(f"{where}: mend or remove such rows.") from None
    while frame.shape[1] > 1 and frame[frame.columns[-1]].isna().all() and str(frame.columns[-1]).startswith("Unnamed"):
        frame = frame.drop(columns=frame.columns[-1])  # a separator at the end of the rows
    notes = [how] if how else []
    if not named:
        frame.columns = [f"column {place + 1}" for place in range(frame.shape[1])]
    if decimal == ",":
        notes.append("Decimal commas were read.")
    return frame, notes


def _is_number(field, decimal="."):
    try:
        float(field.strip().replace(decimal, "."))
    except ValueError:
        return False
    return True


def _names_columns(first, below, decimal):
    """Whether the first row holds names (the rule is `read_table`'s), and a note where numbers in it decided."""
    words = [not _is_number(field, decimal) and field.strip().lower() not in MISSING for field in first]
    numbers = [field.strip() for field in first if _is_number(field, decimal)]
    whole = all(re.fullmatch(r"[+-]?\d+", field) for field in numbers)
    under = (row[place] for row in below for place in range(min(len(row), len(words))) if words[place])
    over_number, listed = any(_is_number(field, decimal) for field in under), _listed(numbers, 4)
    if not numbers and (over_number or all(words)):
        return True, ""
    if numbers and whole:
        if over_number:
            return True, f"The first row was read as names, {listed} among them: it has words over numbers."
        counts = [int(field) for field in numbers]
        rising = len(counts) > 1 and counts == list(range(counts[0], counts[0] + len(counts)))
        values = (field.strip() for row in below for field in row if _is_number(field, decimal))
        if rising and any(not re.fullmatch(r"[+-]?\d+", field) for field in values):
            return True, f"The first row was read as names, {listed}: they count up by one, over values with decimals."
    return False, "The first row holds values: the columns were given numbers for names."


def _decimal_commas(lines):
    """Whether numbers have commas and none has a point."""
    text = "\n".join(lines)
    return bool(re.search(r"\d,\d", text)) and not re.search(r"\d\.\d", text)


def _numerical(frame, name, notes):
    """The columns that hold numbers; the others are left out by name."""
    import pandas as pd

    if not len(frame):
        raise ValueError("it has column names but no rows.")
    kept, left_out = {}, []
    for place in range(frame.shape[1]):
        title, column = str(frame.columns[place]).strip()[:80] or f"column {place + 1}", frame.iloc[:, place]
        if title in kept:
            title = f"{title} ({place + 1})"
        if pd.api.types.is_numeric_dtype(column) and not pd.api.types.is_complex_dtype(column):
            kept[title] = column.to_numpy(dtype=np.float64, na_value=np.nan)
        else:
            left_out.append(title)
    if not kept:
        raise ValueError("no column holds numbers only: are the separators commas, semicolons or tabs?")
    values = np.column_stack(list(kept.values()))
    values[~np.isfinite(values)] = np.nan
    values.setflags(write=False)
    return Table(values, tuple(kept), tuple(left_out), name, tuple(notes))


def choose_points(table, *, inputs=None, target=None, rows=None, standardise=True, generator=None):
    """Inputs and target of a table: ``x <- (x - mean) / standard deviation`` column by column, and the target alike.

    Parameters
    ----------
    table : Table
    inputs : sequence of str, optional
        Columns; by default all but the target.
    target : str, optional
    rows : int, optional
        Draw so many rows at random, without replacement, where there are more.
    standardise : bool
    generator : torch.Generator, optional
        Needed where rows are drawn.

    Returns
    -------
    Points
        Rows with a missing value in a chosen column, and columns that are constant, are dropped; `notes` says how many.

    Raises
    ------
    ValueError
        An unknown column, the target among the inputs, no row or no input left, a constant target.

    Examples
    --------
    >>> table = Table(np.array([[0.0, 1.0, 5.0], [2.0, 1.0, 7.0]]), ("a", "b", "y"))
    >>> choose_points(table, target="y").X.tolist(), choose_points(table, target="y").inputs
    ([[-1.0], [1.0]], ('a',))
    """
    inputs = tuple(column for column in table.columns if column != target) if inputs is None else tuple(inputs)
    unknown = [column for column in (*inputs, *([target] if target else [])) if column not in table.columns]
    if unknown:
        raise ValueError(f"the table has no column of numbers {unknown[0]!r}: choose among {_listed(table.columns)}.")
    if target in inputs:
        raise ValueError(f"{target!r} is the target and an input as well: take it out of the inputs.")
    if not inputs:
        raise ValueError("a kernel needs at least one input column: choose one.")
    notes = list(table.notes)
    if table.left_out:
        notes.append(f"Left out, since they hold text: {_listed(table.left_out)}.")
    places = [table.columns.index(column) for column in (*inputs, *([target] if target else []))]
    values = table.values[:, places]
    whole = ~np.isnan(values).any(axis=1)
    if not whole.all():
        worst = inputs[int(np.isnan(values[:, : len(inputs)]).sum(axis=0).argmax())]
        if not whole.any():
            raise ValueError(f"every row misses a value, most of them in {worst!r}: choose other columns.")
        dropped = int((~whole).sum())
        notes.append(f"{dropped:,} of {len(whole):,} rows were dropped: they miss a value in a chosen column.")
        values = values[whole]
    if rows is not None and rows < len(values):
        if generator is None:
            raise ValueError("rows are drawn at random: pass generator=torch.Generator().manual_seed(0).")
        drawn = np.sort(torch.randperm(len(values), generator=generator)[:rows].numpy())
        notes.append(f"{rows:,} of {len(values):,} rows were drawn at random.")
        values = values[drawn]
    if len(values) < 2:
        raise ValueError("only one row is left: a kernel compares rows, so give at least two.")
    X, y = values[:, : len(inputs)], values[:, -1] if target else None
    spread = np.ptp(X, axis=0) > 1e-12 * np.abs(X).max(axis=0, initial=0.0)
    if not spread.any():
        raise ValueError("all chosen input columns are constant: the kernel matrix would be a matrix of ones.")
    if not spread.all():
        constant = [column for column, varies in zip(inputs, spread, strict=True) if not varies]
        notes.append(f"Left out, since they are constant: {_listed(constant)}.")
        X, inputs = X[:, spread], tuple(column for column, varies in zip(inputs, spread, strict=True) if varies)
    if standardise:
        X, said = standardised(X)
        X = X.numpy()
        notes += [sentence[:1].upper() + sentence[1:] for sentence in said]
    if y is not None:
        if np.ptp(y) <= 1e-12 * np.abs(y).max():
            raise ValueError(f"the target {target!r} is constant: there is nothing to explain; choose another column.")
        y = standardised(y[:, None])[0][:, 0].numpy()
    if not (np.isfinite(X).all() and (y is None or np.isfinite(y).all())):
        raise ValueError("a column holds numbers too large or too small to be standardised: rescale it.")
    return Points(X, y, inputs, target, tuple(notes))


def _listed(names, most=8):
    names = [repr(name)[1:-1] for name in names]
    return ", ".join(names[:most]) + (f" and {len(names) - most} more" if len(names) > most else "")
