"""The Explain panels of the page "Kernel log-det": formula, what to look at, source."""

__all__ = ["ENTROPY", "LIKELIHOOD", "LOGDET", "TABLE"]

LOGDET = r"""
**The log-determinant** of a symmetric positive definite matrix $A$ of order $n$ is a trace,
$\log\det A = \sum_i \log \lambda_i = \operatorname{tr} \log A = n \int \log\lambda \, p(\lambda)\,d\lambda$: a functional of
the spectral density $p$. Cholesky's factor costs $n^3/3$ operations and $n^2$ numbers of memory; every method here needs
products $A v$ only, and says how many.

- **Lanczos quadrature** (SLQ). A random probe $v$ and $k$ products give $\sum_i w_i \log\theta_i$, exact for polynomials of
  degree $2k - 1$. Its **Gauss** rule lies above the truth, since the even derivatives of $\log$ are negative; a **Gauss-Radau**
  rule with a node at a number that no eigenvalue falls below (the noise) lies below it. The pale band is that bracket: *not*
  random.
- **Preconditioned.** A few hundred columns of $A$ are eliminated by a partial Cholesky factorisation, and their share of the
  log-determinant is exact; Lanczos quadrature is left with the Schur complement of the rest, whose spectrum is narrow, and
  with control variates of known trace. Nothing is approximated by low rank. *Look at* how it fares as the length scale grows,
  where all others fail.
- **Chebyshev** (Han et al.): one polynomial for $\log$ on an interval that must hold the spectrum. *Look at* what it does
  once the condition number $\kappa$ passes some hundreds: the degree needed grows as $\sqrt\kappa$.
- **MEMe** (Algorithm 3): a density of maximum entropy for the moments of the probes, and $\log$ integrated against it. Where
  the mass near 0 matters, the moments do not determine it; the density's grid or prior does.
- **BMxnt** (Bandyopadhyay et al. 2005): the same idea with power moments and iterative scaling, the classical baseline.
- **What a bar holds**: the spread over probes, and an allowance for what the quadrature, the polynomial or the density leaves
  open, which is the same for every probe and which no number of probes takes away. Where no lower bound on the eigenvalues is
  known, that allowance is a guess, and plain Lanczos quadrature has none: the table says so. *Look at* the thin dotted lines,
  what a method reports, against the thick ones, what it is wrong by: only the first is there when nobody knows the answer.

**The spectrum** on a logarithmic axis shows the mass per factor of 10: $\log\det A$ is the mean of that picture, times
$n \ln 10$.

**Spatial weights.** A row-standardised $W = D^{-1} A$ is not symmetric, but
$D^{1/2} W D^{-1/2} = D^{-1/2} A D^{-1/2}$ is, with the same eigenvalues: so
$\det(I - \rho W) = \det(I - \rho D^{-1/2} A D^{-1/2})$, and that is what is computed. Its
spectrum lies in $[1 - |\rho|, 1 + |\rho|]$.

*Sources.* Granziol, *Spectral Machine Learning*, sections 2.3 to 2.6; Ubaru, Chen and Saad 2017; Han, Malioutov and Shin 2015;
Golub and Meurant, *Matrices, Moments and Quadrature*; Chen, Epperly, Tropp
and Webber 2024 for pivoted Cholesky; Ord 1975 for spatial weights.
"""

LIKELIHOOD = r"""
**The log marginal likelihood** of a Gaussian process, for targets $y$ at $n$ points with kernel matrix $K_\ell$ (noise included):

$$\log p(y \mid \ell) = -\tfrac12\, y^\top K_\ell^{-1} y \;-\; \tfrac12 \log\det K_\ell \;-\; \tfrac n2 \log 2\pi .$$

- The first term rewards fit, the second, *the log-determinant*, charges for complexity: a short length scale fits anything and
  pays for it, a long one is cheap and fits badly. The maximum is where they balance (Occam's razor). *Look at* the two curves
  pulling in opposite directions.
- Nobody needs the log-determinant for its own sake. This is what it is for: every step of fitting a length scale asks for it.
- The estimates at all length scales share their probes, so that neighbours share a part of their error: the *place* of the
  maximum is better known than its height.
- $K^{-1} y$ is solved by conjugate gradients; its products are counted too, and what it leaves unsolved is in the bar.

For Gaussian points there is no target; one is **drawn from the process itself** at the length scale of the sidebar, so that the
truth is known. *Look at* whether the curve finds it.

*Sources.* Rasmussen and Williams, *Gaussian Processes for Machine Learning*, Equation 5.8; Granziol, *Spectral Machine Learning*,
section 2.6.
"""

