"""Weight spectra: noise, planted spikes, Pareto tails, strange layers, and WeightWatcher's numbers."""

import math
import pickle

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

import spectral_core as sc
from sample_models.manifest import FOLDER, shipped
from spectral_core.noise_bulks import tracy_widom_quantile
from spectral_core.random_matrices import MarchenkoPastur


def seeded(seed):
    return torch.Generator().manual_seed(seed)


def noise(rows, columns, generator, scale=1.0):
    return scale * torch.randn(rows, columns, generator=generator, dtype=torch.float64)


def orthonormal(rows, columns, generator):
    return torch.linalg.qr(noise(rows, columns, generator))[0]


def pareto(size, alpha, generator):
    """Density exponent `alpha`, from 1 on."""
    return (1.0 - torch.rand(size, generator=generator, dtype=torch.float64)) ** (-1.0 / (alpha - 1.0))


def heavy_tailed(rows, columns, alpha, generator):
    """Eigenvalues of ``W.T W`` are a Pareto sample on a floor of noise."""
    U, V = orthonormal(rows, columns, generator), orthonormal(columns, columns, generator)
    return U * pareto(columns, alpha, generator) ** 0.5 @ V.T + noise(rows, columns, generator, 0.2 / rows**0.5)


def spectrum(W, **options):
    return sc.weight_spectra({"w": W}, **options)["w"]


# norms and eigenvalues


def test_eigenvalues_are_squared_singular_values(generator):
    W = noise(30, 50, generator)
    layer = spectrum(W)
    s = torch.linalg.svdvals(W)
    np.testing.assert_allclose(layer.eigenvalues, np.sort(s.numpy() ** 2), rtol=1e-12)
    assert (layer.rows, layer.columns, layer.matrices, layer.ratio) == (50, 30, 1, 0.6)
    assert layer.spectral_norm == pytest.approx(float(s[0]))
    assert layer.frobenius_norm == pytest.approx(float(W.norm()))
    assert layer.stable_rank == pytest.approx(float(W.norm() ** 2 / s[0] ** 2))
    assert layer.products == 0


def test_the_gram_matrix_agrees_with_the_singular_values(generator, monkeypatch):
    """Of large matrices: absolute error ``eps lambda_max`` times a small factor of the size."""
    monkeypatch.setattr("spectral_core.weight_matrices.AT_ONCE", 1e8)
    W = noise(700, 520, generator)
    expected = np.sort(torch.linalg.svdvals(W).numpy() ** 2)
    np.testing.assert_allclose(spectrum(W).eigenvalues, expected, rtol=0, atol=520 * 2.3e-16 * expected[-1])


def test_a_convolution_is_its_taps_pooled_or_one_matrix(generator):
    kernel = torch.randn(6, 8, 3, 2, generator=generator)
    pooled = spectrum(kernel)
    taps = [torch.linalg.svdvals(kernel[:, :, i, j].double()).numpy() ** 2 for i in range(3) for j in range(2)]
    np.testing.assert_allclose(pooled.eigenvalues, np.sort(np.concatenate(taps)), rtol=1e-12)
    assert (pooled.rows, pooled.columns, pooled.matrices) == (8, 6, 6)
    whole = spectrum(kernel, unfold="matrix")
    assert (whole.rows, whole.columns, whole.matrices) == (48, 6, 1)
    assert (pooled.matrix_shape, whole.matrix_shape) == ((6, 8), (6, 48))  # outputs first, as in the tensor
    assert whole.spectral_norm == pytest.approx(float(torch.linalg.matrix_norm(kernel.double().flatten(1), 2)))
    for layer in (pooled, whole):
        assert layer.frobenius_norm**2 == pytest.approx(layer.eigenvalues.sum())


def test_scaling_the_weights_scales_the_spectrum_and_nothing_else(generator):
    W = heavy_tailed(120, 80, 3.0, generator)
    one, other = spectrum(W), spectrum(1e-6 * W)
    for field in ("stable_rank", "alpha", "alpha_error", "tail"):
        assert getattr(other, field) == pytest.approx(getattr(one, field), rel=1e-9)
    for field in ("xmin", "edge", "outliers"):
        np.testing.assert_allclose(getattr(other, field), 1e-12 * getattr(one, field), rtol=1e-9)
    assert other.bulk.variance == pytest.approx(1e-12 * one.bulk.variance)


