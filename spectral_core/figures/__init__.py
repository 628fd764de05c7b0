"""Results as plotly figures and as tables: pure functions that know neither Streamlit nor a page."""

from spectral_core.figures.clusters import count_figure, counting_figure, counting_table, density_figure, error_figure
from spectral_core.figures.comparison import heatmap_figure, overlay_figure, pairs_table
from spectral_core.figures.curvature import (
    differences_figure,
    eigenvector_figure,
    epochs_figure,
    resampled_figure,
    smoothed_figure,
    stem_panels_figure,
    stems_of,
    training_figure,
)
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
from spectral_core.figures.likelihood import likelihood_error_figure, likelihood_figure, likelihood_table
from spectral_core.figures.log_determinants import (
    TABLE_METHODS,
    entropy_error_figure,
    entropy_figure,
    entropy_table,
    floor_figure,
    length_scale_error_figure,
    length_scale_error_table,
)
from spectral_core.figures.logdet import (
    LOGDET_METHODS,
    clip_peaks,
    log_spectrum_figure,
    logdet_error_figure,
    logdet_figure,
    logdet_history_table,
    logdet_table,
)
from spectral_core.figures.moments import moments_figure
from spectral_core.figures.sampling import grid, histogram, known_atoms, merged_stems
from spectral_core.figures.spectrum import spectrum_figure, stem_figure, zoom_figure
from spectral_core.figures.tables import curve_table, moments_table
from spectral_core.figures.weights import layer_figure, share_axes, tail_figure

__all__ = [
    "LAYER_QUANTITIES",
    "LOGDET_METHODS",
    "TABLE_METHODS",
    "before_after_figure",
    "best_fits",
    "best_fits_figure",
    "clip_peaks",
    "count_figure",
    "counting_figure",
    "counting_table",
    "curve_table",
    "density_figure",
    "differences_figure",
    "divergence_figure",
    "eigenvector_figure",
    "entropy_error_figure",
    "entropy_figure",
    "entropy_table",
    "epochs_figure",
    "error_figure",
    "fits_table",
    "floor_figure",
    "grid",
    "heatmap_figure",
    "histogram",
    "influence_figure",
    "influence_table",
    "known_atoms",
    "ladder_figure",
    "layer_figure",
    "layers_figure",
    "length_scale_error_figure",
    "length_scale_error_table",
    "likelihood_error_figure",
    "likelihood_figure",
    "likelihood_table",
    "log_spectrum_figure",
    "logdet_error_figure",
    "logdet_figure",
    "logdet_history_table",
    "logdet_table",
    "merged_stems",
    "model_curve_figure",
    "model_curves_table",
    "moments_figure",
    "moments_table",
    "overlay_figure",
    "pairs_table",
    "resampled_figure",
    "share_axes",
    "smoothed_figure",
    "spectrum_figure",
    "stem_figure",
    "stem_panels_figure",
    "stems_of",
    "tail_figure",
    "training_figure",
    "weights_table",
    "zoom_figure",
]
