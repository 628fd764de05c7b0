"""The Explain panel of the tab "Which minimum?"."""

__all__ = ["SHARPNESS"]

SHARPNESS = r"""
**Does a flat minimum generalise better?** Many methods hope so: average the weights, or seek flat regions (SAM). Here several
checkpoints of one network are held side by side, on the same examples and with the same probes.

- **Smoothed spectra**: each eigenvalue a Gaussian of the same width $\sigma$, as a share of all. *Look at* the far right, on the
  logarithmic axis: a single eigenvalue has a peak of $1 / (P \sigma \sqrt{2 \pi})$. The sharpest eigenpairs are taken out of
  the probes and drawn with their exact weight $1/P$.
- **$\lambda_1$** is the curvature in the sharpest direction (a gradient step $\eta$ is stable up to $\eta \lambda_1 = 2$), the
  **trace** the sum over all directions: a small random step of length $\epsilon$ costs $\epsilon^2 \operatorname{tr} H / 2P$
  on average. They need not agree on who is flattest. The trace is by Hutch++, an unbiased mean of independent samples.
- **Eigenvalues above an edge** of your choice: bounds from the moments of the stems, exact for the eigenpairs. *Look at* what a
  low edge does: in the bulk, few products leave wide bounds.
- **Ties.** Two numbers are tied when they differ by less than two standard errors of the difference. Accuracies of all
  checkpoints are over the same test examples, so that their differences are rather better known than that.
- **Flat is not good.** An untrained network has small curvature too. And **sharper can generalise better**: Gadam's solutions of
  VGG-16 on CIFAR-100 have almost 40 times the spectral norm of those of SGD, a Frobenius norm of 0.02 against 0.0001, larger
  weights, and a smaller test error at a similar training accuracy (section 7.9).
- **Sharpness can be made up** (Dinh et al. 2017). In a network of ReLUs, multiply one layer's weights by $\alpha$ and the next
  one's by $1/\alpha$: it computes the same function, with the same loss and the same test accuracy, but the Hessian's blocks
  are divided by $\alpha^2$ and multiplied by it. So $\lambda_1$ and the trace grow as large as one likes. With batch norm,
  smaller weights before it raise the curvature without changing the function. Compare minima whose weights are of one scale,
  or read the weights beside the curvature.
- **The GGN** leaves out the curvature of the network itself, and so does not go below zero; at a good fit both agree.

*Sources.* Granziol, *Spectral Machine Learning*, section 7.9; Hochreiter and Schmidhuber 1997; Dinh, Pascanu, Bengio and Bengio
2017, *Sharp Minima Can Generalize for Deep Nets*; Meyer, Musco, Musco and Woodruff 2021 for the trace; Golub and Meurant for
the bounds.
"""
