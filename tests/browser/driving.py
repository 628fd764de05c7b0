"""Drive the app: a server in a process of its own, and a Chromium that looks at it."""

import contextlib
import os
import re
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

ROOT = Path(__file__).parents[2]
HARMLESS = re.compile(r"/[^/]+/_stcore/(health|host-config)$")  # Streamlit looks for them below a deep link first
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]


def find_chromium() -> str | None:
    """Return the path of a Chromium or Chrome, or None."""
    names = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
    return next((path for name in names if (path := shutil.which(name))), None)


@contextlib.contextmanager
def serving(script: Path, patience: float = 60.0, **environment: str):
    """Serve a Streamlit script on a free port; yield its URL, and end with nothing left of the process."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    options = {
        "server.port": port,
        "server.address": "127.0.0.1",
        "server.headless": "true",
        "server.fileWatcherType": "none",
        "browser.gatherUsageStats": "false",
    }
    command = [sys.executable, "-m", "streamlit", "run", str(script)]
    command += [part for name, value in options.items() for part in (f"--{name}", str(value))]
    environment = os.environ | {"PYTHONPATH": str(ROOT)} | environment
    server = subprocess.Popen(command, cwd=ROOT, env=environment, start_new_session=True)
    url = f"http://127.0.0.1:{port}"
    try:
        end = time.monotonic() + patience
        while not _healthy(url):
            assert server.poll() is None, f"the server ended with exit code {server.returncode}"
            assert time.monotonic() < end, f"no server within {patience} s"
            time.sleep(0.05)
        yield url
    finally:
        server.terminate()
        try:
            server.wait(timeout=10)
        except subprocess.TimeoutExpired:
            server.kill()
            server.wait()
    assert not _group_alive(server.pid), "the server left a process behind"


def settled(page, patience: float = 60.0) -> None:
    """Wait until the script of the page has run to its end."""
    page.wait_for_selector(
        "[data-testid=stApp][data-test-script-state=notRunning]", timeout=1000 * patience, state="attached"
    )


def serious(message) -> list[str]:
    """Return what a console message complains of: nothing, for the 404s that Streamlit's deep links cause."""
    url = message.location["url"]
    harmless = message.type != "error" or ("404" in message.text and HARMLESS.search(url))
    return [] if harmless else [f"{message.text} ({url})"]


def _healthy(url: str) -> bool:
    try:
        with urllib.request.urlopen(f"{url}/_stcore/health", timeout=1) as answer:
            return answer.status == 200
    except OSError:
        return False


def _group_alive(group: int, patience: float = 2.0) -> bool:
    """Whether a process of the server's group still lives once children had a moment to notice its end."""
    end = time.monotonic() + patience
    while time.monotonic() < end:
        try:
            os.killpg(group, 0)
        except ProcessLookupError:
            return False
        time.sleep(0.05)
    return True
