"""The Explain panels: formula, what to look at, source."""

__all__ = ["CHECKPOINT", "CLUSTERS", "COMPARE", "INFLUENCE", "MODELS", "SPECTRUM", "WEIGHTS"]

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

COMPARE = r"""
**Each graph becomes a density** on $(0, 2)$: maximum entropy for the moments $\frac1n \operatorname{tr} T_j(L - I)$ of its
normalised Laplacian, multiple eigenvalues such as the components' zeros *inside* it. Every fit may miss every moment by the
same standard error, which keeps the densities positive and the divergences finite; it is a choice, so it is shown.

- **Symmetric KL**, $\frac12 \sum_j (a_j - b_j)(\nu_j - m_j)$ from coefficients $a, b$ and *fitted* moments $m, \nu$ (Equation
  3.12 with the moments that make it exact). Its error bar is over the probes: what is linear in their noise, and the **noise
  floor**, the divergence that two measurements of one graph have on average.
- **Wasserstein**, $\int |F_p - F_q|\,d\lambda$: how far eigenvalues must be moved; a metric, less sensitive to small masses.
- *Look at* what the names do not say: two graphs of different kinds may have nearer spectra than two of a kind. Such exceptions
  are listed, not hidden. Two different graphs can even share a spectrum.
- *Beware* of what moves the whole spectrum: components (a share of eigenvalues at exactly 0), isolated nodes (the convention is
  in the sidebar), sides of a bipartite graph (a share at 2). The table of each graph shows them. A graph and its largest
  component are not the same thing.

**Figure 3.4** shows 11 graphs at $m = 100$. Its author's stored moments are those of $T_k(L/2)$ on $(-2, 2)$, of which rounding
leaves some 61 independent numbers, and the stored coefficients are those of fits that had not converged: the densities of the
co-authorship graphs have masses of some $10^{290}$. Converged fits show the same three blocks at other values.

*Sources.* Granziol, *Spectral Machine Learning*, section 3.6; the order of the heatmap is that of Bar-Joseph et al. 2001.
"""

INFLUENCE = r"""
**Two separate clusters** A and B have two eigenvalues 0. An edge $uv$ between them leaves one; the other becomes $\lambda_2$.
How small it stays is why counting small eigenvalues counts clusters.

- **Theorem 3 as printed** (3.13): $\left|\frac{S_u}{\sqrt{d_u}} + \frac{S_v}{\sqrt{d_v}} - \frac{2}{\sqrt{d_u d_v}}\right|$ with
  $S_u = \sum_{g \sim u} 1/\sqrt{d_g}$ and degrees before the edge. For clusters of equal degree $d$ that is $2 - 2/d$: the
  whole width of the spectrum, and not the corollary's $1/d$.
- **With the factors of its proof.** It expands $\frac{1}{\sqrt d} - \frac{1}{\sqrt{d+1}} = \frac{1}{2 d \sqrt d} + \dots$, so
  that the first two terms carry $\frac{1}{2 d_u}$ and $\frac{1}{2 d_v}$. Now equal degrees give $1/d$.
- **Neither is a bound.** Weyl's theorem needs the norm of the change $L' - L$; both expressions add up its entries, signs and
  all, and can cancel. Two lone edges joined to a path: the printed one is 0, and $\lambda_2 = \frac12$. Two stars of four
  leaves joined at their centres: the corrected one is 0, and $\lambda_2 = \frac15$.
- **Weyl**, with the norm itself: *no* eigenvalue moves further. For equal degrees it is $1/d$ to first order, so
  **Corollary 3.1** holds, and $E/d$ for $E$ edges by the triangle inequality. (With unequal degrees, $d$ here is their mean.)
- **Rayleigh quotient.** The vector that is constant on A and on B, and orthogonal to the one that stays at 0, gives
  $\lambda_2 \le w(A, B) \left(\frac{1}{\operatorname{vol} A} + \frac{1}{\operatorname{vol} B}\right)$ by Courant and Fischer,
  where $w$ is the weight between the clusters and $\operatorname{vol}$ the sum of degrees. For clusters of $m$ nodes of degree
  $d$ that is about $2E/(md)$: smaller than $E/d$ by $m/2$. A cluster's size, not only its degrees, protects its zero.
- *Look at* the slopes: $\lambda_2$ and its Rayleigh quotient rise in proportion to $E$ at first, so one edge tells how many may
  be added. For several edges the theorem's two expressions are summed over the edges in the order in which they are added.

*Sources.* Granziol, *Spectral Machine Learning*, Theorem 3, Corollary 3.1 and the remark after it; Chung, *Spectral Graph
Theory*, section 2.1.
"""

