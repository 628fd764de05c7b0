"""Tables: whatever was exported becomes the same numbers; what was dropped is said, what is wrong gets one sentence."""

import gzip
import io

import numpy as np
import pandas as pd
import pytest
import torch

from spectral_core import kernels
from spectral_core.kernels.tables import Table, choose_points, read_table

FRAME = pd.DataFrame({"height": [1.5, 1.75, 1.25], "weight": [50.0, np.nan, 40.5], "name": ["ann", "bob", "cid"]})


def parquet(frame):
    stream = io.BytesIO()
    frame.to_parquet(stream)
    return stream.getvalue()


FORMATS = {
    "commas": FRAME.to_csv(index=False).encode(),
    "semicolons": FRAME.to_csv(index=False, sep=";").encode(),
    "tabs": FRAME.to_csv(index=False, sep="\t").encode(),
    "decimal commas": FRAME.to_csv(index=False, sep=";", decimal=",").encode(),
    "gzip": gzip.compress(FRAME.to_csv(index=False).encode()),
    "utf-16": FRAME.to_csv(index=False).encode("utf-16"),
    "windows": b"\xef\xbb\xbf" + FRAME.to_csv(index=False, lineterminator="\r\n").encode(),
    "question marks": FRAME.to_csv(index=False, na_rep="?").encode(),
    "quoted": FRAME.to_csv(index=False, quoting=1).encode(),
    "parquet": parquet(FRAME),
}


@pytest.mark.parametrize("case", FORMATS)
def test_every_format_gives_the_same_numbers(case):
    table = read_table(FORMATS[case], name="people.csv")
    assert table.columns == ("height", "weight")
    assert table.left_out == ("name",)
    np.testing.assert_array_equal(table.values, FRAME[["height", "weight"]].to_numpy())


@pytest.mark.parametrize("separator", [",", ";", "\t", " "])
def test_without_a_header_columns_are_numbered(separator):
    text = FRAME.drop(columns="weight").to_csv(index=False, header=False, sep=separator).encode()
    table = read_table(text)
    assert table.columns == ("column 1",)
    assert table.left_out == ("column 2",)
    assert len(table.values) == 3
    assert "names" in table.notes[0]


def test_a_first_row_with_a_word_over_words_is_no_header():
    table = read_table(b"8,70,chevrolet\n4,82,ford\n")
    assert table.values.tolist() == [[8.0, 70.0], [4.0, 82.0]]


@pytest.mark.parametrize(
    ("text", "columns", "note"),
    [
        ("0,1,2\n1.5,2,3\n2,2,4\n", ("0", "1", "2"), "count up by one"),
        ("2019;2020\n1,5;2,5\n", ("2019", "2020"), "count up by one"),
        ("1,2,3\n4,5,6\n", ("column 1", "column 2", "column 3"), "holds values"),  # whole numbers below too
        ("0,2\n1.5,2.5\n", ("column 1", "column 2"), "holds values"),
        ("id,2019\n1,1.5\n2,2.5\n", ("id", "2019"), "words over numbers"),
        ("unknown,0.7\n1.5,2.5\n", ("column 2",), "holds values"),  # 0.7 is no name
        ("a,b\n1,2\n", ("a", "b"), ""),
    ],
)
def test_numbers_in_the_first_row_are_names_or_values_by_a_rule(text, columns, note):
    table = read_table(text.encode())
    assert table.columns == columns
    assert note in " ".join(table.notes)
    assert bool(note) == any("first row" in one for one in table.notes)


def test_repeated_and_missing_names():
    table = read_table(b"a,a,\n1,2,3\n4,5,6\n")
    assert len(set(table.columns)) == 3
    assert table.values.shape == (2, 3)


BAD = {
    "empty": (b"\n", "is empty"),
    "only names": (b"a,b\n", "no rows"),
    "words": (b"a,b\nx,y\n", "no column holds numbers"),
    "binary": (bytes(range(256)) * 9, "binary"),
    "latin-1": ("größe,b\n1,2\n".encode("latin-1"), "UTF-8"),
    "ragged": (b"a,b\n1,2\n1,2,3\n", "3 columns where 2 are expected"),
    "cut utf-16": ("a,b\n1,2\n".encode("utf-16")[:-1], "UTF-16"),
    "html": (b"<html><body>404</body></html>", "page or JSON"),
    "json": (b'[{"a": 1}]', "page or JSON"),
    "workbook": (b"PK\x03\x04 sheet", "workbook"),
    "cut parquet": (parquet(FRAME)[:-30], "cut or damaged"),
    "cut gzip": (gzip.compress(b"a,b\n1,2\n" * 99)[:-20], "cut in the middle"),
    "gzip bomb": (gzip.compress(b"1,2\n" * 10**6), "limit"),
    "too large": (b"1,2\n" * 10**5, "limit"),
}


