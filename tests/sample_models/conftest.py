"""What the tests of this room share."""

import os
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def data():
    """The folder of public data; tests that need it skip without it."""
    folder = Path(os.environ.get("EIGENSCOPE_DATA", ""))
    if not os.environ.get("EIGENSCOPE_DATA") or not folder.is_dir():
        pytest.skip("EIGENSCOPE_DATA does not name the folder of public data")
    return folder
