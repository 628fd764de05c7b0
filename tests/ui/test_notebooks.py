"""The notebooks of the explorer's other tabs run, and give the numbers of their tabs."""

import numpy as np
import pytest

from pages.ui.clusters_job import ClusterSettings, clusters_job
from pages.ui.graph_source import GraphChoice
from pages.ui.influence_job import InfluenceSettings, influence_job
from pages.ui.model_job import ModelSettings, model_job
from pages.ui.notebook import clusters_notebook, influence_notebook, model_notebook
from tests.ui.driving import run_notebook

NETWORK = GraphChoice("random", "clustered", (("clusters", 4), ("size", 20)), seed=1)


def result_of(job):
    *_, last = job
    return last.result


def test_clusters():
    settings = ClusterSettings(NETWORK, degree=60, probes=8, seed=2)
    count, made = result_of(clusters_job(settings)).count, run_notebook(clusters_notebook(settings))["count"]
    assert (made.value, made.standard_error, made.threshold) == (count.value, count.standard_error, count.threshold)
    assert made.exact == 4


def test_models():
    settings = ModelSettings(NETWORK, models=("er", "ba"), degree=12, repeats=2, seed=3)
    fits, made = result_of(model_job(settings)).fits, run_notebook(model_notebook(settings, 80))["fits"]
    assert [fit.value for fit in made.fits] == [fit.value for fit in fits.fits]


@pytest.mark.parametrize(
    "settings",
    [
        InfluenceSettings(NETWORK),
        InfluenceSettings(NETWORK, clusters=2),
        InfluenceSettings(None, size=20, p=0.4, seed=1),
    ],
)
def test_influence(settings):
    result = result_of(influence_job(settings))
    linked, made = result.linked, run_notebook(influence_notebook(settings, result.clusters))["linked"]
    np.testing.assert_array_equal(made.eigenvalues, linked.eigenvalues)
