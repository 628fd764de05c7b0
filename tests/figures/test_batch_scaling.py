"""Figures of mini-batches: they hold what the results hold."""

import numpy as np
from numpy.testing import assert_allclose

from spectral_core.batch_scaling import LearningRates, StableRate, TrainingRun
from spectral_core.figures import batch_scaling as figures
from spectral_core.results import frozen


class Result:
    """The fields of `Outliers` that figures read."""

    batch_sizes = np.array([4, 16])
    full = np.array([1.0])
    values = (np.array([[2.0, 0.1, 0.0]] * 2), np.array([[1.4, 0.1, 0.0]]))
    draws = np.array([2.0, 1.0])
    measured, standard_error = np.array([[2.0], [1.4]]), np.array([[0.1], [np.inf]])
    overlap, overlap_error = np.array([[0.5], [0.8]]), np.array([[0.1], [np.inf]])
    refined = local = second_order = multiplicative = additive = wigner = free = np.array([[2.2], [1.3]])
    refined_error = np.array([[0.1], [0.1]])
    refined_overlap = local_overlap = wigner_overlap = np.array([[0.4], [0.9]])


def rates():
    arrays = (frozen([4, 16]), *(frozen([0.1 * k, 0.3 * k]) for k in range(1, 10)))
    return LearningRates(*arrays, linear_until=5.0, saturated_from=90.0, full=0.5)


def test_outliers_against_predictions():
    figure = figures.batch_outlier_figure(Result)
    names = [trace.name for trace in figure.data if trace.showlegend is not False]
    assert names[-1] == "measured mean ± 2 standard errors"
    measured = figure.data[-1]
    assert list(measured.y) == [2.0, 1.4]
    assert list(measured.error_y.array) == [0.2, 0.0]  # one mini-batch has no spread
    styles = {
        (trace.line.color, trace.line.dash) for trace in figure.data if trace.name in names and trace.mode == "lines"
    }
    assert len(styles) == len(figures.BATCH_PREDICTIONS)  # told apart without their names
    rows = figures.batch_outlier_table(Result)
    assert rows[0]["batch size"] == 4
    assert_allclose(rows[1]["Wigner / measured"], 1.3 / 1.4)


def test_overlaps():
    figure = figures.overlap_figure(Result)
    assert list(figure.data[-1].y) == [0.5, 0.8]
    assert len(figure.data) == 4


def test_learning_rates_and_what_training_found():
    found = (
        StableRate(4, 0.2, 0.15, 0.25, ((0.15, 0.0), (0.25, 1.0)), True),
        StableRate(16, 1.0, 0.0, np.inf, (), False),
    )
    figure = figures.learning_rate_figure(rates(), found=found)
    last = figure.data[-1]
    assert (list(last.x), list(last.y)) == ([4], [0.2])  # the search that found no limit is left out
    assert len(figure.layout.shapes) == 1  # saturation lies beyond the sizes shown
    assert_allclose(figures.rate_table(rates(), found)[0]["predicted / found"], 0.5)


def test_runs_that_diverge_are_crossed():
    runs = [
        TrainingRun(4, 0.1, "linear", "sgd", frozen([0, 4]), frozen([0.5, np.inf]), 1, 1),
        TrainingRun(8, 0.1, "constant", "sgd", frozen([0, 8]), frozen([0.5, 0.4]), 1),
    ]
    figure = figures.training_run_figure(runs)
    assert [list(trace.y) for trace in figure.data] == [[0.5], [0.5], [0.5, 0.4]]
    assert figure.data[1].hovertext == "diverged after 1 updates"
    assert figure.data[1].marker.symbol == "x"
