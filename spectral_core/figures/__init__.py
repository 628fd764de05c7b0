"""Results as plotly figures and as tables: pure functions that know neither Streamlit nor a page."""

from spectral_core.figures.clusters import count_figure, counting_figure, counting_table, density_figure, error_figure
from spectral_core.figures.comparison import heatmap_figure, overlay_figure, pairs_table
from spectral_core.figures.inference import (
    best_fits,
    best_fits_figure,
    fits_table,
    model_curve_figure,
    model_curves_table,
)
from spectral_core.figures.influence import before_after_figure, influence_figure, influence_table
from spectral_core.figures.ladder import divergence_figure, ladder_figure
from spectral_core.figures.layers import LAYER_QUANTITIES, layers_figure, weights_table
from spectral_core.figures.moments import moments_figure
from spectral_core.figures.sampling import grid, histogram, known_atoms, merged_stems
from spectral_core.figures.spectrum import spectrum_figure, stem_figure, zoom_figure
from spectral_core.figures.tables import curve_table, moments_table
from spectral_core.figures.weights import layer_figure, tail_figure

__all__ = [
    "LAYER_QUANTITIES",
    "before_after_figure",
    "best_fits",
    "best_fits_figure",
    "count_figure",
    "counting_figure",
    "counting_table",
    "curve_table",
    "density_figure",
    "divergence_figure",
    "error_figure",
    "fits_table",
    "grid",
    "heatmap_figure",
    "histogram",
    "influence_figure",
    "influence_table",
    "known_atoms",
    "ladder_figure",
    "layer_figure",
    "layers_figure",
    "merged_stems",
    "model_curve_figure",
    "model_curves_table",
    "moments_figure",
    "moments_table",
    "overlay_figure",
    "pairs_table",
    "spectrum_figure",
    "stem_figure",
    "tail_figure",
    "weights_table",
    "zoom_figure",
]
