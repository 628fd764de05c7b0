"""The Explain panels of the page "Batch-size scaling"."""

__all__ = ["RATES", "SPECTRA", "SPIKE", "THROUGH", "TRYOUT"]

SPIKE = r"""
**A mini-batch's Hessian is that of all data plus noise**, and the noise of $B$ examples has the variance $s^2/B$. The picture
has one direction with curvature $\lambda$, the *spike*, and noise in all others.

- **Wigner.** $\lambda u u^\top + W$ with symmetric Gaussian $W$: the bulk is a semicircle of edge $2s/\sqrt B$; the spike is
  at $\lambda + \dfrac{s^2}{B\lambda}$ while $\lambda > s/\sqrt B$, with squared overlap $1 - \dfrac{s^2}{B\lambda^2}$
  (Theorem 17). *Look at* $B = s^2/\lambda^2$, where the spike meets the edge and the overlap is 0.
- **Additive.** The noise is $XX^\top - v I$, a sample covariance of ratio $q = P/B$ and variance $v = s/\sqrt P$ whose mean
  is taken off: the spike is at $\lambda + \dfrac{q v^2}{\lambda - q v}$ while $\lambda > v(q + \sqrt q)$. The bulk is
  lopsided.
- **Multiplicative.** Mini-batches sample a population with one curvature $\lambda$ among ones of $v$: the spike is at
  $\lambda\left(1 + \dfrac{qv}{\lambda - v}\right)$ while $\lambda > v(1 + \sqrt q)$.

With fewer examples than rows, $q > 1$, the Marchenko-Pastur laws leave the share $1 - 1/q$ of the eigenvalues in one place:
the dotted bar, whose height is that share.

*Where the source is wrong.* Lemma 15 puts Wigner's threshold at $2s$; it is $s$ (where $\lambda + s^2/\lambda = 2s$). Theorem
16's prefactor $P\sigma^2/b$ and its threshold fit no scaling of the spiked covariance; the law above does. Equation 4.17 has
a stray factor. The additive model has no formula there; that above follows from $R(g) = v/(1 - q v g)$.

*Assumptions.* Infinitely many rows, one spike, noise that does not know its direction. Trained networks break the last: see
“Batch spectra”.

*Sources.* Granziol, *Spectral Machine Learning*, sections 5.4 to 5.6, Figures 5.1 and 5.3; Benaych-Georges and Nadakuditi
2011; Baik, Ben Arous and Péché 2005.
"""

SPECTRA = r"""
**Measured**: Hessians of random mini-batches of $B$ of the $N$ examples, drawn without replacement, their largest eigenvalues
by Lanczos. **Predicted**, with $\frac1b = \left(\frac1B - \frac1N\right)\frac{N}{N-1}$ and no product more:

- **Wigner** $\lambda_i + s^2/(b\lambda_i)$ with the noise $s^2$ of *random* directions; **additive** and **multiplicative**
  Marchenko-Pastur, and the **free convolution** of the measured spectrum with a semicircle of $s^2/b$: none knows a
  direction.
- **$\lambda + s^2(u)/(b\lambda)$**: the same with the noise at the eigenvector itself, $s^2(u) = \frac1N\sum_i\|H_iu\|^2 -
  \|Hu\|^2$. *Look at* how much larger it is than that of random directions.
- **Local**: the mean over resampled mini-batches of the root of that equation, example by example: where one example makes
  most of the noise, most mini-batches do not hold it.
- **Refined**: every example's matrix on the leading 20 eigenvectors, and one direction of its own outside them; mini-batches
  of these are resampled and solved.

**Critical batch size**: where the refined curve crosses $2\lambda_1$; its interval is where the curves two standard errors
beside it do: of drawing mini-batches, and of the noise as a mean over the examples. **Gradient noise scale**:
$\operatorname{tr} C/\|g\|^2$, a batch size too, of the gradient instead of the curvature.

**Overlap** $(u\cdot\hat u)^2$ of mini-batch and full eigenvectors: Theorem 17, $1 - s^2/(b\lambda^2)$, with either noise.

**A model fails** here if it is both outside the 95 % interval of the measured mean (Student) and 10 % off; the refined one is
judged on the very mini-batches that were measured, so that chance cancels.

*Where the source is wrong.* Algorithm 8 forgets the $\frac1N$ and subtracts $(u\cdot Hu)^2$ for $\|Hu\|^2$. Its cost here is
a product and a half a probe: $E\|\sum_i r_iH_iu\|^2 = \sum_i\|H_iu\|^2$ for random signs $r_i$, and signs are a half of the
data less all of it. $\frac1b = \frac1B - \frac1N$ lacks the factor $\frac{N}{N-1}$.

*Assumptions.* The local and the refined prediction are heuristics: outside the leading directions, those of different
examples count as orthogonal. Batch norm is by stored statistics.

*Sources.* Granziol, *Spectral Machine Learning*, chapter 5, Figures 5.2, 5.4 and 5.6; McCandlish et al. 2018 for the
gradient.
"""