# the bulk


def test_quantiles_of_tracy_widom():
    """Tables of F_1 (Bejan 2005): 0.05, 0.5, 0.95, 0.99."""
    for level, value in ((0.05, -3.1808), (0.5, -1.2686), (0.95, 0.9793), (0.99, 2.0234)):
        assert tracy_widom_quantile(level) == pytest.approx(value, abs=0.015)


@pytest.mark.parametrize(
    ("rows", "columns", "taps"), [(200, 100, 1), (100, 100, 1), (60, 20, 1), (12, 8, 1), (32, 16, 9)]
)
def test_noise_has_no_outliers_and_its_own_variance(rows, columns, taps):
    """Of 200 seeds at most 4 standard errors above 1 %; the mean variance within 4, and a bias of ``1/M`` for them all."""
    seeds = 200
    W = 0.3 * torch.randn(seeds, taps, rows, columns, generator=seeded(1), dtype=torch.float64)
    values = (torch.linalg.svdvals(W) ** 2).reshape(seeds, -1).numpy()
    bulks = [sc.fit_bulk(v, rows=rows, columns=columns, matrices=taps) for v in values]
    found = np.mean([len(bulk.outliers) > 0 for bulk in bulks])
    assert found <= 0.01 + 4 * (0.01 * 0.99 / seeds) ** 0.5
    fitted = np.array([bulk.variance for bulk in bulks]) / 0.09
    error = np.mean([bulk.variance_error for bulk in bulks]) / 0.09
    assert abs(fitted.mean() - 1) < 4 * fitted.std() / seeds**0.5 + 1 / columns
    assert 0.7 * error < fitted.std() < 1.3 * error  # the reported error is that of the spread
    assert np.mean([bulk.edge for bulk in bulks]) == pytest.approx(
        0.09 * (rows**0.5 + columns**0.5) ** 2, rel=4 * error / seeds**0.5 + 1 / columns
    )


def test_the_distance_tells_noise_from_something_else(generator):
    even = spectrum(noise(300, 200, generator)).bulk
    assert even.distance < 0.03
    assert even.law.support[1] == pytest.approx(even.edge)
    lopsided = spectrum(orthonormal(300, 200, generator) * torch.linspace(1, 2, 200)).bulk
    assert lopsided.distance > 0.1


@pytest.mark.parametrize("seed", range(3))
def test_spikes_are_found_where_they_should_be(seed):
    """``lambda = l (1 + q v / (l - v))`` within 4 standard deviations ``(2 l^2 (1 - q / (l/v - 1)^2) / N)^(1/2)``."""
    g, rows, columns, v = seeded(seed), 1000, 400, 1.0
    q = columns / rows
    spikes = np.array([2.5, 4.0, 8.0])  # in units of v; the threshold is 1 + sqrt q = 1.63
    V = orthonormal(columns, 3, g)
    root = torch.as_tensor(spikes**0.5 - 1.0)
    G = noise(rows, columns, g, rows**-0.5)
    layer = spectrum(G + (G @ V) * root @ V.T)
    predicted = spikes * (1 + q * v / (spikes - v))
    spread = (2 * spikes**2 * (1 - q / (spikes / v - 1) ** 2) / rows) ** 0.5
    assert len(layer.outliers) == 3
    assert (np.abs(layer.outliers - predicted) < 4 * spread + 2 / columns).all()
    slope = 1 - q * v**2 / (spikes - v) ** 2  # d lambda / d l
    assert (np.abs(layer.bulk.planted() - spikes) < (4 * spread + 4 / columns) / slope).all()
    assert layer.bulk.variance * rows == pytest.approx(v, abs=4 * layer.bulk.variance_error * rows)


def test_spikes_below_the_threshold_are_not_found():
    """``l = 1.3 < 1 + sqrt q``: no more outliers than noise has."""
    found = 0
    for seed in range(40):
        g = seeded(seed)
        G, V = noise(300, 120, g, 300**-0.5), orthonormal(120, 2, g)
        found += len(spectrum(G + (1.3**0.5 - 1.0) * (G @ V) @ V.T).outliers) > 0
    assert found <= 3  # 1 % of 40, and 4 standard errors