ENTROPY = r"""
**The maximum of the entropy under more constraints can not be larger.** Of all densities $q$ with the moments
$\mu_1, \dots, \mu_m$ of the spectrum, maximum entropy takes the one with the largest $-\int q \log q$; one more moment leaves
fewer densities to choose from. So a curve that *rises* is not the maximum: the optimisation has failed.

- **MEMe** (Algorithm 1): Newton's method on the convex dual, in Chebyshev polynomials. Its entropy falls, and its error with it.
- **BMxnt** (the classical baseline): iterative scaling, $a_i \leftarrow a_i + \frac{1}{m+1}\log\frac{\int x^i q}{\mu_i}$, on
  powers $x^i$. Every round is a step in the right direction, but a step of $1/(m+1)$: the more moments, the further it stays from
  meeting them. *Look at* its entropy rise while its error first falls, then grows. More rounds (sidebar) only move the turn.
- Eigenvalues that stand alone, as the largest ones of a kernel do, leave no density that meets some 20 of their moments: each
  may be missed by $s = 10^{-4}$, and the entropy drawn is what is then maximised, less $\sum_j (\text{miss}_j)^2 / 2 s^2$.
- **What the floor decides.** $\log\det A = n \int \log\lambda\, q$ asks for the density near 0, where $m$ moments resolve no
  more than $1/m^2$ of the range. Below that, the *floor* of the domain and the *measure* that entropy is relative to decide, not
  the data. *Look at* the curves of the third figure: level where the moments decide, apart where they do not.

The thesis's Figure 2.1 is of real data (an ecology matrix, $n = 80{,}900$) that is not at hand; it says that BMxnt's error grows
from $m > 4$ and its entropy from $m > 12$ on. Where the turn comes depends on the matrix and on when the scaling is stopped.

*Sources.* Granziol, *Spectral Machine Learning*, section 2.6.1, Algorithms 1 and 3, Figure 2.1; Bandyopadhyay et al. 2005;
Fitzsimons et al. 2017; Darroch and Ratcliff 1972.
"""

TABLE = r"""
**Table 2.1** has relative errors of $\log\det K$, $K_{ij} = \exp(-\lVert x_i - x_j\rVert^2 / 2\ell^2) + 10^{-8}\,\delta_{ij}$,
for 1000 Gaussian points in 6 dimensions, 30 moments and 50 probes: 1500 products as the thesis's Algorithm 2 counts them.

- **Why the printed columns can not be reproduced as they stand.** The points' scale is not said. A scale of 0.28 gives the
  condition numbers of $\ell \ge 0.35$, but not those above; no one scale gives all. Here each row has its own, $\ell / \sigma$
  from 0.468 to 3.127, so that $\kappa$ is about the printed one.
- **MEMe as described** (30 moments, Gershgorin's bound, a grid of step $10^{-4}$) is run with two floors of that grid, which is
  not said either. *Look at* the two columns: where $\kappa$ is large they differ by more than either is wrong by in print.
- **MEMe** is the same idea with as many moments as the products pay for, Chebyshev polynomials, and the noise $10^{-8}$ as
  the lower end. Its bar holds what the moments leave open, which is nearly everything below $1/m^2$.
- **SLQ and Chebyshev** are biased once $\kappa$ is large, in the same direction for every probe. The bars here hold the bound on
  that bias, the width between the Gauss and the Gauss-Radau rule, and are wide for that reason.
- **Preconditioned** takes out what a few hundred columns of $K$ explain, exactly, and estimates the rest: the smallest
  eigenvalues are then no longer far from all others.

With $n = 1000$ the budget of 1500 products would buy the matrix itself: `method="auto"` then factorises it. The table asks for
estimates throughout, as it is about matrices for which that is out of reach.

*Source.* Granziol, *Spectral Machine Learning*, Table 2.1; Ubaru, Chen and Saad 2017; Han, Malioutov and Shin 2015.
"""
