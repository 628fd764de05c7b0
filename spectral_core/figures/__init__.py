"""Results as plotly figures and as tables: pure functions that know neither Streamlit nor a page."""

from spectral_core.figures.ladder import divergence_figure, ladder_figure
from spectral_core.figures.moments import moments_figure
from spectral_core.figures.sampling import grid, histogram, known_atoms, merged_stems
from spectral_core.figures.spectrum import spectrum_figure, stem_figure, zoom_figure
from spectral_core.figures.tables import curve_table, moments_table

__all__ = [
    "curve_table",
    "divergence_figure",
    "grid",
    "histogram",
    "known_atoms",
    "ladder_figure",
    "merged_stems",
    "moments_figure",
    "moments_table",
    "spectrum_figure",
    "stem_figure",
    "zoom_figure",
]
