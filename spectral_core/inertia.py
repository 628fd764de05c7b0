"""How many eigenvalues lie below a threshold, exactly: Sylvester's law of inertia, in a process that can be killed."""

from collections.abc import Iterator

import numpy as np

from spectral_core.child_process import child_steps, negative_pivots
from spectral_core.exact import checked_parts

__all__ = ["inertia", "inertia_steps"]

SMALL = 200  # factored in place
NUDGE = 1e-6  # of the norm, where the threshold itself is undecided


def inertia_steps(
    matrix, threshold: float, *, seconds: float = 20.0, memory: int = 4 << 30
) -> Iterator[tuple[float, int | None]]:
    """Yield ``(fraction, None)`` while ``A - t I = L D L.T`` is being factored, then ``(1.0, #{i: D_ii < 0})``.

    ``A - t I`` and ``D`` have equally many negative eigenvalues, so this is the number of eigenvalues of A below t.
    The number is exact, or it is refused: SuperLU must have kept its pivots on the diagonal (equal permutations of
    rows and columns), and the backward error, at most ``eps (4 k max_i (|L| |U| 1)_i + ||A||_1 + |t|)`` with k the most
    entries in a row of L, must stay below a tenth of the distance from t to the nearest eigenvalue, which 8 inverse
    iterations with the factors measure. Where this fails at t, it is done at ``t - s`` and ``t + s`` with
    ``s = 1e-6 ||A||_1`` instead: two equal counts are that of t, and unequal ones leave it undecided.

    Parameters
    ----------
    matrix : (n, n) array or SciPy sparse matrix
        Real and symmetric.
    threshold : float
        t, in the units of the eigenvalues. It should lie in a gap: at an eigenvalue the number is undecided.
    seconds : float
        Given up after so many.
    memory : int
        Bytes the child process may take, on platforms that can limit them.

    Yields
    ------
    (float, int or None)
        About every 0.1 s the fraction of `seconds` that has passed, and in the end the number. Closing the generator
        kills the child.

    Raises
    ------
    ValueError
        The matrix is not square, not finite or not symmetric; the threshold is not finite or is undecided; the time
        or the memory does not suffice.

    Notes
    -----
    No product: one sparse factorisation, whose cost lies in the fill-in. Luxembourg's roads (114 599 nodes) take 0.7 s;
    a random graph of 20 000 nodes and 100 000 edges is not done after 20 s. Source: Sylvester 1852; Higham, Accuracy
    and Stability of Numerical Algorithms, theorem 9.3; SuperLU's minimum degree ordering in its symmetric mode.

    Examples
    --------
    >>> [number] = [number for _, number in inertia_steps(np.diag([3.0, 1.0, 2.0]), 2.5) if number is not None]
    >>> number
    2
    """
    parts = checked_parts(matrix, np.iinfo(np.int32).max)
    if not np.isfinite(threshold):
        raise ValueError(f"the threshold must be a finite number; got {threshold}.")
    parts |= {"threshold": np.array(float(threshold)), "nudge": np.array(NUDGE)}
    n = int(parts["n"])
    try:
        if n <= SMALL:
            answer = negative_pivots(parts)
        else:
            answer = yield from child_steps("negative_pivots", parts, expected=seconds, seconds=seconds, memory=memory)
    except TimeoutError:
        raise ValueError(
            f"The exact count was given up after {seconds:g} s: the factors of this matrix fill in. Allow it more time, "
            "or rely on the estimate."
        ) from None
    except MemoryError:
        raise ValueError(
            f"The exact count needs more than the {memory / 2**30:.1f} GiB it was given: the factors of this matrix "
            "fill in. Rely on the estimate."
        ) from None
    number = int(answer["below"])
    if number < 0:
        raise ValueError(
            f"The number of eigenvalues below {threshold:g} is undecided, as one lies at it to rounding: move the "
            "threshold into a gap."
        )
    yield 1.0, number


def inertia(matrix, threshold: float, *, seconds: float = 20.0, memory: int = 4 << 30) -> int:
    """Return the number of eigenvalues below `threshold`: `inertia_steps`, drained.

    Examples
    --------
    >>> inertia(np.array([[0.0, 1.0], [1.0, 0.0]]), 0.5)
    1
    """
    *_, (_, number) = inertia_steps(matrix, threshold, seconds=seconds, memory=memory)
    return number