def test_a_bulk_is_refused_where_there_is_none():
    values = np.r_[np.full(60, 1e-6), np.linspace(1, 2, 40)]
    assert sc.fit_bulk(values, rows=200, columns=100).size == 60
    with pytest.raises(ValueError, match="more than half"):
        sc.fit_bulk(np.r_[np.full(40, 1e-9), np.geomspace(1e-8, 1, 60)], rows=200, columns=100)
    with pytest.raises(ValueError, match="at least 5 eigenvalues a matrix"):
        sc.fit_bulk(np.r_[np.zeros(10), np.ones(4)], rows=20, columns=14)
    with pytest.raises(ValueError, match="transpose"):
        sc.fit_bulk(np.ones(14), rows=10, columns=14)


# the tail


def test_the_exponent_of_a_pareto_sample():
    """Known xmin is not told: mean over 60 samples within 4 standard errors and the bias of order 1/tail."""
    for alpha in (2.0, 3.5):
        fits = [sc.fit_power_law(pareto(1000, alpha, seeded(seed))) for seed in range(60)]
        pulls = np.array([(fit.alpha - alpha) / fit.alpha_error for fit in fits])
        assert abs(pulls.mean()) < 4 / 60**0.5 + 0.2
        assert (np.abs(pulls) < 3).mean() > 0.9
        assert np.median([fit.tail for fit in fits]) > 500


def test_the_tail_is_found_behind_a_body():
    """700 values below 1 in a hump, 1000 of Pareto from 1 on."""
    g = seeded(0)
    body = 0.2 + 0.8 * torch.rand(700, generator=g, dtype=torch.float64) ** 0.5
    fit = sc.fit_power_law(torch.cat([body, pareto(1000, 2.5, g)]))
    assert 0.9 < fit.xmin < 1.5
    assert abs(fit.alpha - 2.5) < 4 * fit.alpha_error
    assert fit.alpha_error == (fit.alpha - 1) / fit.tail**0.5


def test_every_start_is_tried():
    """The bound that saves work changes nothing: brute force."""
    for seed, size in enumerate((20, 35, 150, 400)):
        x = np.sort((pareto(size, 2.2, seeded(seed)) + torch.rand(size, generator=seeded(seed))).numpy())
        best = None
        for i in range(size - 1):
            n = size - i
            alpha = 1 + n / np.log(x[i:] / x[i]).sum()
            distance = np.abs(1 - (x[i:] / x[i]) ** (1 - alpha) - np.arange(n) / n).max()
            if best is None or distance < best[0]:
                best = distance, alpha, x[i]
        fit = sc.fit_power_law(x)
        assert (fit.distance, fit.alpha, fit.xmin) == pytest.approx(best, rel=1e-9)


def test_the_density_of_the_tail_has_mass_1():
    fit = sc.fit_power_law(pareto(200, 3.0, seeded(0)))
    x = np.geomspace(fit.xmin, 1e6 * fit.xmin, 20001)
    assert np.trapezoid(fit.pdf(x), x) == pytest.approx(1.0, abs=1e-4)
    assert fit.pdf(0.5 * fit.xmin) == 0


def test_a_short_tail_and_a_poor_fit_are_doubted():
    """Of 400 Pareto samples no more than 4 standard errors above 1 % are called a poor fit."""
    fits = [sc.fit_power_law(pareto(size, 2.5, seeded(seed))) for seed in range(100) for size in (50, 100, 300, 1000)]
    assert {"only" in fit.doubt for fit in fits if fit.tail < 20} == {True}
    assert not any("only" in fit.doubt for fit in fits if fit.tail >= 20)
    assert sum("poor fit" in fit.doubt for fit in fits) <= 4 + 4 * 4**0.5
    assert (
        sc.PowerLaw(2.0, 0.1, 1.0, 9.0, tail=100, size=150, distance=0.12).doubt == "poor fit: distance 0.12 above 0.1"
    )
    assert sc.PowerLaw(2.0, 0.1, 1.0, 9.0, tail=100, size=150, distance=0.09).doubt == ""
    [entry] = [entry for entry in shipped() if entry.name == "mnist-5k-lenet"]
    spectra = sc.weight_spectra(load_file(FOLDER / entry.file))
    short = [spectra[f"{name}.weight"].doubt for name in (0, 11)]
    assert short == ["only 8 values in the tail", "only 9 values in the tail"]
    assert spectra["3.weight"].doubt.startswith("poor fit")
    assert spectra["7.weight"].doubt == spectra["9.weight"].doubt == ""


