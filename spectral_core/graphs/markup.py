"""GraphML and GML: nodes with labels, edges with an optional "weight", parsed by networkx."""

import io
import re
from xml.parsers import expat

import networkx as nx
import numpy as np

__all__ = ["gml", "graphml"]


def graphml(data):
    """``(rows, cols, options)`` of GraphML; document types and entities are refused before anything is expanded."""
    _check_xml(data)
    if b"graphml" not in data:
        raise ValueError("it is XML or HTML but not GraphML: save the graph as GraphML, GML or an edge list.")
    try:
        graph = nx.read_graphml(io.BytesIO(data))
    except Exception as error:  # networkx raises what its parser stumbles over
        raise ValueError(f"its GraphML is not understood ({_said(error)}): save it again.") from None
    return _listed(graph, list(graph))


def gml(data):
    """``(rows, cols, options)`` of GML; parallel edges are allowed whether declared or not."""
    text = data.decode("utf-8")
    if not re.search(r"\bmultigraph\s+1", text):
        text = re.sub(r"\bmultigraph\s+0", "", text)
        text = re.sub(r"\bgraph(\s*)\[", r"graph\1[ multigraph 1 ", text, count=1)
    try:
        graph = nx.parse_gml(text.encode("ascii", "xmlcharrefreplace").decode("ascii"), label="id")
    except Exception as error:  # networkx raises what its parser stumbles over
        raise ValueError(f"its GML is not understood ({_said(error)}): save it again, or the file is cut.") from None
    labels = [attributes.get("label", node) for node, attributes in graph.nodes(data=True)]
    return _listed(graph, labels if len(set(map(str, labels))) == len(labels) else list(graph))


def _check_xml(data):
    """Well-formed, and without a document type, in which entity bombs live."""
    parser = expat.ParserCreate()

    def refuse(*_):
        raise ValueError(
            "its XML declares a document type or entities, which are refused: remove the <!DOCTYPE ...> part."
        )

    parser.StartDoctypeDeclHandler = parser.EntityDeclHandler = refuse
    try:
        parser.Parse(data, True)
    except expat.ExpatError as error:
        raise ValueError(f"its XML is broken or cut ({error}): save it again.") from None
    except LookupError:
        raise ValueError("its XML declares an encoding that is not known here: save it as UTF-8.") from None


def _listed(graph, labels):
    index = {node: i for i, node in enumerate(graph)}
    ends = np.array([(index[u], index[v]) for u, v in graph.edges()], dtype=np.int32).reshape(-1, 2)
    weights = [attributes.get("weight", 1) for *_, attributes in graph.edges(data=True)]
    try:
        weights = np.array(weights, dtype=np.float64).reshape(-1)
    except (TypeError, ValueError, OverflowError):
        raise ValueError("some edge's weight is not a number: mend or remove the weights.") from None
    undirected = not graph.is_directed()
    if not len(labels):
        raise ValueError("it has no node.")
    options = {"weights": None if np.all(weights == 1) else weights, "n": len(labels), "undirected": undirected}
    options["nodes"] = np.array(labels, dtype=None if all(isinstance(label, int) for label in labels) else object)
    return ends[:, 0], ends[:, 1], options


def _said(error):
    return (str(error).strip().rstrip(".") or type(error).__name__).split("\n")[0][:200]
