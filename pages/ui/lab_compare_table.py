"""The numbers beside the curves of the tab "Compare": what each missed, what it claims, and what it cost."""

import time
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from pages.ui.lab_estimates import ESTIMATORS, curve, points, truth

__all__ = ["curve_frame", "estimator_frame", "estimator_rows", "judged"]

SINGLES = 8  # probes looked at alone
OF_METHOD = {"lanczos": "lanczos", "kpm": "hutchinson", "chebyshev-nystrom++": "xnystrom"}  # of `sc.spectrum`
FAMILY = {"lanczos": "lanczos", "kpm": "moments", "maxent": "moments"}  # the others' is the sketch


@dataclass(frozen=True, eq=False)
class Judged:
    """A curve with its L1 error (NaN where nothing is known), the area under its bar, and the milliseconds it took."""

    curve: object
    missed: float
    claimed: float
    milliseconds: float


@lru_cache(maxsize=128)
def judged(measured, name, sigma):
    began = time.perf_counter()
    found = curve(measured, name, sigma)
    taken = 1e3 * (time.perf_counter() - began)
    claimed = float(found.error.sum() * (found.x[1] - found.x[0]))
    return Judged(found, measured.missed(found, sigma), claimed, taken)


@lru_cache(maxsize=64)
def _alone(measured, name, sigma):
    """Mean L1 error of single probes."""
    ones = [measured.single(name, place) for place in range(min(SINGLES, measured.singles(name)))]
    return float(np.mean([measured.missed(curve(one, name, sigma), sigma) for one in ones]))


def estimator_rows(result, sigma):
    """``(rows, missing)``: a dict a row of the table, and the products that estimators without a curve need."""
    measured, rows, missing = result.measured, [], {}
    known = measured.eigenvalues is not None
    chosen = None if result.automatic is None else OF_METHOD.get(result.automatic.method)
    for name, label in ESTIMATORS.items():
        if measured.source(name) is None or name in result.refused:
            continue
        if more := measured.missing(name, sigma):
            missing[name] = more
            continue
        found, family = judged(measured, name, sigma), FAMILY.get(name, "sketch")
        rows.append(
            {
                "estimator": label,
                "L1 error": found.missed if known else None,
                "claimed": found.claimed if np.isfinite(found.claimed) else None,
                "L1 error of one probe": _alone(measured, name, sigma) if known else None,
                "products": result.split.spent(name),
                "spent as": result.split.words(name),
                "seconds": result.seconds.get(family),
                "ms a curve": found.milliseconds,
                "memory (MB)": result.memory.get(family, 0) / 1e6,
                "sc.spectrum": "◆ its choice" if name == chosen else "",
            }
        )
    return rows, missing


def estimator_frame(rows):
    import pandas as pd

    frame = pd.DataFrame(rows)
    digits = {"L1 error": 5, "claimed": 5, "L1 error of one probe": 4, "seconds": 2, "ms a curve": 1, "memory (MB)": 2}
    return frame.round({name: places for name, places in digits.items() if name in frame})


def curve_frame(result, sigma):
    """The curves at one sigma, one column an estimator and one for its bar; the exact density beside them."""
    import pandas as pd

    measured = result.measured
    x = points(measured.interval, sigma)
    columns = {"eigenvalue": x}
    if measured.eigenvalues is not None:
        columns["exact, smoothed"] = truth(measured.eigenvalues, sigma, x)
    for name, label in ESTIMATORS.items():
        if measured.source(name) is not None and name not in result.refused and not measured.missing(name, sigma):
            found = judged(measured, name, sigma).curve
            columns |= {label: found.y, f"{label}: bar": found.error}
    return pd.DataFrame(columns)