@pytest.mark.parametrize("case", BAD)
def test_each_bad_file_gets_one_sentence(case):
    data, said = BAD[case]
    with pytest.raises(ValueError, match=r"^bad\.csv ") as caught:
        read_table(data, name="bad.csv", max_bytes=10**5)
    sentence = str(caught.value)
    assert said in sentence
    assert "\n" not in sentence
    assert sentence.endswith((".", "?"))


@pytest.mark.parametrize("case", FORMATS)
def test_damaged_files_raise_nothing_but_value_errors(case):
    rng = np.random.default_rng(0)
    data = FORMATS[case]
    for _ in range(40):
        copy = bytearray(data)
        for place in rng.integers(0, len(copy), size=3):
            copy[place] = rng.integers(0, 256)
        for damaged in (bytes(copy), data[: rng.integers(0, len(data))]):
            try:
                read_table(damaged, max_bytes=10**7)
            except ValueError as error:
                assert "\n" not in str(error), str(error)  # noqa: PT017


# points


def test_standardised_inputs_and_target():
    draw = np.random.default_rng(0)
    table = Table(draw.normal(3.0, 5.0, (50, 3)), ("a", "b", "y"))
    points = choose_points(table, target="y")
    np.testing.assert_allclose(points.X.mean(axis=0), 0, atol=1e-13)
    np.testing.assert_allclose(points.X.std(axis=0), 1, rtol=1e-13)
    np.testing.assert_allclose([points.y.mean(), points.y.std()], [0, 1], atol=1e-13)
    assert (points.inputs, points.target, points.notes) == (("a", "b"), "y", ())
    raw = choose_points(table, inputs=["b"], standardise=False)
    np.testing.assert_array_equal(raw.X[:, 0], table.values[:, 1])
    assert raw.y is None


def test_what_is_dropped_is_said():
    values = np.array([[1.0, 7.0, 2.0], [2.0, 7.0, np.nan], [4.0, 7.0, 3.0], [5.0, 7.0, 8.0]])
    points = choose_points(Table(values, ("a", "b", "y"), left_out=("name",)), target="y")
    assert points.X.shape == (3, 1)
    assert "1 of 4 rows were dropped" in " ".join(points.notes)
    assert "constant: b" in " ".join(points.notes)
    assert "text: name" in " ".join(points.notes)
    without = choose_points(Table(values, ("a", "b", "y")), inputs=["a", "b"])  # a value missing elsewhere drops no row
    assert len(without.X) == 4


def test_rows_are_drawn_by_size_and_seed():
    table = Table(np.arange(200.0).reshape(100, 2), ("a", "b"))
    first, again, other = (
        choose_points(table, rows=20, standardise=False, generator=torch.Generator().manual_seed(seed)).X
        for seed in (0, 0, 1)
    )
    assert len(np.unique(first, axis=0)) == 20
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"target": "z"}, "no column of numbers 'z'"),
        ({"inputs": ["a", "y"], "target": "y"}, "an input as well"),
        ({"inputs": []}, "at least one input"),
        ({"inputs": ["c"]}, "constant"),
        ({"inputs": ["a"], "target": "c"}, "target 'c' is constant"),
        ({"inputs": ["m"]}, "every row misses"),
        ({"rows": 1}, "generator"),
    ],
)
def test_each_bad_choice_gets_one_sentence(options, said):
    table = Table(np.column_stack([[1.0, 2.0], [5.0, 5.0], [np.nan, np.nan], [1.0, 0.0]]), ("a", "c", "m", "y"))
    if "rows" in options:
        options = options | {"inputs": ["a"]}
    with pytest.raises(ValueError, match=said):
        choose_points(table, **options)


def test_one_row_is_no_kernel():
    with pytest.raises(ValueError, match="only one row is left"):
        choose_points(read_table(b"a,b\n1,2\n"), target="b")


def test_packaged_tables_hold_what_the_catalogue_says():
    for entry in kernels.table_catalogue():
        table = kernels.load_table(entry.key)
        assert table.values.shape == (entry.rows, entry.columns)
        assert table.columns[-1] == entry.target
        assert np.isfinite(table.values).all()
    with pytest.raises(ValueError, match="no table"):
        kernels.load_table("unknown")


def test_log_determinant_of_diabetes_and_uci(data):
    """-119.31459, -2681.93469 and -5660.47234 for an RBF of length 1 + 0.01 I on standardised inputs."""
    tables = {"diabetes": (kernels.load_table("diabetes"), -119.31459)}
    for name, value in (("concrete", -2681.93469), ("airfoil", -5660.47234)):
        tables[name] = (read_table(data / "regression" / f"uci_{name}.csv.gz"), value)
    for table, value in tables.values():
        points = choose_points(table, target=table.columns[-1])
        K = kernels.KernelOperator(points.X, kernels.RBF(), noise=0.01)
        dense = K.columns(range(len(points.X)))
        assert round(float(torch.linalg.slogdet(dense)[1]), 5) == value
