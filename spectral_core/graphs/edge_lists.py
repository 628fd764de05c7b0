"""Edge lists: the delimiter, the column names, the size line and the weights are found from the rows themselves."""

import csv
import io
import re
import warnings

import numpy as np
import pandas as pd

__all__ = ["edge_list", "text_table"]

SAMPLE = 2**16
SOURCES = {"source", "from", "fromnodeid", "from_node_id", "src", "node1", "node_1", "id1", "id_1"}
TARGETS = {"target", "to", "tonodeid", "to_node_id", "dst", "node2", "node_2", "id2", "id_2"}
WEIGHTS = {"weight", "weights", "w", "value", "strength"}
MISSING = ("nan", "na", "n/a", "null", "none")
TIMES = {"time", "times", "timestamp", "date", "datetime", "ts", "unixts", "epoch", "year"}
UNIX_SECONDS = (3e8, 1e10)  # 1979 to 2286; a thousand times as much in milliseconds


def edge_list(data, *, one_based=False):
    """``(rows, cols, options of from_edges)`` of text with one edge a row.

    Parameters
    ----------
    data : bytes
        UTF-8 text without control characters, its lines ended by ``\\n``.
    one_based : bool
        The name says that these are Matrix Market rows without their header.
    """
    notes = []
    data = _plain(data, notes)
    lines = [line for line in data[:SAMPLE].decode("utf-8", "ignore").split("\n") if line.strip()]
    if not lines:
        raise ValueError("it has only comments, no edge.")
    if len(data) > SAMPLE and len(lines) > 1:
        lines.pop()
    separator = _separator(lines[:200])
    fields = next(csv.reader([lines[0]], delimiter=separator)) if separator != " " else lines[0].split()
    fields = [field.strip().strip('"') for field in fields]
    header = _header(fields, lines, separator)
    size = None if header else _size_line(fields, lines[1:2], data)
    below = data.partition(b"\n")[2] if header or size else data
    if header:
        notes.append(f"The first line, {lines[0].strip()[:60]!r}, was read as column names.")
    rows, cols, weights = _columns(text_table(below, separator), fields if header else [], separator, notes)
    options = {"weights": weights, "notes": notes}
    if size:
        declared = _declared(rows, cols, size, lines[0].strip(), one_based)
        if declared is None:  # an edge that looks like a size line
            notes.clear()
            rows, cols, weights = _columns(text_table(data, separator), [], separator, notes)
            options["weights"] = weights
        else:
            rows, cols, size_options, note = declared
            notes.insert(0, note)
            options |= size_options
    return rows, cols, options


def _plain(data, notes):
    """Without comment lines, blank lines and networkx's attribute dictionaries."""
    data = b"\n" + data
    if b"\n#" in data or b"\n%" in data or b"//" in data[:SAMPLE]:
        data = re.sub(rb"\n[ \t]*(?:[#%]|//)[^\n]*", b"\n", data)
    if b"\n\n" in data or b" \n" in data or b"\t\n" in data:
        data = re.sub(rb"\n(?:[ \t]*\n)+", b"\n", data)
    if b"{" in data[:SAMPLE]:
        data = re.sub(rb"\{'weight': *([^,{}\n]*)[^{}\n]*\}", rb"\1", data)
        data, other = re.subn(rb"\{[^{}\n]+\}", b"", data)
        data = data.replace(b"{}", b"")
        if other:
            notes.append("The edges' attributes have no weight and were ignored.")
    return data[1:] if data.startswith(b"\n") else data


def _separator(lines):
    """The first of tab, comma and semicolon that is in every line, else blanks."""
    for separator in ("\t", ",", ";"):
        if all(separator in line.strip() for line in lines):
            return separator
    return " "


def _is_number(field):
    try:
        float(field)
    except ValueError:
        return False
    return True


def _header(fields, lines, separator):
    """Whether the first line names columns: known names, or words over numbers."""
    lower = {field.lower() for field in fields}
    if lower & SOURCES and lower & TARGETS:
        return True
    if len(lines) < 2 or len(fields) < 2 or any(map(_is_number, fields)):
        return False
    below = [line.split(None if separator == " " else separator) for line in lines[1:20]]
    return all(len(row) >= 2 and _is_number(row[0]) and _is_number(row[1].strip()) for row in below)


def _size_line(fields, second, data):
    """``(nodes, entries promised, rows that follow)`` where the first line may be 'n m' or 'n n m'; else None."""
    if not 2 <= len(fields) <= 3 or not second or not all(field.isdecimal() and len(field) < 16 for field in fields):
        return None
    counts = [int(field) for field in fields]
    rows = data.count(b"\n") - data.endswith(b"\n")
    other_length = len(fields) == 2 and len(re.split(r"[\s,;]+", second[0].strip())) > 2
    square = len(fields) == 3 and counts[0] == counts[1] > 1
    if other_length or square or (len(fields) == 2 and counts[1] in (rows, rows / 2)):
        return counts[0], counts[-1], rows
    return None