MODELS = r"""
**Three ways to make a graph at random.** Erdős–Rényi joins each pair with probability $p$; Watts–Strogatz rewires each edge of
a ring, where every node meets its $k$ nearest, with probability $p$; Barabási–Albert lets each new node join $r$ old ones,
preferably those with many edges. Which is nearest to this graph, and with what parameter?

- **The curve.** At each parameter some graphs of the model are drawn. The density of maximum entropy of their mean moments is
  compared with the graph's own: $D = \frac12[\mathrm{KL}(p\|q) + \mathrm{KL}(q\|p)]$ (Equation 3.12). The band, two standard
  errors, holds the spread between graphs as well as that of probes. The same seeds serve every point, so neighbours share
  their noise.
- **The minimum.** A coarse grid, twice refined, and a cubic through the nine points about the smallest value. Its error comes
  from leaving out each candidate in turn (a jackknife), and counts the graph itself as one more random draw. *Look at* flat
  curves: every parameter whose divergence is within two standard errors of the smallest belongs to the interval.
- **Ties.** Two models whose least divergences differ by less than two standard errors are told as tied. *Look at* a
  Barabási–Albert graph with $r = 10$: its spectrum is that of any sparse random graph of its degree; so is that of a
  Watts–Strogatz graph with $p$ above some 0.7. A spectrum does not always tell models apart.
- **The nearest is not the true one.** A divergence of 0.1 or more says that the graph is like none of the three. *Look at* the
  overlay for what no model has, such as a peak near 0, which is clusters.
- **Sizes.** Candidates have at most 1000 nodes, as in the thesis. For large sparse graphs the spectrum hardly depends on the
  size at one mean degree, so $p$ of Erdős–Rényi is scaled to one mean degree $p (n - 1)$; $k$ and $r$ stay.
- Every fit may miss every moment by the same *error allowed a moment* (0.002 in Table 3.1's replay here): a choice on which all
  divergences depend. Multiple eigenvalues, such as the components' zeros, are inside the densities.

**Table 3.1.** Part a recovers parameters of graphs of 50 to 150 nodes, whose moments are exact here; part b finds the type of a
large Barabási–Albert graph and of YouTube. The examples replay both, with the published number beside ours.

*Sources.* Granziol, *Spectral Machine Learning*, section 3.6.1 and 3.6.2; Takahashi et al. 2012, who fit models to spectra of
small networks; Watts and Strogatz 1998; Barabási and Albert 1999.
"""

CLUSTERS = r"""
**A cluster is a small eigenvalue.** The normalised Laplacian $L = I - D^{-1/2} W D^{-1/2}$ has one eigenvalue 0 for each
connected component. Join components by a few edges, and their zeros move up by about the share of edges that lead out; the
other eigenvalues stay where they were. So the clusters are the eigenvalues $N(\lambda^*)$ below a gap, if there is one.

- **Components first.** They are counted exactly, and their eigenvectors $D^{1/2} 1_C$ are taken out of the probes. What is
  left to estimate is weakly linked clusters alone. *Look at* the email graph: its 20 "clusters" are its 20 components, 19 of
  them people who wrote to nobody but themselves.
- **Widest plateau** (the default). $N(\lambda)$ comes from the Chebyshev moments of a step function, damped by Jackson's
  kernel, with an error over the probes. Where it stands still there is no eigenvalue. A plateau is called a gap only if it is
  wider than twice the resolution $\pi / m$ in $\theta = \arccos(1 - \lambda)$ and sets the clusters apart: the next
  eigenvalues are nine times larger, or, where only components lie below, at least 0.2 or followed at once by a bulk. In a
  lattice, a road network or a tree $N$ grows like a power of $\theta$: there is **no clear gap**, and no number of clusters
  in it.
- **First minimum** (the thesis's Algorithm 5): the mass of the density of maximum entropy below its first minimum. With many
  moments that minimum is as a rule a ripple beside 0. At the **deepest minimum** below the median it agrees with the plateau.
- **Smoothed Lanczos**: the stems, smoothed with $\sigma$. Unless the kernel is reflected at 0, half of every bell there is
  lost.
- **Exactly**: $L - \lambda^* I = P D P^T$ has as many negative pivots as $L$ has eigenvalues below $\lambda^*$ (Sylvester's
  law of inertia). One sparse factorisation; on graphs whose factors fill in it is given up in time.

**The floor.** A count of $n_c$ clusters by $d$ probes has the relative standard deviation $\sqrt{2 / (n_c d)}$, whatever the
method: 0.047, 0.026, 0.015 and 0.009 for Table 3.2's $d = 100$ and $n_c = 9, 30, 90, 240$. Most of its printed errors lie
below. *Look at* "How many moments?": all methods that find the gap share one error, that of the probes.

**Figure 3.6** gives $\lambda^* \approx 0.0025$ for the email graph. Every $\lambda^*$ between 0 and 0.21 does: there is no
eigenvalue.

*Sources.* Granziol, *Spectral Machine Learning*, section 3.7, Algorithm 5, Tables 3.2 and 3.3, Figures 3.5 to 3.7; von
Luxburg 2007; Di Napoli, Polizzi and Saad 2016; Lee, Oveis Gharan and Trevisan 2014 for what the small eigenvalues say about
cuts.
"""