@pytest.mark.parametrize(
    ("values", "words"),
    [([1.0] * 7, "at least 8"), ([0.0] * 9, "positive"), ([math.nan] * 9, "positive"), ([2.0] * 9, "equal")],
)
def test_a_power_law_is_refused(values, words):
    with pytest.raises(ValueError, match=words):
        sc.fit_power_law(values)


# strange layers


@pytest.mark.parametrize(
    ("tensor", "words"),
    [
        (torch.zeros(20, 30), "All weights are 0"),
        (torch.full((4, 5), math.nan), "20 of 20 weights are NaN"),
        (torch.tensor([[1.0, math.inf]]), "1 of 2 weights"),
        (torch.full((3, 3), 1e200, dtype=torch.float64), "overflow"),
        (torch.ones(1, 50), "No Marchenko-Pastur bulk"),
        (torch.ones(30, 40), "29 of 30 eigenvalues are 0"),
        (torch.ones(30, 40), "No exponent"),
        (torch.eye(12), "all equal"),
        (torch.ones(1, 1), "No exponent"),
    ],
)
def test_what_a_layer_does_not_have_is_said(tensor, words):
    layer = spectrum(tensor)
    assert any(words in note for note in layer.notes)
    assert layer.shape == tuple(tensor.shape)
    assert all(note.endswith(".") for note in layer.notes)


def test_strange_layers_have_their_norms():
    row = spectrum(torch.ones(1, 50))
    assert (row.spectral_norm**2, row.stable_rank) == pytest.approx((50.0, 1.0))
    assert len(row.outliers) == row.tail == 0
    assert math.isnan(row.alpha)
    assert math.isnan(row.edge)
    assert spectrum(torch.ones(30, 40)).stable_rank == pytest.approx(1.0)
    assert spectrum(torch.zeros(3, 4)).spectral_norm == 0.0
    assert math.isnan(spectrum(torch.zeros(3, 4)).stable_rank)
    assert spectrum(torch.eye(12)).stable_rank == pytest.approx(12.0)


def test_extreme_weights_are_said_to_make_the_numbers():
    """``(sum w^2)^2 / sum w^4``: n / 3 of Gaussian weights, 1 of a single huge one, at any scale."""
    W = noise(60, 40, seeded(0))
    assert spectrum(W).participation == pytest.approx(800, abs=4 * (8 / 3 * 2400) ** 0.5)
    for scale in (1.0, 1e-30, 1e60):
        ordinary, few = spectrum(scale * W), W.clone()
        few[0, :4] = 1e30
        extreme = spectrum(scale * few)
        assert ordinary.participation == pytest.approx(spectrum(W).participation)
        assert not ordinary.dominated
        assert extreme.participation == pytest.approx(4.0)
        assert extreme.dominated
        assert "about 4 of 2400" in extreme.notes[0]
    assert spectrum(few.float()).dominated
    assert not spectrum(torch.eye(12)).dominated
    assert not spectrum(torch.ones(1, 1)).dominated
    for entry in shipped():
        assert not any(layer.dominated for layer in sc.weight_spectra(load_file(FOLDER / entry.file)).layers)


def test_what_is_no_matrix_is_left_out_with_a_reason():
    tensors = {
        "a.weight": torch.eye(3).bfloat16(),
        "a.bias": torch.ones(3),
        "batches": torch.tensor(3),
        "index": torch.ones(2, 2, dtype=torch.long),
        "none": torch.zeros(0, 4),
        "epoch": 7,
        "position": torch.ones(1, 4, 6),
        "one": torch.tensor(1.0),
        "complex": torch.ones(2, 2, dtype=torch.complex64),
    }
    spectra = sc.weight_spectra(tensors)
    assert [layer.name for layer in spectra.layers] == ["a.weight", "position"]
    assert spectra["position"].matrices == 1
    assert dict(spectra.left_out).keys() == set(tensors) - {"a.weight", "position"}
    assert spectra.progress == 1.0
    assert pickle.loads(pickle.dumps(spectra))["a.weight"].stable_rank == pytest.approx(3.0)
    with pytest.raises(KeyError):
        spectra["a.bias"]


