"""Results as plotly figures and as tables: pure functions that know neither Streamlit nor a page."""

from spectral_core.figures.batch_damping import damping_figure
from spectral_core.figures.batch_scaling import (
    BATCH_PREDICTIONS,
    batch_outlier_figure,
    batch_outlier_table,
    learning_rate_figure,
    overlap_figure,
    rate_table,
    training_run_figure,
)
from spectral_core.figures.bulk_and_spike import bulk_and_spike_figure, bulk_and_spike_table, spike_path_figure
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
from spectral_core.figures.estimators import (
    estimator_error_figure,
    estimator_winners,
    estimator_winners_figure,
    estimator_winners_table,
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
from spectral_core.figures.landscapes import barrier_figure, line_panels_figure, line_table
from spectral_core.figures.layers import LAYER_QUANTITIES, layers_figure, weights_table
from spectral_core.figures.lessons import (
    convergence_figure,
    cumulative_figure,
    distances_figure,
    facing_stems_figure,
    fits_of_law_figure,
    moment_ladder_figure,
    probabilities_figure,
    top_eigenvalues_figure,
    trace_error_figure,
)
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
from spectral_core.figures.loss_planes import (
    CAMERA,
    compared_planes_figure,
    plane_figure,
    plane_table,
    surface_figure,
)
from spectral_core.figures.moments import moments_figure
from spectral_core.figures.sampling import grid, histogram, known_atoms, merged_stems
from spectral_core.figures.sharpness import generalisation_figure, minima_figure
from spectral_core.figures.spectrum import spectrum_figure, stem_figure, zoom_figure
from spectral_core.figures.tables import curve_table, moments_table, training_table
from spectral_core.figures.weights import layer_figure, share_axes, tail_figure

__all__ = [
    "BATCH_PREDICTIONS",
    "CAMERA",
    "LAYER_QUANTITIES",
    "LOGDET_METHODS",
    "TABLE_METHODS",
    "barrier_figure",
    "batch_outlier_figure",
    "batch_outlier_table",
    "before_after_figure",
    "best_fits",
    "best_fits_figure",
    "bulk_and_spike_figure",
    "bulk_and_spike_table",
    "clip_peaks",
    "compared_planes_figure",
    "convergence_figure",
    "count_figure",
    "counting_figure",
    "counting_table",
    "cumulative_figure",
    "curve_table",
    "damping_figure",
    "density_figure",
    "differences_figure",
    "distances_figure",
    "divergence_figure",
    "eigenvector_figure",
    "entropy_error_figure",
    "entropy_figure",
    "entropy_table",
    "epochs_figure",
    "error_figure",
    "estimator_error_figure",
    "estimator_winners",
    "estimator_winners_figure",
    "estimator_winners_table",
    "facing_stems_figure",
    "fits_of_law_figure",
    "fits_table",
    "floor_figure",
    "generalisation_figure",
    "grid",
    "heatmap_figure",
    "histogram",
    "influence_figure",
    "influence_table",
    "known_atoms",
    "ladder_figure",
    "layer_figure",
    "layers_figure",
    "learning_rate_figure",
    "length_scale_error_figure",
    "length_scale_error_table",
    "likelihood_error_figure",
    "likelihood_figure",
    "likelihood_table",
    "line_panels_figure",
    "line_table",
    "log_spectrum_figure",
    "logdet_error_figure",
    "logdet_figure",
    "logdet_history_table",
    "logdet_table",
    "merged_stems",
    "minima_figure",
    "model_curve_figure",
    "model_curves_table",
    "moment_ladder_figure",
    "moments_figure",
    "moments_table",
    "overlap_figure",
    "overlay_figure",
    "pairs_table",
    "plane_figure",
    "plane_table",
    "probabilities_figure",
    "rate_table",
    "resampled_figure",
    "share_axes",
    "smoothed_figure",
    "spectrum_figure",
    "spike_path_figure",
    "stem_figure",
    "stem_panels_figure",
    "stems_of",
    "surface_figure",
    "tail_figure",
    "top_eigenvalues_figure",
    "trace_error_figure",
    "training_figure",
    "training_run_figure",
    "training_table",
    "weights_table",
    "zoom_figure",
]
