"""Tables in CSV: one example a row, one column of labels."""

import csv
import gzip
import io
import re
import zlib

import numpy as np

__all__ = ["read_table"]

LABELS = ("label", "labels", "target", "class", "y")


def read_table(content, name, label=None, largest=2**30):
    """(rows of float32, labels, notes) of a CSV, gzipped or not, with comma, semicolon or tab, with or without header.

    The labels are the column `label` (a name, or a number from 0), else the one called label, target, class or y, else
    the last.

    Raises
    ------
    ValueError
        One sentence: no text, no rows, no such column, a cell that is no number (with its row and column).

    >>> rows, labels, notes = read_table(b"1,2,cat\\n3,4,dog\\n", "pets.csv")
    >>> rows.tolist(), labels.tolist(), notes
    ([[1.0, 2.0], [3.0, 4.0]], ['cat', 'dog'], ['The labels are in the last column.'])
    """
    text = _text(content, name, largest)
    first = text.lstrip("\n").partition("\n")[0]
    delimiter = max(",;\t", key=first.count)
    cells = next(csv.reader([first], delimiter=delimiter), [])
    if len(cells) < 2:
        raise ValueError(f"{name} is no table: a CSV needs a column of labels and one of numbers at least.")
    header = not any(map(_number, cells)) or any(cell.strip().lower() in LABELS for cell in cells)
    column, note = _column(cells, header, label, name)
    options = {"delimiter": delimiter, "quotechar": '"', "skiprows": int(header), "ndmin": 2, "comments": None}
    numbers = [index for index in range(len(cells)) if index != column]
    lines = [line for line in text.split("\n") if line]
    for row, width in enumerate(_widths(lines, delimiter)):
        if width != len(cells):
            raise ValueError(f"row {row + 1} of {name} has {width} columns where the first has {len(cells)}: mend it.")
    if len(lines) == header:
        raise ValueError(f"{name} has a header and no rows below it.")
    try:
        rows = np.loadtxt(lines, dtype=np.float32, usecols=numbers, **options)
        labels = np.loadtxt(lines, dtype=str, usecols=[column], **options)[:, 0]
    except ValueError as error:
        raise ValueError(_sentence(str(error), cells, header, name)) from None
    if all(_number(cell) for cell in np.unique(labels)):
        labels = labels.astype(np.float64)
    return rows, np.char.strip(labels) if labels.dtype.kind == "U" else labels, [note]


def _text(content, name, largest):
    try:
        if content[:2] == b"\x1f\x8b":
            with gzip.open(io.BytesIO(content)) as file:
                content = file.read(largest + 1)
            if len(content) > largest:
                raise ValueError(f"{name} unpacks to more than {largest // 2**20} MiB: take a part of it.")
        text = content.decode("utf-8-sig")
    except (OSError, EOFError, zlib.error):
        raise ValueError(f"{name} is a damaged gzip file: pack it again.") from None
    except UnicodeDecodeError:
        text = "\0"
    if "\0" in text:
        raise ValueError(f"{name} is no npz, safetensors or CSV file: save inputs and labels in one of these.")
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _column(cells, header, label, name):
    """(number of the labels' column, note)."""
    names = [cell.strip() for cell in cells] if header else []
    if isinstance(label, int) and 0 <= label < len(cells):
        return label, f"The labels are in column {label}."
    if label is not None:
        if label not in names:
            listed = ", ".join(names[:20]) or f"numbered 0 to {len(cells) - 1}"
            raise ValueError(f"{name} has no column {label!r}: its columns are {listed}.")
        return names.index(label), f"The labels are in column {label}."
    for index, column in enumerate(names):
        if column.lower() in LABELS:
            return index, f"The labels are in column {column}."
    return len(cells) - 1, "The labels are in the last column."


def _widths(lines, delimiter):
    """The number of columns of each line."""
    if any('"' in line for line in lines):
        return (len(cells) for cells in csv.reader(lines, delimiter=delimiter))
    return (line.count(delimiter) + 1 for line in lines)


def _sentence(message, cells, header, name):
    if found := re.search(r"string '(.*)' to float32 at row (\d+), column (\d+)", message):
        cell, row, column = found[1], int(found[2]) + 1 + header, int(found[3])
        what = f"{cell[:40]!r}, which is no number" if cell.strip() else "nothing"
        called = f" ({cells[column - 1].strip()})" if header and column <= len(cells) else ""
        return f"row {row}, column {column}{called} of {name} holds {what}: every column but the labels' needs numbers."
    return f"{name} could not be read as a table of numbers: save it as plain CSV."


def _number(cell):
    try:
        float(cell)
    except ValueError:
        return False
    return True
