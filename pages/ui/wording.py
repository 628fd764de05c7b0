"""Numbers in sentences."""

from math import floor, log10

__all__ = ["counted", "with_error"]


def counted(count: int, noun: str) -> str:
    """A number of things, in words.

    >>> counted(1, "product"), counted(1200, "forward pass")
    ('1 product', '1,200 forward passes')
    """
    plural = "es" if noun.endswith("s") else "s"
    return f"{count:,} {noun}{plural if count != 1 else ''}"


def with_error(value: float, error: float) -> str:
    """Both to the first digit of the error but one.

    >>> with_error(0.61034, 0.0123), with_error(3.0, 0.0)
    ('0.610 ± 0.012', '3')
    """
    if not 0 < error < 1e4:  # one example; numbers of many digits
        return f"{value:.3g} ± {error:.1g}" if error > 0 else f"{value:.3g}"
    digits = max(0, 1 - floor(log10(error)))
    return f"{value:.{digits}f} ± {error:.{digits}f}"