def text_table(data, separator):
    """All fields, numbers where a column has only numbers; the first two as strings where they hold words."""
    options = {
        "sep": r"\s+" if separator == " " else separator,
        "header": None,
        "engine": "c",
        "low_memory": False,
        "keep_default_na": False,
        "na_values": [""],
        "skipinitialspace": True,
        "index_col": False,
        "encoding": "utf-8",
    }
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            table = pd.read_csv(io.BytesIO(data), **options)
            if table.shape[1] > 1 and not all(table[c].dtype.kind in "iuf" for c in (0, 1)):
                table = pd.read_csv(io.BytesIO(data), **options, dtype={0: str, 1: str})
    except pd.errors.EmptyDataError:
        raise ValueError("it has no edge: only comments, column names or a size line.") from None
    except (pd.errors.ParserError, Warning, ValueError, OverflowError) as error:
        found = re.search(r"Expected (\d+) fields in line (\d+), saw (\d+)", str(error))
        where = (
            f"one row has {found[1]} columns and a later one {found[3]}"
            if found
            else "its rows differ in length or break"
        )
        raise ValueError(
            f"{where}, so it is no edge list: each row must be 'node node' or 'node node weight'."
        ) from None
    while table.shape[1] > 2 and table[table.columns[-1]].isna().all():
        table = table.drop(columns=table.columns[-1])  # a delimiter at the end of the rows
    return table


def _columns(table, names, separator, notes):
    """``(rows, cols, weights)``: which columns, and whether they make sense."""
    width = table.shape[1]
    if width < 2:
        raise ValueError("its rows have one column: an edge list has two nodes in each row.")
    names = [name.lower() for name in names]
    names = (
        [""] * (0 < len(names) == width - 1) + names + [""] * width
    )  # R leaves the row numbers' column without a name
    places = {group: next((c for c in range(width) if names[c] in known), None) for group, known in
              (("s", SOURCES), ("t", TARGETS), ("w", WEIGHTS))}  # fmt: skip
    source, target = (places["s"], places["t"]) if None not in (places["s"], places["t"]) else (0, 1)
    if table[source].isna().any() or table[target].isna().any():
        row = int(np.argmax((table[source].isna() | table[target].isna()).to_numpy()))
        raise ValueError(f"its row {row + 1:,} has fewer than two nodes: the file is cut or ragged.")
    rows, cols = _nodes(table[source]), _nodes(table[target])
    if rows.dtype.kind != cols.dtype.kind:
        rows, cols = table[source].astype(str).to_numpy(object), table[target].astype(str).to_numpy(object)
    words = rows.dtype == object
    third = places["w"]
    if third is None:
        third = next((c for c in range(2, width) if c not in (source, target)), None)
    weights = None if third is None else _weights(table[third], names[third], words and separator == " ", notes)
    unused = [c for c in range(width) if c not in (source, target, third)]
    if unused:
        notes.append(f"{len(unused)} further column{'s were' if len(unused) > 1 else ' was'} ignored.")
    if words and separator == " " and len(rows) > 1 and len(pd.unique(np.concatenate([rows, cols]))) == 2 * len(rows):
        raise ValueError("no word occurs in two of its rows, so it is text rather than an edge list.")
    return rows, cols, weights


def _nodes(column):
    """Integer labels, or strings."""
    if column.dtype.kind in "iu":
        return column.to_numpy()
    if column.dtype.kind == "f":
        values = column.to_numpy()
        if not np.all(np.isfinite(values)) or np.any(values != np.round(values)) or np.any(np.abs(values) > 2**53):
            raise ValueError(
                "its first two columns hold fractions, so it is a table of numbers rather than an edge list."
            )
        return values.astype(np.int64)
    return column.astype(str).str.strip().to_numpy(object)


def _weights(column, title, text, notes):
    """The third column as weights, or None where it holds times, words or only ones."""
    if column.isna().any():
        row = int(np.argmax(column.isna().to_numpy()))
        raise ValueError(f"its row {row + 1:,} has fewer columns than others: the file is cut or ragged.")
    values = column
    if column.dtype.kind not in "biuf":
        values = pd.to_numeric(column, errors="coerce")
        words = (values.isna() & ~column.astype(str).str.strip().str.lower().isin(MISSING)).to_numpy()
        if words.all() and not text:
            notes.append("The third column holds no numbers and was ignored.")
            return None
        if words.all():
            raise ValueError("its rows are words: each row of an edge list must be 'node node' or 'node node weight'.")
        if words.any():
            row = int(np.argmax(words))
            raise ValueError(f"the weight {str(column.iloc[row])[:40]!r} in its row {row + 1:,} is not a number.")
    values = values.to_numpy(dtype=np.float64)
    low, high = UNIX_SECONDS
    scale = 1000 if values.min() > high else 1
    if title in TIMES or (
        len(values) > 1 and np.all((values > low * scale) & (values < high * scale) & (values == np.floor(values)))
    ):
        notes.append(f"The third column, {values[0]:.0f} and so on, looks like times: it was not taken as weights.")
        return None
    if np.all(values == 1):
        return None
    notes.append("The third column was read as the edges' weights.")
    return values


def _declared(rows, cols, size, line, one_based):
    """Rows numbered as a size line declares the nodes, edgeless ones included; None where it is an edge itself."""
    n, promised, follow = size
    if rows.dtype.kind not in "iu":
        return None
    low, high = int(min(rows.min(), cols.min())), int(max(rows.max(), cols.max()))
    base = int(low > 0 and (one_based or high == n))
    occurring = len(pd.unique(np.concatenate([rows, cols])))
    if low < 0 or high - base >= n or n > 10 * occurring + 10:
        return None
    if promised not in (follow, follow / 2):
        raise ValueError(f"its first line {line!r} promises {promised:,} rows but {follow:,} follow: the file is cut.")
    note = f"The first line, {line!r}, was read as the numbers of nodes and rows"
    if n > occurring:
        note += f"; {n - occurring:,} declared nodes have no edge and were kept"
    return rows - base, cols - base, {"n": n, "nodes": np.arange(1, n + 1) if base else None}, note + "."
