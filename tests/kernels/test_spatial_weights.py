"""Spatial weights: the symmetric matrix has the eigenvalues of the weights, and the published log-determinants."""

import numpy as np
import pytest
import torch
from scipy import sparse

from spectral_core.kernels import grid_weights, nearest_weights, spatial_operator, symmetrised
from spectral_core.matrix_files import read_matrix

draw = np.random.default_rng(0)
COUPLED = draw.uniform(0.5, 2.0, (6, 6))
COUPLED = (COUPLED + COUPLED.T) * (draw.random((6, 6)) < 0.7)
COUPLED = np.triu(COUPLED, 1) + np.triu(COUPLED, 1).T
WEIGHTS = {
    "rook": grid_weights(5, 7),
    "queen": grid_weights(4, 4, neighbours="queen"),
    "path": grid_weights(1, 9),
    "nearest": nearest_weights(draw.normal(size=(40, 2)), 3),
    "rows of any diagonal": sparse.csr_array(draw.uniform(0.1, 9.0, (6, 1)) * COUPLED),
    "negative weights": sparse.csr_array(-draw.uniform(0.1, 9.0, (6, 1)) * COUPLED),
    "an island and two pieces": sparse.csr_array(
        sparse.block_diag([grid_weights(3, 4), sparse.csr_array((1, 1)), grid_weights(2, 2)])
    ),
    "symmetric": sparse.csr_array(COUPLED),
    "nothing": sparse.csr_array((4, 4)),
}


@pytest.mark.parametrize("case", WEIGHTS)
def test_the_eigenvalues_are_those_of_the_weights(case):
    W = WEIGHTS[case]
    S = symmetrised(W).toarray()
    np.testing.assert_array_equal(S, S.T)
    expected = np.sort(np.linalg.eigvals(W.toarray()).real)
    np.testing.assert_allclose(np.linalg.eigvalsh(S), expected, atol=1e-12 * max(1.0, abs(expected).max()))


def test_rook_and_queen_neighbours():
    rook, queen = (grid_weights(3, 3, neighbours=kind).toarray() for kind in ("rook", "queen"))
    assert (np.count_nonzero(rook[4]), np.count_nonzero(queen[4])) == (4, 8)
    np.testing.assert_allclose(queen.sum(axis=1), 1.0)


@pytest.mark.parametrize("rho", [-0.9, 0.5, 0.99])
def test_the_determinant_is_that_of_the_weights(rho):
    W = grid_weights(5, 7)
    A = spatial_operator(W, rho)
    expected = np.linalg.slogdet(np.eye(35) - rho * W.toarray())[1]
    np.testing.assert_allclose(np.linalg.slogdet(A.matrix.toarray())[1], expected, rtol=1e-12)
    values = np.linalg.eigvalsh(A.matrix.toarray())
    assert A.interval[0] <= values[0] + 1e-12
    assert values[-1] <= A.interval[1] + 1e-12


def test_no_interval_is_promised_where_the_matrix_may_be_indefinite():
    signed = sparse.csr_array(np.eye(3) - 1.0)  # eigenvalues -2, 1, 1: I - 0.9 W is positive definite
    assert getattr(spatial_operator(signed, 0.9), "interval", None) is None


@pytest.mark.parametrize("W", [sparse.csr_array(COUPLED), (WEIGHTS["queen"] > 0).astype(float)])
@pytest.mark.parametrize("rho", [0.9, -0.9])
def test_indefinite_matrices_get_the_advice_that_weights_need(W, rho):
    """Rows over their sums, or a smaller rho, of either sign."""
    assert np.linalg.eigvalsh(np.eye(W.shape[0]) - rho * W.toarray())[0] < 0
    with pytest.raises(ValueError, match=r"divide its rows by their sums.*\|rho\| below (\S+)") as caught:
        spatial_operator(W, rho)
    assert "jitter" not in str(caught.value)
    smaller = float(str(caught.value).split("below ")[1].rstrip("."))
    for sign in (-1, 1):
        assert spatial_operator(W, sign * smaller).interval[0] > 0


@pytest.mark.parametrize("case", ["rook", "queen", "nearest", "an island and two pieces"])
def test_what_is_similar_to_rows_over_their_sums_has_radius_1(case):
    """Given already symmetric, row sums exceed 1, but the roots of the numbers of neighbours are an eigenvector."""
    interval = spatial_operator(symmetrised(WEIGHTS[case]), 0.9).interval
    np.testing.assert_allclose(interval, (0.1, 1.9), atol=1e-14)


def test_the_interval_holds_the_spectrum_of_weighted_neighbours():
    S = symmetrised(sparse.csr_array(COUPLED / COUPLED.sum(axis=1, keepdims=True)))
    assert abs(S).sum(axis=1).max() > 1
    A = spatial_operator(S, 0.9)
    values = np.linalg.eigvalsh(A.matrix.toarray())
    assert 0.09 < A.interval[0] <= values[0] + 1e-12
    assert values[-1] <= A.interval[1] + 1e-12


@pytest.mark.parametrize(
    "W",
    [
        np.array([[0.0, 1.0, 2.0], [2.0, 0.0, 1.0], [1.0, 2.0, 0.0]]),  # a cycle that has a direction
        np.array([[0.0, 1.0], [0.0, 0.0]]),
        np.array([[0.0, 1.0], [-1.0, 0.0]]),
    ],
)
def test_weights_that_no_diagonal_makes_symmetric_are_refused(W):
    with pytest.raises(ValueError, match="not symmetric, nor the rows"):
        symmetrised(W)


def test_published_log_determinants(data):
    """log det(I - rho W) of USCounties at rho = .5, .9, .99: -79.27673, -360.32330, -540.77126."""
    W = read_matrix(data / "sparse" / "USCounties.npz").matrix
    for rho, value in ((0.5, -79.27673), (0.9, -360.32330), (0.99, -540.77126)):
        dense = torch.as_tensor(spatial_operator(W, rho).matrix.toarray())
        assert round(2 * float(torch.linalg.cholesky(dense).diagonal().log().sum()), 5) == value


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: grid_weights(3, 3, neighbours="bishop"), "rook"),
        (lambda: grid_weights(1, 1), "two cells"),
        (lambda: nearest_weights(np.zeros((3, 2)), 3), "from 1 to 2 neighbours"),
        (lambda: symmetrised(np.ones((2, 3))), "square"),
    ],
)
def test_each_bad_input_gets_one_sentence(make, said):
    with pytest.raises(ValueError, match=said):
        make()