def test_wrong_arguments_are_refused():
    with pytest.raises(ValueError, match="mapping"):
        sc.weight_spectra(torch.eye(3))
    with pytest.raises(ValueError, match="none of the 1 tensors"):
        sc.weight_spectra({"state_dict": {}})
    with pytest.raises(ValueError, match="slices, matrix"):
        sc.weight_spectra({"w": torch.eye(3)}, unfold="rows")


def test_every_item_is_complete(generator, monkeypatch):
    monkeypatch.setattr("spectral_core.weight_matrices.AT_ONCE", 1e8)
    tensors = {"small": noise(8, 9, generator), "gram": noise(600, 510, generator), "last": noise(9, 5, generator)}
    items = list(sc.weight_spectrum_steps(tensors))
    assert [len(item.layers) for item in items] == sorted(len(item.layers) for item in items)
    assert {len(item.layers) for item in items} == {0, 1, 2, 3}
    progress = [item.progress for item in items]
    assert progress == sorted(progress)
    assert progress[-1] == 1.0
    assert any("gram" in item.stopped for item in items)


# through products


def test_products_alone_give_nearly_the_same():
    """800 products with a matrix of 600 columns. Weights hold a sampling error of ``(2 M probes)^(-1/2)`` of the share."""
    W = heavy_tailed(900, 600, 2.8, seeded(3))
    exact, seen = spectrum(W), spectrum(W, largest=100, generator=seeded(0))
    assert (exact.products, seen.products) == (0, 800)
    assert seen.quadrature.probes == 8
    assert len(seen.eigenvalues) == 600
    assert "800 products" in seen.notes[-1]
    np.testing.assert_allclose(seen.eigenvalues[-20:], exact.eigenvalues[-20:], rtol=1e-4)
    assert seen.spectral_norm == pytest.approx(exact.spectral_norm, rel=1e-6)
    assert seen.frobenius_norm == exact.frobenius_norm
    assert seen.eigenvalues.sum() == pytest.approx(exact.eigenvalues.sum())
    assert abs(seen.alpha - exact.alpha) < 3 * max(seen.alpha_error, exact.alpha_error)  # xmin is another
    tail = seen.eigenvalues[seen.eigenvalues >= exact.xmin]
    assert abs(1 + len(tail) / np.log(tail / exact.xmin).sum() - exact.alpha) < 0.5 * exact.alpha_error
    shares = np.searchsorted(seen.eigenvalues, exact.eigenvalues) / 600 - np.arange(600) / 600
    assert np.abs(shares).max() < 4 * (2 * 600 * 8) ** -0.5


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_products_find_spikes_on_noise(dtype):
    g = seeded(5)
    G = noise(700, 600, g, 700**-0.5)
    U, V = orthonormal(700, 4, g), orthonormal(600, 4, g)
    W = (G + U * torch.tensor([2.0, 2.5, 3.0, 4.0], dtype=torch.float64) @ V.T).to(dtype)
    exact, seen = spectrum(W), spectrum(W, largest=100, generator=seeded(0))
    np.testing.assert_allclose(seen.outliers, exact.outliers, rtol=1e-5)
    assert len(seen.outliers) == 4
    assert abs(seen.bulk.variance - exact.bulk.variance) < 4 * seen.bulk.variance_error


def test_products_with_low_rank_end_early():
    g = seeded(6)
    W = orthonormal(700, 20, g) @ orthonormal(600, 20, g).T
    seen = spectrum(W, largest=100, generator=seeded(0))
    assert seen.products <= 8 * 3
    assert seen.spectral_norm == pytest.approx(1.0)
    assert abs((seen.eigenvalues > 0.5).sum() - 20) <= 4 * (2 * 20 / 8) ** 0.5  # weights are chi^2_20 / M


