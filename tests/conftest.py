"""What every test may use: devices, generators, and the folder of data that we did not make."""

import os
from pathlib import Path

import pytest
import torch

DEVICES = ["cpu", "cuda"]
if "PYTEST_XDIST_WORKER" in os.environ:
    torch.set_num_threads(1)  # the processes share the cores


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config, log):
    """With processes side by side: the browser tests in one of them, all else file by file."""
    from xdist.scheduler import LoadScopeScheduling

    class ByFile(LoadScopeScheduling):
        def _split_scope(self, nodeid):
            return "tests/browser" if nodeid.startswith("tests/browser/") else nodeid.split("::")[0]

    return ByFile(config, log)


@pytest.fixture(params=DEVICES)
def device(request):
    if request.param == "cuda" and not torch.cuda.is_available():
        pytest.skip("no CUDA device")
    return request.param


@pytest.fixture
def generator():
    return torch.Generator().manual_seed(20)


def _one_thread():
    """One thread of torch: on small operations many spend their time waiting for one another."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


one_thread = pytest.fixture(_one_thread, name="one_thread")
one_thread_in_module = pytest.fixture(_one_thread, scope="module", name="one_thread_in_module")


@pytest.fixture
def data():
    """The folder named by EIGENSCOPE_DATA: public graphs that are not part of the project."""
    if not os.environ.get("EIGENSCOPE_DATA"):
        pytest.skip("EIGENSCOPE_DATA names no folder of data")
    return Path(os.environ["EIGENSCOPE_DATA"])
