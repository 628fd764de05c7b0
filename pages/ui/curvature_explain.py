"""The Explain panels of the curvature tabs."""

__all__ = ["COMPARED", "CURVATURE", "TRAINING"]

CURVATURE = r"""
**The Hessian** $H = \nabla^2 L(w)$ of the mean loss over the examples says how the gradient turns when the $P$ weights move.
Nobody writes down $P^2$ entries; a product $Hv$ costs about as much as one or two gradients.

- **Stems** (Lanczos quadrature, Algorithm 6): from a random probe, $k$ products give $k$ Ritz values with weights that
  integrate every polynomial up to degree $2k - 1$. The weight axis is logarithmic: one eigenvalue has the weight $1/P$. *Look
  at* the line at $\kappa/P$ (Figure 6.1): a stem below it stands for fewer than $\kappa$ eigenvalues, an outlier; what
  reaches above is the bulk.
- **Diamonds** are eigenvalues known from eigenpairs (thick-restart Lanczos), with their exact weight $1/P$: what they explain
  of each probe is taken out of it, which is why trace and norm have small bars. The residual $\|Hv - \lambda v\|$ bounds the
  error for certain: some eigenvalue lies that near.
- **Smoothed**: each stem a Gaussian of width $\sigma$. *Look at* the mass that it puts where there are no eigenvalues.
  **Maximum entropy** keeps the moments of the stems and adds nothing else.
- **Near zero, below, above.** In most directions the loss hardly changes to second order. How many eigenvalues lie within a
  hundredth of the norm is bounded by the moments of the stems (Chebyshev, Markov and Stieltjes), whatever lies between the
  stems: *look at* the range, which more steps narrow. The thesis's *rank degeneracy* (5.9), the weight of the Ritz values
  nearest zero, also stands for what they have not been told apart from. Negative mass says that this is no minimum.
- **Noise** (Algorithm 8, corrected): $s^2(u) = \frac1N \sum_i \|H_i u\|^2 - \|Hu\|^2$ over examples, with a random $u$. The
  printed algorithm forgets the $\frac1N$ and subtracts $(u \cdot Hu)^2$. Mini-batches of $B$ have $\frac1B - \frac1N$ of it.
- **$R_\text{est-curv}$** (6.1): the learning rate of a damped Newton step in the flattest direction by that in the sharpest,
  $(\lambda_1 + \delta)/(\lambda_P + \delta)$; the thesis's (6.4) has $\delta$ for the last denominator. **Effective
  dimension**: $\sum_i \lambda_i/(\lambda_i + \delta)$.
- **Two sources of error.** The bands of the picture are over *probes*: they shrink as you take more. Other examples would
  have given another Hessian: *Beside it, Resampled data* shows that error, which only more examples shrink.
- **GGN**, $\frac1N \sum_i J_i^\top \nabla^2_f \ell\, J_i$, leaves out the curvature of the network itself: it has no negative
  eigenvalues and equals the Fisher matrix for cross-entropy.

*Sources.* Granziol, *Spectral Machine Learning*, chapters 4 to 6; Golub and Meurant, *Matrices, Moments and Quadrature*; Wu
and Simon 2000; Pearlmutter 1994 and Schraudolph 2002 for the products.
"""

COMPARED = r"""
**One picture a matrix, on one axis.** The weights are logarithmic: a single eigenvalue has $1/P$.

- **Matrices** (Figure 4.7): the Hessian, its Gauss-Newton part, and the diagonal of that part, which many optimisers take for
  the whole. *Look at* where the diagonal ends: its largest entry is far below $\lambda_1$, and its mass at zero is another
  one.
- **Two probes** (Figure 4.8): in high dimension one random vector nearly suffices, for the bulk. *Look at* the weights of the
  outliers: the squared overlap of a probe with one eigenvector scatters by its own size.
- **Layers**: the diagonal block of each layer, a matrix of its own. Blocks have smaller extremes than the whole
  (interlacing).
- **Batch norm**: by stored statistics each example stands alone; by those of the mini-batch the examples are mini-batches
  (5.9.3).
- **Checkpoints**: smoothed with one $\sigma$ for all.

*Sources.* Granziol, *Spectral Machine Learning*, sections 4.6 and 5.9.3.
"""

TRAINING = r"""
**One run, epoch by epoch.** The same examples at every epoch, the same probes.

- $\operatorname{tr} F$, the trace of the Gauss-Newton matrix, and $\operatorname{tr} S$ with $S = H - F$: at the start the
  network's own curvature $S$ weighs as much as $F$; at a good fit the residuals vanish, and $S$ with them.
- **Noise** $s^2$ (Figure 5.5): how much the Hessians of single examples scatter. It sets how mini-batches move the
  eigenvalues.
- **Rank degeneracy** (Figures 5.17 to 5.20): the mass nearest zero. As printed, the weight of the one Ritz value nearest zero
  (of the two nearest for the Hessian) jumps when the mass splits; the mass within rounding does not.

*Sources.* Granziol, *Spectral Machine Learning*, sections 5.4 and 5.9; Salkey, Benton and Maddox, *Hess-Trucks*, for the
traces of $F$ and $S$.
"""
