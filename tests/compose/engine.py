"""A Docker engine for the tests: the one this machine has, else one that ../shared/offline-images starts."""

import fcntl
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.real_components import missing

ROOT = Path(__file__).resolve().parents[2]
OFFLINE = Path(os.environ.get("HEDGEGRID_OFFLINE_IMAGES") or ROOT.parent / "shared" / "offline-images")
STAND_INS = ("python", "redis", "prometheus", "alertmanager", "grafana")
START_TIMEOUT_S = 300


@contextmanager
def one_at_a_time() -> Iterator[None]:
    """Runs on one machine take turns: project and image names are the same for all."""
    with Path(tempfile.gettempdir(), "hedgegrid-compose-test.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


@contextmanager
def engine() -> Iterator[dict[str, str]]:
    """The environment in which `docker compose` works; an engine that was started for it is stopped again.

    Skips by name (in CI: fails) where there is none and none can be started.
    """
    own = dict(os.environ)
    if answers(own):
        yield own
        return
    if not (OFFLINE / "up").is_file():
        missing("a Docker engine with Compose v2: none answers here, and ../shared/offline-images is not there")
    if os.geteuid() != 0:
        missing("a Docker engine with Compose v2: none answers here, and starting one needs root")
    ran_before = pidfile_is_alive()
    started = start()
    try:
        yield started
    finally:
        if not ran_before:
            subprocess.run([OFFLINE / "down"], check=False, timeout=120, capture_output=True)


def answers(environment: dict[str, str]) -> bool:
    """Whether engine and Compose v2 are there."""
    if shutil.which("docker") is None:
        return False
    asked = (["docker", "version"], ["docker", "compose", "version"])
    return all(
        subprocess.run(command, env=environment, capture_output=True, check=False, timeout=30).returncode == 0
        for command in asked
    )


def start() -> dict[str, str]:
    """Run `up` for every base image that our files name; returns the environment it prints."""
    images = base_images()
    pairs = [f"{image}={kind}" for kind in STAND_INS for image in images if kind in image.split(":")[0]]
    done = subprocess.run(
        [OFFLINE / "up", *pairs], capture_output=True, text=True, check=False, timeout=START_TIMEOUT_S
    )
    if done.returncode != 0:
        missing(f"a Docker engine: ../shared/offline-images/up failed:\n{done.stderr[-2000:]}")
    printed = dict(re.findall(r"(DOCKER_\w+)=(\S+)", done.stdout))
    return {**os.environ, **printed}


def base_images() -> list[str]:
    """Image names that the Dockerfile and the compose file take from elsewhere."""
    found = re.findall(r"^FROM (\S+:\S+)", (ROOT / "Dockerfile").read_text(), re.MULTILINE)
    found += re.findall(r"^ +image: (\S+:\S+)$", (ROOT / "docker-compose.yml").read_text(), re.MULTILINE)
    return list(dict.fromkeys(found))


def pidfile_is_alive() -> bool:
    """Whether the engine of offline-images runs already, for somebody else."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "offline-images"
    folder = Path(os.environ.get("OFFLINE_IMAGES_DIR") or cache)
    try:
        os.kill(int((folder / "docker.pid").read_text()), 0)
    except (OSError, ValueError):
        return False
    return True
