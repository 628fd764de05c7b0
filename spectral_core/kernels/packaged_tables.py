"""Tables that installed packages carry: real data without a download."""

import gzip
import importlib.resources
from typing import NamedTuple

import numpy as np

from spectral_core.kernels.tables import Table, read_table

__all__ = ["PackagedTable", "load_table", "table_catalogue"]


class PackagedTable(NamedTuple):
    """An entry of the catalogue: `rows` of `columns` numbers, the `target` among them."""

    key: str
    title: str
    description: str
    source: str
    rows: int
    columns: int
    target: str


CATALOGUE = (
    PackagedTable(
        "diabetes",
        "Diabetes",
        "Ten measurements of 442 patients, and the progression of the disease a year later.",
        "Efron et al. 2004, carried by scikit-learn",
        442,
        11,
        "progression",
    ),
    PackagedTable(
        "auto-mpg",
        "Fuel use of cars",
        "Seven properties of 392 cars of 1970 to 1982, and the miles each goes on a gallon.",
        "Quinlan 1993, carried by mlxtend",
        392,
        8,
        "mpg",
    ),
    PackagedTable(
        "carshare",
        "Car sharing in Montreal",
        "249 zones by latitude and longitude, and the hours that shared cars stand there in a month: a map.",
        "carried by plotly",
        249,
        3,
        "car_hours",
    ),
    PackagedTable(
        "wine",
        "Wine",
        "Thirteen chemical measurements of 178 wines of three growers.",
        "Forina et al. 1991, carried by scikit-learn",
        178,
        14,
        "grower",
    ),
    PackagedTable(
        "breast-cancer",
        "Breast cancer",
        "Thirty measurements of the cell nuclei of 569 samples; benign is 1.",
        "Wolberg et al. 1995, carried by scikit-learn",
        569,
        31,
        "benign",
    ),
    PackagedTable(
        "digits",
        "Handwritten digits",
        "64 grey values of 1,797 images, and the digit.",
        "Alpaydin and Kaynak 1998, carried by scikit-learn",
        1797,
        65,
        "digit",
    ),
)
SCIKIT = {
    "diabetes": "load_diabetes",
    "wine": "load_wine",
    "breast-cancer": "load_breast_cancer",
    "digits": "load_digits",
}


def table_catalogue():
    """The `PackagedTable` entries, the first of them what a page shows first."""
    return CATALOGUE


def load_table(key):
    """A `Table` of the catalogue, its target in the last column.

    Raises
    ------
    ValueError
        The key is not in the catalogue.

    Examples
    --------
    >>> load_table("diabetes").values.shape
    (442, 11)
    """
    entry = next((entry for entry in CATALOGUE if entry.key == key), None)
    if entry is None:
        raise ValueError(f"there is no table {key!r}: choose among {', '.join(one.key for one in CATALOGUE)}.")
    if key in SCIKIT:
        from sklearn import datasets  # here, since it takes a second

        found = getattr(datasets, SCIKIT[key])(**({"scaled": False} if key == "diabetes" else {}))
        values = np.column_stack([found.data, found.target]).astype(np.float64)
        columns = (*map(str, found.feature_names), entry.target)
    else:
        package, path = {
            "auto-mpg": ("mlxtend.data", "data/autompg.csv.gz"),
            "carshare": ("plotly", "package_data/datasets/carshare.csv.gz"),
        }[key]
        table = read_table(gzip.decompress(importlib.resources.files(package).joinpath(path).read_bytes()))
        if key == "auto-mpg":
            columns = ("cylinders", "displacement", "horsepower", "weight", "acceleration", "year", "origin", "mpg")
            values = table.values
        else:
            columns = ("centroid_lat", "centroid_lon", "car_hours")
            values = table.values[:, [table.columns.index(column) for column in columns]]
    values.setflags(write=False)
    return Table(values, columns, name=entry.title)