RATES = r"""
**SGD meets the curvature of its mini-batches.** Along an eigenvector $u$ of curvature $\lambda$ with noise $s^2(u)$, steps of
rate $\alpha$ keep the mean square of the weights bounded for $\alpha < \dfrac{2}{\lambda + s^2(u)/(b\lambda)}$: *linear* in
$B$ where noise rules, flat at $2/\lambda$ beyond; for an octave or two between like a *square root*. The least over the
leading eigenvectors counts. The bend is where $b = s^2/\lambda^2$.

- **$2/\lambda_1(B)$**, the thesis's rate: where the *mean* mini-batch is at the edge. It is higher where rare examples make
  the noise: few mini-batches hold them, but those that do move far.
- **Momentum** $\rho$: $\dfrac{2(1+\rho)}{\lambda + \frac{1+\rho}{1-\rho}\frac{s^2(u)}{b\lambda}}$. The gain of $1 + \rho$ is
  there only beyond the bend; before it, momentum costs as much as it pays. Towards $B = N$, without replacement, $b$ grows
  faster than $B$, and the rate is steeper than linear.
- **Adam with large damping** $\varepsilon$ is heavy ball with rate $(1 - \beta_1)\alpha/\varepsilon$: linear too. **With
  small damping** it divides by the noise of the gradient, which falls as $1/\sqrt B$: the rate goes like $\sqrt B$. Which one
  holds is whether $\varepsilon$ is above the root mean square of the gradient's entries.
- **Least damping** of a damped Newton step: $\delta > \alpha s^2/(2b\lambda_1)$. Equation 5.36 lost the $\lambda_1$: its
  units do not fit.
- **Damping is shrinkage** (6.3.2): $\frac{1}{\lambda + \delta} = \frac{\beta}{\beta\lambda + 1 - \beta}$ with $\beta =
  \frac{1}{1+\delta}$, times $\beta$. **$R_\text{est-curv}$** (6.1) is the rate in the flattest direction by that in the
  sharpest.

**The recommendation** keeps the share of the largest stable rate that a rate has.

*Assumptions.* The curvature and its noise are those of this checkpoint, and a quadratic; both change in training. A network
with a small loss bends more once it is moved and diverges earlier; larger steps can also stay bounded by moving to flatter
places. What is stable need not generalise best.

*Sources.* Granziol, *Spectral Machine Learning*, sections 5.7, 5.8 and 6.1 to 6.3.
"""

TRYOUT = r"""
**Real training, from the checkpoint**, plain mini-batches without replacement in each epoch.

- **Scaling rules.** The rate at $B$ is $\alpha_0 (B/B_0)^e$: *linear* $e = 1$, *square root* $e = \frac12$, *constant* $e =
  0$; equally many examples for all. *Look at* where the crosses are: linear scaling diverges beyond the critical batch size.
- **Largest stable rate.** At each batch size rates go by factors of two and then by bisection, until that of which most runs
  stay, and that of which most do not, are within a factor $2^{1/4}$. A run diverges where the loss on all data exceeds twice
  that of the checkpoint plus 0.1 within 200 updates. Momentum is 0.9. Of Adam with small damping theory knows the shape only,
  $\sqrt B$ up to the critical batch size: the curve is drawn at the level of the rates found.

**Beside the prediction.** A run of finite length sees an instability only once it has grown, SGD may leave a sharp minimum
for a flatter one, and a network bends more once it is moved: what training finds differs from the prediction by a factor. The
*shape* is what theory promises: linear, then flat. The sentence says whether it is so, by the slopes in logarithms at both
ends: above $\frac12$, then below.

*Sources.* Granziol, *Spectral Machine Learning*, Figures 5.7 and 5.15.
"""

THROUGH = r"""
**One run, epoch by epoch**, on the same examples and probes.

- **Noise** (Figure 5.5): $s^2 = \frac1N\sum_i\|H_iu\|^2 - \|Hu\|^2$ in random directions $u$, and at the sharpest eigenvector
  $u_1$. *Look at* their ratio, which Wigner noise takes for 1.
- **Critical batch size**, by the plain formula $s^2(u_1)/\lambda_1^2$: where the noise is as large as the curvature. Where
  few examples make the noise it says too much; the tab “Batch spectra” has the refined one. Beside it the gradient noise
  scale.
- **Rank degeneracy** (Figures 5.17 to 5.20): the weight of the Ritz value nearest zero for the GGN, of the two nearest for
  the Hessian. As printed it also counts what the Ritz values have not been told apart from, so the mass within a hundredth of
  the norm stands beside it, bounded by the moments: its bars are bounds.

*Sources.* Granziol, *Spectral Machine Learning*, sections 5.4 and 5.9.
"""
