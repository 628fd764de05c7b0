"""The Explain panels of the page "Loss landscape"."""

__all__ = ["BETWEEN", "LINES", "RUN", "SURFACE"]

LINES = r"""
**One panel a direction** $d$: the loss $L(w + a\,d)$ of the network as $a$ goes through 0, where the checkpoint is, on
training and on test examples at the same points. The bands are two standard errors over examples.

- **Eigenvectors** of the Hessian, the largest eigenvalue on top: thesis, Table 4.3, which shows the sharpest ones of a VGG-16
  on CIFAR-100 at 21 points up to distance 1. *Look at* what it observes there: along the sharpest eigenvectors training and
  test curve look alike, and flat on the training loss is not necessarily flat on the test loss.
- **The dotted parabola** is $L + a\,g\cdot d + \tfrac12 a^2\, d\cdot Hd$ from one gradient and one product. Second-order methods
  believe in it; the grey band is where they may, within a tenth of the change that it predicts. The band is often far
  narrower than the valley looks.
- **Fitted curvature.** A parabola through three points of the true loss, so near to the centre that truncation and rounding
  balance. Along an eigenvector of the Hessian it is the eigenvalue: two computations that share nothing but the loss. On test
  examples it has no such twin, as the direction is an eigenvector of the training Hessian alone.
- **Eigenvectors of the GGN**: their eigenvalue leaves out the curvature of the network itself, so the curve may bend more, or
  less, than $\lambda$ says; $u^\top H u$ stands beside it.
- **Asymmetry**: $(L(a) - L(-a))$ by the sum of both rises. Averaging weights is biased towards the flat side of such a valley.
- **Random directions.** In high dimension a random direction is nearly orthogonal to every sharp one, so the loss along it
  shows the mean curvature $\operatorname{tr} H / P$ and hides the outliers. See *Surface* for what normalising does.

*Sources.* Granziol, *Spectral Machine Learning*, sections 4.2 and 4.3; Goodfellow, Vinyals and Saxe 2015; He, Huang and Yuan
2019 for asymmetry.
"""

SURFACE = r"""
**The plane** $w + x\,u + y\,v$. Rows come from the middle outwards; stop it, and *Start again* goes on where it stopped.

- **Filter normalisation** (Li et al. 2018): each filter of a random direction gets the norm of the network's own filter, and
  biases and norm layers stay where they are. *What it does:* a ReLU network computes the same function when one layer is
  multiplied by 10 and the next divided by it, which stretches the landscape without any meaning; normalised directions stretch
  along, so two networks can be compared at one radius. *What it does not:* choose directions that matter, or show how sharp the
  minimum is. Every picture of random directions is a mean over thousands of curvatures, most of them about zero.
- **Why two dimensions mislead.** A network has thousands of other directions. A point that looks like a minimum here has
  others that go down; a wall here has ways around it; two valleys that look separate are often joined elsewhere. Choose *the
  two sharpest* and then *the sharpest and the lowest* in the examples: one network, other landscapes.
- **Eigenvectors** have the length 1, normalised random directions are as long as the weights: the axes say how long.
- **Batch norm** with its *stored* statistics is wrong away from the checkpoint, and the loss rises more steeply than that of a
  network that would have been trained there. *Recomputed* takes the statistics of each point, at the cost of a pass more.
  Quadratic model and walks take the stored ones.
- **The walks are a toy.** They move in $x$ and $y$ alone. Adam adapts to these two coordinates, not to the network's weights;
  Newton inverts a 2 × 2 matrix. What carries over: too large a learning rate leaves the valley, momentum overshoots, $|H|$
  leaves a saddle where plain Newton goes to it. Gadam is Adam with the mean of its iterates from step 10 on, the dotted line.

*Sources.* Li, Xu, Taylor, Studer and Goldstein 2018, *Visualizing the loss landscape of neural nets*; Dinh et al. 2017;
Granziol et al. 2020, *Iterative averaging in the quest for best test error*, for Gadam; Dauphin et al. 2014 for $|H|$.
"""

BETWEEN = r"""
**The line** $(1 - t)\,w_1 + t\,w_2$ from one checkpoint at $t = 0$ to another at $t = 1$, and a fifth of the way beyond.

- **Barrier**: how far the loss rises above the straight line between the losses at the ends. Checkpoints of one run usually
  have none. Two trainings from other seeds have one, even where both are equally good: hidden units can be permuted without
  changing the function, and the mean of two networks whose units are in another order is neither of them. A barrier on the
  straight line is not one on every path.
- **The plane through three** has right angles and lengths as weight space has; each star is a checkpoint.
- **Side by side**: two networks on the same examples, along random directions drawn alike, in one colour scale; here the
  architectures may differ. A zoom or turn of one is a zoom or turn of the other.
- **Batch norm.** Stored statistics go along linearly from one checkpoint to the other. Those of the mean network would be
  others: choose *recomputed* to see the barrier without that part.

*Sources.* Goodfellow, Vinyals and Saxe 2015; Garipov et al. 2018; Frankle et al. 2020; Entezari et al. 2022.
"""

RUN = r"""
**The plane of principal directions** of the checkpoints of one run, through the last of them: of all planes it leaves the least
of their variance out. The path is that of the projections.

- *Look at* the distance from the plane in the table, and at both losses: contours are those of the plane, and a checkpoint off
  it has another loss than the contour beneath it.
- **Explained variance is large whatever the run does.** A random walk of many steps in many dimensions has 61 % of its
  variance along one direction and 76 % on a plane, and its projection is a smooth curve (a Lissajous figure). Few checkpoints
  have more: three are always on a plane.
- Random directions would show nothing: a path is nearly orthogonal to them, and seems to stand still.

*Sources.* Li et al. 2018, section 7; Antognini and Sohl-Dickstein 2018, *PCA of high dimensional random walks*.
"""