CHECKPOINT = r"""
**A file becomes a model** in three steps, none of which runs what the file holds.

- **Reading.** Every opcode of the pickle is looked at before torch sees the file, and then it is read with
  `weights_only=True`. Wrappers, prefixes such as `module.` and an optimiser's state beside the weights are taken off;
  half precision is widened.
- **Recognition** by the shapes of the tensors and their order; names decide only between equals. What no shape tells,
  such as the activation, is a guess: choose another one in the sidebar and *look at* the accuracy, which shows a wrong
  guess.
- **Data.** The model sees (pixel − mean) / std. A checkpoint expects the mean and standard deviation that it was trained
  with.

**Accuracy** $a$ over $n$ examples has the standard error $\sqrt{a (1 - a) / n}$, as a sample of all such examples; the
loss is the mean cross-entropy $-\log p_y$ in nats, which is $\log k$ for a model that knows nothing about $k$ classes.

**Untrained weights** are told by two signs. The accuracy on the test examples is no more than three standard errors above
the share of the commonest label; and no layer has an eigenvalue beyond the Marchenko–Pastur bulk, which is where the
eigenvalues of independent random weights lie (1 matrix in 100 has one beyond). Both: untrained. Only the first: the data,
their normalisation or a guess is wrong. *Look at* epoch 0 of the watched run, and then at epoch 1.

*Sources.* Marchenko and Pastur 1967; Martin and Mahoney 2021, *Implicit self-regularization in deep neural networks*.
"""

WEIGHTS = r"""
**A layer's matrix** $W$ has $N$ rows and $M \le N$ columns (else it is transposed). Its eigenvalues here are those of
$W^\top W$, the squared singular values, $q = M / N$.

- **Noise.** Independent entries of variance $s^2$ have the eigenvalues of the Marchenko–Pastur law, $p(\lambda) =
  \frac{1}{2 \pi s^2 M \lambda} \sqrt{(\lambda_+ - \lambda)(\lambda - \lambda_-)}$ between $\lambda_\pm = s^2 (\sqrt N \pm
  \sqrt M)^2$. Here $s^2$ is fitted to the median of what is not an outlier. The curve ends at its edge, $\lambda_+$.
- **Outliers** lie beyond the dotted line, which is further out than the edge: the largest eigenvalue of noise fluctuates
  about $\lambda_+$ and passes the line in 1 of 100 cases (Tracy–Widom, and the error of $s^2$). *Look at* how outliers leave
  the bulk from epoch to epoch: that is what was learnt.
- **Power law.** $p(\lambda) \propto \lambda^{-\alpha}$ from $\lambda_{\min}$ on: $\alpha = 1 + n / \sum_i \log(\lambda_i
  / \lambda_{\min})$ with standard error $(\alpha - 1) / \sqrt n$, and $\lambda_{\min}$ where the tail is nearest to its
  own fit (Kolmogorov–Smirnov). The standard error holds neither that choice nor that eigenvalues repel each other.
  *Beware* of short tails: ten eigenvalues are no law. With fewer than 20, or a distance above $1 / \sqrt n$ (power laws stay
  below it in 99 of 100 samples), $\alpha$ is hollow and left out of the median; Clauset and others ask for 50.
- **Stable rank** $\|W\|_F^2 / \|W\|_2^2$, between 1 and $M$.
- **A convolution** (out, in, kh, kw) is kh · kw matrices (out, in), whose eigenvalues are pooled, or one matrix (out, in
  · kh · kw).

**Against WeightWatcher.** Its conventions hold: $W^\top W$ without $1/N$, the matrices of a convolution pooled, exponent
and $\lambda_{\min}$ by the same rule. Different here: its eigenvalues of a convolution are half of these, which changes
neither exponent nor stable rank; it leaves out eigenvalues up to $10^{-5}$, here only those that are 0 to rounding; and
its edge of the bulk is moved by a term that does not scale with the weights, here by the quantile of Tracy and Widom.

*Sources.* Martin and Mahoney 2021, *Implicit self-regularization in deep neural networks*; Clauset, Shalizi and Newman
2009 for the fit of power laws; Chiani 2014 for the quantiles of the Tracy–Widom law.
"""
