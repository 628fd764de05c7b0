"""Graphs: read, generated or fetched; their matrices with the spectral intervals and eigenpairs known beforehand."""

from spectral_core.graphs.assignment import Membership, membership, membership_steps
from spectral_core.graphs.clusters import (
    ClusterCount,
    cluster_count,
    cluster_count_steps,
    count_from_moments,
    count_from_quadrature,
    with_exact_steps,
)
from spectral_core.graphs.collection import CatalogueEntry, catalogue, download_steps, load
from spectral_core.graphs.comparison import (
    Similarity,
    comparable_moment_steps,
    comparable_moments,
    similarity,
    similarity_of_moments,
    similarity_steps,
)
from spectral_core.graphs.conversion import as_graph
from spectral_core.graphs.counting import CountingFunction, Plateau, counting_function, widest_plateau
from spectral_core.graphs.generators import barabasi_albert, clustered, erdos_renyi, stochastic_blocks, watts_strogatz
from spectral_core.graphs.graph import Graph, from_edges
from spectral_core.graphs.inference import (
    RANDOM_GRAPHS,
    ModelFit,
    ModelFits,
    fit_model,
    fit_model_steps,
    fit_models,
    fit_models_steps,
)
from spectral_core.graphs.matrices import adjacency, component_eigenspace, laplacian, normalised_laplacian
from spectral_core.graphs.moment_files import StoredMoments, read_moments, stored_divergence
from spectral_core.graphs.perturbation import (
    LinkedClusters,
    edge_influence,
    largest_component,
    linked_clusters,
    linked_clusters_steps,
    split_in_two,
    two_clusters,
)
from spectral_core.graphs.readers import read_graph
from spectral_core.graphs.spectra import MATRICES, GraphSpectrum, spectrum, spectrum_steps

__all__ = [
    "MATRICES",
    "RANDOM_GRAPHS",
    "CatalogueEntry",
    "ClusterCount",
    "CountingFunction",
    "Graph",
    "GraphSpectrum",
    "LinkedClusters",
    "Membership",
    "ModelFit",
    "ModelFits",
    "Plateau",
    "Similarity",
    "StoredMoments",
    "adjacency",
    "as_graph",
    "barabasi_albert",
    "catalogue",
    "cluster_count",
    "cluster_count_steps",
    "clustered",
    "comparable_moment_steps",
    "comparable_moments",
    "component_eigenspace",
    "count_from_moments",
    "count_from_quadrature",
    "counting_function",
    "download_steps",
    "edge_influence",
    "erdos_renyi",
    "fit_model",
    "fit_model_steps",
    "fit_models",
    "fit_models_steps",
    "from_edges",
    "laplacian",
    "largest_component",
    "linked_clusters",
    "linked_clusters_steps",
    "load",
    "membership",
    "membership_steps",
    "normalised_laplacian",
    "read_graph",
    "read_moments",
    "similarity",
    "similarity_of_moments",
    "similarity_steps",
    "spectrum",
    "spectrum_steps",
    "split_in_two",
    "stochastic_blocks",
    "stored_divergence",
    "two_clusters",
    "watts_strogatz",
    "widest_plateau",
    "with_exact_steps",
]
