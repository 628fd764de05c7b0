"""Graphs: read, generated or fetched; their matrices with the spectral intervals and eigenpairs known beforehand."""

from spectral_core.graphs.collection import CatalogueEntry, catalogue, download_steps, load
from spectral_core.graphs.generators import barabasi_albert, clustered, erdos_renyi, stochastic_blocks, watts_strogatz
from spectral_core.graphs.graph import Graph, from_edges
from spectral_core.graphs.matrices import adjacency, component_eigenspace, laplacian, normalised_laplacian
from spectral_core.graphs.readers import read_graph
from spectral_core.graphs.spectra import MATRICES, GraphSpectrum, spectrum, spectrum_steps

__all__ = [
    "MATRICES",
    "CatalogueEntry",
    "Graph",
    "GraphSpectrum",
    "adjacency",
    "barabasi_albert",
    "catalogue",
    "clustered",
    "component_eigenspace",
    "download_steps",
    "erdos_renyi",
    "from_edges",
    "laplacian",
    "load",
    "normalised_laplacian",
    "read_graph",
    "spectrum",
    "spectrum_steps",
    "stochastic_blocks",
    "watts_strogatz",
]
