"""A page with the sigma view and nothing else; ?live=1 sharpens the curves every half second, ?ladders=1 has ladders."""

import numpy as np
import streamlit as st

from pages.ui.sigma import current_sigma, set_sigma, sigma_view
from spectral_core.figures.sampling import grid, histogram

SIZE, INTERVAL = 1000, (0.0, 2.0)
RANGE = 0.002, 0.4996  # of sigma; three digits of its end lie beyond it


def semicircle(x):
    """Density of the semicircle law around 1, with radius 0.9 and mass 0.97."""
    return 0.97 * 2.0 / (np.pi * 0.81) * np.sqrt(np.maximum(0.81 - (x - 1.0) ** 2, 0.0))


def bells():
    """A bell around 1 that gets wider with sigma, at sigmas from 0.05 on, and the exact one at the slider's."""
    x, sigma = np.linspace(*INTERVAL, 201), current_sigma("spectrum", INTERVAL, RANGE)

    def bell(width):
        return np.exp(-0.5 * ((x - 1.0) / width) ** 2) / (width * np.sqrt(2 * np.pi))

    sigmas = np.geomspace(0.05, RANGE[1], 12)
    ladder = {"name": "sketch", "role": "xnystrom", "x": x, "sigmas": sigmas, "y": [bell(one) for one in sigmas]}
    return ladder | ({"exact": {"sigma": sigma, "y": bell(sigma), "se": 0.1 * bell(sigma)}} if sigma >= 0.05 else {})


def draw():
    ticks = st.session_state["ticks"] = st.session_state.get("ticks", 0) + 1
    angles = (np.arange(60) + 0.5) * np.pi / 60
    nodes, weights = np.r_[0.0, 1.0 - 0.9 * np.cos(angles)], np.r_[0.03, 0.97 * np.sin(angles) ** 2 / 30]
    quantiles = np.interp((np.arange(970) + 0.5) / 970, np.cumsum(weights[1:]) / 0.97, nodes[1:])
    atoms = [(0.0, 0.03)]
    bars = histogram(np.r_[np.zeros(30), quantiles], interval=INTERVAL, bins=50, atoms=atoms)
    x = grid(INTERVAL)
    wave = 0.05 * np.sin(30 * x) / (ticks if "live" in st.query_params else 1)
    exact = semicircle(x)
    curves = [
        {"name": "MaxEnt, 30 moments", "x": x, "y": exact * (1 + wave), "se": 0.03 * exact, "role": "maxent"},
        {"name": "<b>kernel</b> polynomial", "x": x, "y": 0.9 * exact + 0.03, "role": "kernel polynomial"},
    ]
    chosen = sigma_view(
        key="spectrum",
        interval=INTERVAL,
        nodes=nodes,
        weights=weights,
        atoms=atoms,
        curves=curves,
        histogram={"edges": bars.edges, "density": bars.density},
        sigma=0.05,
        sigma_range=RANGE,
        kernel=st.query_params.get("kernel", "gaussian"),
        **({"ladders": [bells()], "truth": True, "big": True} if "ladders" in st.query_params else {}),
    )
    st.write(f"Python has sigma = {chosen:g}")
    st.write(f"runs: {ticks}")


st.title("Sigma")
st.button("Preset", on_click=lambda: set_sigma("spectrum", 0.2))
st.fragment(draw, run_every=0.5 if "live" in st.query_params else None)()
