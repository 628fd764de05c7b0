"""Maximum entropy against the thesis's own way: SciPy's Newton-type solvers on power moments and a fine grid.

    python -m tests.benchmarks.maxent

For each law and number of moments: seconds of both, their ratio, and the divergence of each fit from the law.
"""

import time

import numpy as np
from scipy import optimize

import spectral_core as sc
from spectral_core.random_matrices import MarchenkoPastur, Semicircle


def thesis_fit(law, m, method):
    """Algorithm 1 as printed: power moments on [0, 1], grid 1e-4, jitter 1e-8; returns ``log q`` on the law's support."""
    a, b = law.support
    powers = law.moments(m).converted("power").values
    # moments of y = (1 + t) / 2 in [0, 1]
    mu = np.array([np.polynomial.polynomial.polypow([0.5, 0.5], k) @ powers[: k + 1] for k in range(m + 1)])
    y = (np.arange(10_000) + 0.5) * 1e-4
    features = np.vander(y, m + 1, increasing=True)

    def q(alpha):
        return np.exp(np.minimum(-1.0 - features @ alpha, 50.0))

    def dual(alpha):
        return q(alpha).sum() * 1e-4 + alpha @ mu

    def gradient(alpha):
        return mu - features.T @ q(alpha) * 1e-4

    def hessian(alpha):
        H = (features * q(alpha)[:, None]).T @ features * 1e-4
        return 0.5 * (H + H.T) + 1e-8 * np.eye(m + 1)

    found = optimize.minimize(
        dual, np.zeros(m + 1), method=method, jac=gradient, hess=hessian, options={"maxiter": 500}
    )
    x, mass = law._rule()
    log_q = -1.0 - np.vander((x - a) / (b - a), m + 1, increasing=True) @ found.x - np.log(b - a)
    return float(mass @ (np.log(law.pdf(x)) - log_q))


def seconds(work, repeats):
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        result = work()
        times.append(time.perf_counter() - start)
    return float(np.median(times)), result


def main():
    print(f"{'law':45} {'m':>4} {'ours ms':>8} {'SciPy ms':>9} {'ratio':>6} {'our KL':>9} {'its KL':>9}  solver")
    for law in (Semicircle(1.0), MarchenkoPastur(0.5)):
        for m in (5, 10, 30, 60, 100):
            ours, fit = seconds(lambda: sc.maxent(law.moments(m)), 5)  # noqa: B023
            for method in ("trust-ncg", "Newton-CG"):
                theirs, divergence = seconds(lambda: thesis_fit(law, m, method), 1)  # noqa: B023
                print(
                    f"{law!s:45} {m:4d} {1e3 * ours:8.1f} {1e3 * theirs:9.1f} {theirs / ours:6.0f} {law.kl(fit):9.2e} "
                    f"{divergence:9.2e}  {method}"
                )


if __name__ == "__main__":
    main()
