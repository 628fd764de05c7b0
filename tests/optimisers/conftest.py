"""One thread: the networks are small."""

import pytest


@pytest.fixture(autouse=True)
def small_networks(one_thread):
    """Every test here runs on one thread."""
