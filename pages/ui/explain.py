"""The Explain panels: formula, what to look at, source."""

__all__ = ["SPECTRUM"]

SPECTRUM = r"""
**The spectral density** of a symmetric matrix $A$ of order $n$ puts a mass of $1/n$ on each eigenvalue:
$p(\lambda) = \frac1n \sum_i \delta(\lambda - \lambda_i)$. For the normalised Laplacian
$L = I - D^{-1/2} W D^{-1/2}$ all of it lies in $[0, 2]$. Nobody diagonalises a million nodes, but products $A v$ are cheap.

- **Stems** (Lanczos quadrature). From a random probe $v$, $k$ products give $k$ Ritz values $\theta_i$ with weights $w_i$ that
  integrate every polynomial up to degree $2k - 1$ exactly: $\frac1n \operatorname{tr} f(A) \approx \sum_i w_i f(\theta_i)$.
  The weights sum to 1. *Look at* the outermost stems: they find the ends of the spectrum first.
- **Smoothed**: each stem becomes a bell of width $\sigma$. *Look at* what happens at an edge when you drag $\sigma$: mass leaks
  out of $[0, 2]$, where no eigenvalue can be, and every even moment grows by
  $\sum_i w_i \sum_j \binom{m}{2j} \mathrm{E}[k_\sigma^{2j}]\, \theta_i^{m-2j}$ (Theorem 2). There is no right $\sigma$.
- **Maximum entropy**: of all densities with the measured moments $\mu_j$ the least committal one,
  $q(\lambda) = \exp(-1 - \sum_j a_j T_j(\lambda))$, found by Newton's method on a convex dual. It stays inside the interval,
  is positive, and keeps the moments. The fit may miss $\mu_j$ by $s_j^2 |a_j|$, $s_j$ being its standard error: noise is not
  fitted. *Look at* the entropy: more moments can only lower the penalised objective.
- **Atoms** (lollipops): eigenvalues known without any estimate, such as one 0 for each connected component. They are taken
  out of the probes and drawn with their exact mass.
- **Exact** (grey): all eigenvalues by a dense solver, up to $n = 5000$.

The thesis's Figure 3.1 and 3.3 use hard constraints ($s_j = 0$); for sampled moments of graphs those do not converge beyond
some 30 moments, which is why the fit here allows for the noise.

*Sources.* Granziol, *Spectral Machine Learning*, sections 2.4, 3.3 to 3.5, Algorithm 1 and 4, Theorem 2 (its binomial
reads $\binom{r}{2j}$, a slip); Golub and Meurant, *Matrices, Moments and Quadrature*; Ubaru, Chen and Saad 2017; Weisse et
al. 2006 for the kernel polynomial method.
"""
