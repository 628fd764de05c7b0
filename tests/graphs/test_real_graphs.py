"""Public graphs: the numbers of nodes, edges, components and isolated nodes."""

import pytest

from spectral_core.graphs import read_graph

COUNTS = {
    "email-Eu-core.txt.gz": (1005, 16064, 20, 19),
    "netscience.mtx.gz": (1589, 2742, 396, 128),
    "ca-GrQc.txt.gz": (5242, 14484, 355, 1),
    "ca-HepTh.txt.gz": (9877, 25973, 429, 2),
    "ca-HepPh.txt.gz": (12008, 118489, 278, 2),
    "ca-CondMat.txt.gz": (23133, 93439, 567, 0),
    "ca-AstroPh.txt.gz": (18772, 198050, 290, 1),
    "luxembourg_osm.mtx.gz": (114599, 119666, 1, 0),
    "bio-CE-CX.txt.gz": (15229, 245952, 78, 0),
    "bio-grid-human.txt.gz": (9436, 31182, 111, 0),
}


@pytest.mark.parametrize("file", COUNTS)
def test_counts(file, data):
    graph = read_graph(data / "graphs" / file)
    assert (graph.n, graph.edges, graph.components()[0], int((graph.degrees == 0).sum())) == COUNTS[file]


def test_notes_of_the_email_graph(data):
    notes = read_graph(data / "graphs" / "email-Eu-core.txt.gz").notes
    assert "Dropped 642 self-loops." in notes
    assert any("in one direction only" in note for note in notes)


@pytest.mark.parametrize(("file", "n"), [("USCounties.npz", 3111), ("wrld_1deg.npz", 15260)])
def test_spatial_weights(file, n, data):
    graph = read_graph(data / "sparse" / file)
    assert graph.n == n
    assert graph.weighted
