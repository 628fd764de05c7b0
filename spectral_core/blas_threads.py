"""One BLAS thread for work made of many small products, where threads would wait for each other ten times as long."""

import threading
from contextlib import contextmanager
from functools import lru_cache

from threadpoolctl import ThreadpoolController

__all__ = ["one_blas_thread"]

_LOCK = threading.RLock()  # the number of threads is the whole process's


@lru_cache(maxsize=1)
def _controller():
    import scipy.linalg  # noqa: F401  both copies of OpenBLAS, NumPy's and SciPy's, must be loaded to be found

    return ThreadpoolController()


@contextmanager
def one_blas_thread():
    """A context with one BLAS thread; another thread that wants one too waits until this one is done.

    Examples
    --------
    >>> import numpy as np
    >>> with one_blas_thread():
    ...     float(np.ones(3) @ np.ones(3))
    3.0
    """
    with _LOCK, _controller().limit(limits=1, user_api="blas"):
        yield
