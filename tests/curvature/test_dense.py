"""Every curvature operator against its matrix, entry by entry, on every architecture."""

import numpy as np
import pytest
import torch

import spectral_core as sc
from tests.curvature.networks import NETWORKS, NORMALISED, SPLITS, Dense, network, split

# torch's own, of the forward mode that the reference takes
pytestmark = pytest.mark.filterwarnings("ignore:.torch.jit.script. is deprecated:DeprecationWarning")

OPERATORS = {
    "hessian": (sc.curvature.HessianOperator, Dense.hessian),
    "gauss-newton": (sc.curvature.GGNOperator, Dense.gauss_newton),
    "residual": (sc.curvature.ResidualOperator, lambda dense: dense.hessian() - dense.gauss_newton()),
    "empirical Fisher": (sc.curvature.EmpiricalFisherOperator, Dense.empirical_fisher),
    "gradient covariance": (sc.curvature.GradientCovarianceOperator, Dense.covariance),
    "Fisher": (sc.curvature.FisherOperator, Dense.fisher),
}
CASES = [(name, "eval") for name in NETWORKS] + [(name, "train") for name in NORMALISED]


def relative(found, expected, scale):
    return np.abs(found - expected).max() / scale


@pytest.mark.parametrize(("name", "batch_norm"), CASES)
def test_every_matrix(name, batch_norm):
    model, loss, pair = network(name)
    data = split(pair, SPLITS["unequal"])
    dense = Dense(model, loss, data, batch_norm=batch_norm)
    hessian, gauss_newton = dense.hessian().numpy(), dense.gauss_newton().numpy()
    known = {"hessian": hessian, "gauss-newton": gauss_newton, "residual": hessian - gauss_newton}
    for kind, (operator, reference) in OPERATORS.items():
        if kind == "Fisher" and name == "autoencoder":
            expected = gauss_newton  # of variance K/2
        else:
            expected = known[kind] if kind in known else reference(dense).numpy()
        scale = np.abs(hessian).max() + np.abs(expected).max()
        model.train(batch_norm == "train")
        A = operator(model, loss, data, batch_norm=batch_norm)
        assert relative(sc.materialise(A), expected, scale) < 1e-10, kind
        assert model.training == (batch_norm == "train")
        B = operator(model, loss, data, batch_norm=batch_norm, dtype=torch.float32)
        v = torch.randn(len(expected), 2, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
        product = expected @ v.numpy()
        norm = np.linalg.norm(hessian, 2) * np.linalg.norm(v)
        assert np.linalg.norm((B @ v.float()).numpy() - product) < 1e-5 * max(np.linalg.norm(product), 0.1 * norm), kind
        if kind in ("hessian", "gauss-newton"):
            check_spectrum(A, B, np.linalg.eigvalsh(expected))


def check_spectrum(A, B, values):
    """The sharpest eigenvalue in float32, and the smoothed density within its band over probes."""
    top = sc.eigenpairs(B, k=1, generator=torch.Generator().manual_seed(0))
    assert abs(top.values[0] - values[-1]) < 1e-4 * np.abs(values).max()
    q = sc.lanczos_quadrature(A, steps=30, probes=10, generator=torch.Generator().manual_seed(1))
    sigma = 0.1 * (values[-1] - values[0])  # so wide that 30 steps leave no error of the quadrature
    x = np.linspace(values[0] - sigma, values[-1] + sigma, 40)
    exact = np.exp(-((x[:, None] - values) ** 2) / (2 * sigma**2)).mean(axis=1) / (sigma * np.sqrt(2 * np.pi))
    density = q.density(sigma)
    # ten probes: Student's t with 9 degrees of freedom is beyond 6 once in 10^4
    assert (np.abs(density.pdf(x) - exact) <= 6 * density.standard_error(x) + 1e-3 * exact.max()).all()
