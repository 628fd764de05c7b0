"""Optimisers that see gradients: descent with momentum, Adam, Gadam. Each is a generator of iterates that never ends."""

import numpy as np

__all__ = ["adam", "gadam", "gradient_descent"]


def gradient_descent(gradient, x, *, learning_rate=0.1, momentum=0.0, nesterov=False, weight_decay=0.0):
    """``z <- rho z + g(x) + w x``, ``x <- x - alpha z``; yields ``(x, x)`` after every step.

    Nesterov's takes ``x <- x - alpha (rho z + g + w x)`` with the new z, the form that torch has.

    Parameters
    ----------
    gradient : callable
        ``x -> g``, (d,) arrays.
    x : (d,) array
        The start.
    learning_rate, momentum, weight_decay : float
        ``alpha``, ``rho``, ``w``.

    Notes
    -----
    On a quadratic of largest curvature c it converges for ``alpha < 2 (1 + rho) / c``. Source: Polyak 1964; Sutskever et al.
    2013.

    Examples
    --------
    >>> steps = gradient_descent(lambda x: x, np.array([1.0]), learning_rate=0.5)
    >>> [float(next(steps)[0][0]) for _ in range(3)]
    [0.5, 0.25, 0.125]
    """
    z = np.zeros_like(x)
    while True:
        g = gradient(x) + weight_decay * x
        z = momentum * z + g
        x = x - learning_rate * (momentum * z + g if nesterov else z)
        yield x, x


def adam(gradient, x, *, learning_rate=0.1, beta1=0.9, beta2=0.999, damping=1e-8, weight_decay=0.0, power=0.5):
    """``m <- b1 m + (1 - b1) g``, ``v <- b2 v + (1 - b2) g^2``, ``x <- x - alpha (m_hat / (v_hat^p + delta) + w x)``.

    ``m_hat = m / (1 - b1^t)``, ``v_hat = v / (1 - b2^t)``; p is 1/2 for Adam. Weight decay is decoupled, as in AdamW. Yields
    ``(x, x)``. On a plane v is diagonal in the plane's two directions, not in the network's parameters: it adapts to them.

    Notes
    -----
    Source: Kingma and Ba 2015, Algorithm 1; Loshchilov and Hutter 2019; the power is that of Chen et al. 2020 (Padam).

    Examples
    --------
    >>> x, _ = next(adam(lambda x: 5.0 * x, np.array([1.0]), learning_rate=0.1))
    >>> round(float(x[0]), 6)  # the first step has the length of the learning rate
    0.9
    """
    m, v = np.zeros_like(x), np.zeros_like(x)
    t = 0
    while True:
        t += 1
        g = gradient(x)
        m, v = beta1 * m + (1 - beta1) * g, beta2 * v + (1 - beta2) * g * g
        m_hat, v_hat = m / (1 - beta1**t), v / (1 - beta2**t)
        x = x - learning_rate * (m_hat / (v_hat**power + damping) + weight_decay * x)
        yield x, x


def gadam(gradient, x, *, average_from=10, **settings):
    """Adam with decoupled weight decay, and the mean of its iterates from step ``T_avg`` on: yields ``(x_t, mean)``.

    Before that step the second is ``x_t`` itself. The moving averages are `adam`'s: the bias correction is not fed back into
    them. With ``power < 1/2`` it is GadamX.

    Parameters
    ----------
    average_from : int
        ``T_avg``, the first step that enters the mean.
    **settings
        As in `adam`.

    Notes
    -----
    Source: Granziol, Baskerville, Wan, Albanie and Roberts 2020, "Iterative averaging in the quest for best test error",
    Algorithm 1, where averages may also be of every k-th iterate.

    Examples
    --------
    >>> steps = gadam(lambda x: np.sign(x), np.array([1.0]), average_from=1, learning_rate=0.5)
    >>> [round(float(mean[0]), 6) for _, mean in (next(steps), next(steps))]
    [0.5, 0.25]
    """
    if average_from < 1:
        raise ValueError(f"averaging starts at a step from 1 on; got {average_from}.")
    mean = x
    for t, (iterate, _) in enumerate(adam(gradient, x, **settings), 1):
        mean = iterate if t <= average_from else mean + (iterate - mean) / (t - average_from + 1)
        yield iterate, mean
