"""The notebooks of the explorer's other tabs run, and give the numbers of their tabs."""

import json

import numpy as np
import pytest

from pages.ui.clusters_job import ClusterSettings, clusters_job
from pages.ui.graph_source import GraphChoice
from pages.ui.influence_job import InfluenceSettings, influence_job
from pages.ui.model_job import ModelSettings, model_job
from pages.ui.notebook import clusters_notebook, influence_notebook, model_notebook

NETWORK = GraphChoice("random", "clustered", (("clusters", 4), ("size", 20)), seed=1)


def run(notebook):
    """What the code cells define."""
    notebook = json.loads(notebook)
    pytest.importorskip("nbformat").validate(notebook)
    made = {}
    for cell in notebook["cells"]:
        if cell["cell_type"] == "code":
            exec(compile(cell["source"], "cell", "exec"), made)
    return made


def result_of(job):
    *_, last = job
    return last.result


def test_clusters():
    settings = ClusterSettings(NETWORK, degree=60, probes=8, seed=2)
    count, made = result_of(clusters_job(settings)).count, run(clusters_notebook(settings))["count"]
    assert (made.value, made.standard_error, made.threshold) == (count.value, count.standard_error, count.threshold)
    assert made.exact == 4


def test_models():
    settings = ModelSettings(NETWORK, models=("er", "ba"), degree=12, repeats=2, seed=3)
    fits, made = result_of(model_job(settings)).fits, run(model_notebook(settings, 80))["fits"]
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
    linked, made = result.linked, run(influence_notebook(settings, result.clusters))["linked"]
    np.testing.assert_array_equal(made.eigenvalues, linked.eigenvalues)
