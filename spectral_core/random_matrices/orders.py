"""Orders of matrices and other counts: whole numbers of at least 1."""

from numbers import Integral

__all__ = ["whole"]


def whole(**numbers):
    """The `numbers` as ints: Python's and NumPy's whole numbers of at least 1, no bools.

    >>> whole(n=3, samples=5)
    [3, 5]
    """
    for name, number in numbers.items():
        if isinstance(number, bool) or not isinstance(number, Integral) or number < 1:
            raise ValueError(f"{name} must be a whole number, at least 1; got {number}.")
    return [int(number) for number in numbers.values()]