# WeightWatcher


def peer_tensors(kind):
    g = seeded({"random": 1, "planted": 2, "trained": 3}[kind])
    shapes = {"fc1": (300, 120), "fc2": (120, 120), "fc3": (60, 90), "head": (10, 64), "tiny": (15, 20)}
    tensors = {}
    for name, (rows, columns) in shapes.items():
        W = noise(rows, columns, g, columns**-0.5)
        if kind == "planted":
            rank = min(5, rows, columns)
            W = W + 3 * orthonormal(rows, rank, g) @ torch.randn(rank, columns, generator=g).double() / columns**0.5
        if kind == "trained":
            W = heavy_tailed(max(rows, columns), min(rows, columns), 2.0 + 0.5 * len(tensors), g)
        tensors[f"{name}.weight"] = W.float()
        tensors[f"{name}.bias"] = torch.zeros(rows)
    scale = 1.0 + 4.0 * (kind != "random") * torch.rand(32, generator=g) ** 4
    tensors["conv.weight"] = torch.randn(32, 16, 3, 3, generator=g) * scale[:, None, None, None] / 12
    tensors["wide.weight"] = torch.randn(8, 24, 2, 2, generator=g) * scale[:8, None, None, None] / 10
    return tensors


def weightwatcher_details(tensors):
    weightwatcher = pytest.importorskip("weightwatcher")
    details = weightwatcher.WeightWatcher(model=tensors).analyze()
    return {row["longname"]: row for _, row in details.iterrows()}


def assert_agreement(tensors):
    peers = weightwatcher_details(tensors)
    assert peers
    layers = {layer.name.removesuffix(".weight"): layer for layer in sc.weight_spectra(tensors).layers}
    for key, peer in peers.items():
        assert layers[key].alpha == pytest.approx(peer["alpha"], rel=0.02)
        assert layers[key].stable_rank == pytest.approx(peer["stable_rank"], rel=0.02)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("kind", ["random", "planted", "trained"])
def test_exponent_and_stable_rank_are_those_of_weightwatcher(kind):
    tensors = peer_tensors(kind)
    peers = weightwatcher_details(tensors)
    spectra = sc.weight_spectra(tensors)
    assert len(peers) == len(spectra.layers) == 7
    for layer in spectra.layers:
        peer = peers[layer.name.removesuffix(".weight")]
        halved = 2.0 if layer.matrices > 1 else 1.0
        assert layer.alpha == pytest.approx(peer["alpha"], rel=0.02)
        assert layer.alpha_error == pytest.approx(peer["sigma"], rel=0.02)
        assert layer.stable_rank == pytest.approx(peer["stable_rank"], rel=0.02)
        assert layer.xmin == pytest.approx(halved * peer["xmin"], rel=0.02)
        assert layer.spectral_norm**2 == pytest.approx(halved * peer["spectral_norm"], rel=1e-4)
        assert layer.frobenius_norm**2 == pytest.approx(halved * peer["norm"], rel=1e-4)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(
    "name",
    [
        "akamaster_resnet20-12fca82f.th",
        "phlippe_FashionMNIST_Adam.tar",
        "phlippe_FashionMNIST_SGD.tar",
        "udacity_mnist_mlp.pt",
    ],
)
def test_published_checkpoints_agree_with_weightwatcher(data, name):
    saved = torch.load(data / "checkpoints" / name, map_location="cpu", weights_only=True)
    tensors = saved.get("state_dict", saved)
    assert_agreement(tensors)


def test_the_fitted_law_is_that_of_the_bulk(generator):
    bulk = spectrum(noise(200, 150, generator, 0.1)).bulk
    assert isinstance(bulk.law, MarchenkoPastur)
    assert bulk.law.variance == 200 * bulk.variance
    assert bulk.ratio == 0.75


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", ["digits-mlp", "mnist-5k-lenet", "mnist-5k-vgg"])
def test_shipped_checkpoints_agree_with_weightwatcher(name):
    [entry] = [entry for entry in shipped() if entry.name == name]
    tensors = load_file(FOLDER / entry.file)
    assert_agreement(tensors)
