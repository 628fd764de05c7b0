"""What the tabs "Compare" and "Errors" of the Estimator lab explain."""

__all__ = ["COMPARE", "ERRORS"]

COMPARE = r"""
**What is asked.** The exact spectrum is $n$ needles. Smoothed by a Gaussian $g_\sigma$ it is a density, $\phi_\sigma(t) =
\frac1n \operatorname{tr} g_\sigma(t I - A)$, and each point of it is the trace of a matrix $B(t)$ that only products with
$A$ can reach. Three ways to such a trace, all from the same block of probes $Z$:

- **Girard–Hutchinson**: $\frac1c \sum_j z_j^\top B(t) z_j$. It *sees* everything a little: the error falls like $1/\sqrt
  c$ whatever the spectrum, relative to $\|B(t)\|_F$. It *cannot see* that one part is simple: a lone eigenvalue costs it
  as much noise as a crowd.
- **Nyström**: replaces $B(t)$ by its part in the span of $B(t)Z$. It *sees* exactly all of a $B(t)$ whose rank is at most
  the columns: few eigenvalues within some $\sigma$ of $t$. It *cannot see* the rest: it is always too low. *Look at* how
  its curve rises to the exact one where the spectrum is thin, and never where it is dense.
- **Nyström++**: half of the columns as Nyström, the other half probe what that missed. Its error falls like $1/c$ and it
  is unbiased. **Leave-one-out XNys** lets each column probe what the others missed, so that none is spent on one purpose
  alone; its bar is the scale of the error, not a band that covers it 19 times in 20.

Beside them, what does not expand $g_\sigma$ at all:

- **Lanczos quadrature** finds nodes and weights, which are smoothed. It adapts: outliers and gaps show after few steps.
  *Beware*: a node stands for many eigenvalues; below the distance of nodes the bumps are its own.
- **KPM–Jackson**: the Chebyshev series with Jackson's kernel instead of $g_\sigma$. Its kernel is narrower towards the
  ends of the interval, so it is not the same picture: at a needle (the network's zero eigenvalues) that is most of its
  error, and no number of products mends it.
- **Maximum entropy**: the flattest density with the measured moments, then smoothed alike. On smooth spectra it beats
  what it was made from; it cannot make a needle or a gap of few moments. It has a curve at every $\sigma$, even one narrower than
  the moments resolve, and its bar holds their noise alone.

**Equal products.** The depth that resolves the finest $\sigma$ comes first (with $\sigma' = \sigma$ in units of half the
interval): $m = 5/\sigma'$ products a column for the sketch, since $B(t)^2$ has degree $2m$; half as many for Lanczos,
whose rule of $k$ steps is exact to degree $2k - 1$; $\pi / 2\sigma'$ for KPM. The rest buys probes. A wider $\sigma$
never costs a product. A narrower one does, and the page says how many. While the slider is dragged, a curve stands
between two of a ladder of computed ones, marked "(interpolated)" until the exact one has come.

**Before any product.** The theorems promise a relative error $\varepsilon$ with probability $1 - \delta$ for
$O(\varepsilon^{-2} \log \delta^{-1})$ probes of Girard–Hutchinson (relative to $\int \|B(t)\|_F\,dt$) and
$O(\varepsilon^{-1} \log \delta^{-1})$ columns of Nyström++ (relative to $\int \operatorname{tr} B(t)\,dt$), and leave the
constants open. Assumed here: $4 (1 + \varepsilon) \log(2/\delta) / \varepsilon^2$, which is the bound at a single $t$ for
Gaussian probes, and $8 \log(2/\delta) / \varepsilon$, whose constant is a choice. The degree is that at which the
expansion's remainder is $3 \cdot 10^{-6}$ of the kernel's peak. *Look at* how much less was enough.

**Counts.** Lanczos: bounds on the mass by Gauss–Radau rules. XNys and moments: the mass of the smoothed density, with a
doubt of $n \sigma \sqrt{\pi/2}$ times the density at both ends, because smoothing carries eigenvalues across them.
So ± is not a standard error, and often several times the spread over runs.

*Sources.* Matti, Lam, He and Kressner 2025, *Stochastic trace estimation for parameter-dependent matrices applied to
spectral density approximation* (its $\Omega B^2 \Omega^\top$ should be $\Omega^\top B^2 \Omega$); Lin, Saad and Yang
2016; Lin 2017 for the lattice; Epperly, Tropp and Webber 2024 for leaving one out; Weisse et al. 2006 for KPM; Granziol,
*Spectral Machine Learning*, 4.5.2 for the network's spectrum.
"""

ERRORS = r"""
**Each cell** is a budget and a width $\sigma$: every estimator spends that budget as suits that width, and its L1 error
is the area between its curve and the exact smoothed density, as a share of the mass 1. The estimator with the least mean
over the seeds wins. Two **tie** where the means differ by less than two standard errors of the difference; of fewer than
three seeds, where they are within a factor 1.2.

- *Look at* the slopes: Girard–Hutchinson, Lanczos and moments fall like $1/\sqrt{\text{products}}$, a straight line that
  never bends. Nyström lies high, and falls off a cliff where the columns reach the number of eigenvalues under one
  kernel.
- *Look at* small $\sigma$ and many products: that corner belongs to the estimators that use rank. It begins at some ten
  products a row of the matrix, where solving for all eigenvalues would cost less. For a matrix that nobody can solve,
  most of the map is Lanczos and moments.
- *Beware* of one seed: a lucky draw wins a cell. The areas show the least and the largest error so far.
- **KPM** levels off: the distance between Jackson's kernel and a Gaussian of the same width in the middle is no noise.
- A budget that cannot pay for two probes of the depth that $\sigma$ needs has no curve there.

Smaller budgets take the first probes of the largest run, as if only they had been paid for: the points of one line are not
independent, those of different seeds are.
"""
