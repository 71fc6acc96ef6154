"""The container files: no engine is at hand, so what they say is read, and nginx is run."""

from __future__ import annotations

import contextlib
import http.server
import os
import re
import shutil
import socket
import subprocess
import threading
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.paperwire.processes import becomes_true

ROOT = Path(__file__).parents[2]
APP = ("web", "worker", "scheduler")
NGINX = shutil.which("nginx", path=f"{os.environ['PATH']}:/usr/sbin:/usr/local/sbin")


@pytest.fixture(scope="module")
def compose() -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text("utf-8"))
    return loaded


@pytest.fixture(scope="module")
def dockerfile() -> list[tuple[str, str]]:
    """Instructions with their arguments, continued lines joined."""
    text = (ROOT / "Dockerfile").read_text("utf-8").replace("\\\n", " ")
    lines = [line for line in text.splitlines() if line.strip() and not line.startswith("#")]
    return [(name, rest) for name, _, rest in (line.partition(" ") for line in lines)]


def test_there_is_a_store_and_three_services_of_one_image(compose: dict[str, Any]) -> None:
    services = compose["services"]
    assert set(services) == {"store", *APP, "proxy"}
    assert len({services[name]["image"] for name in APP}) == 1
    assert {services[name]["build"] for name in APP} == {"."}


def test_every_service_has_a_health_check(compose: dict[str, Any]) -> None:
    for name, service in compose["services"].items():
        assert service["healthcheck"]["test"], name
    for name in APP:
        assert compose["services"][name]["healthcheck"]["test"][-2:] == ["health", name]
        assert compose["services"][name]["depends_on"] == {
            "store": {"condition": "service_healthy"}
        }


def test_store_is_durable_and_reached_from_inside_alone(compose: dict[str, Any]) -> None:
    store = compose["services"]["store"]
    assert not {"ports", "expose", "network_mode"} & set(store)
    assert store["networks"] == ["inside"]
    assert compose["networks"]["inside"]["internal"] is True
    assert store["volumes"] == ["store:/data", "./deploy/store.acl:/etc/store.acl:ro"]
    words = " ".join(store["command"]).split()
    for option in ("--aclfile", "--appendonly", "--maxmemory-policy"):
        assert option in words


def test_no_password_is_given(compose: dict[str, Any]) -> None:
    """Compose refuses to start without one: `:?` has no default."""
    text = (ROOT / "docker-compose.yml").read_text("utf-8")
    uses = re.findall(r"\$\{STORE_PASSWORD[^}]*\}", text)
    assert len(uses) >= 3
    assert all(use.startswith("${STORE_PASSWORD:?") for use in uses)
    for name, user in (("web", "web"), ("worker", "worker"), ("scheduler", "worker")):
        url = compose["services"][name]["environment"]["PAPERWIRE_REDIS_URL"]
        assert url.startswith(f"redis://{user}:${{")


def test_workers_can_be_scaled(compose: dict[str, Any]) -> None:
    assert not {"container_name", "ports"} & set(compose["services"]["worker"])


def test_cache_is_a_profile(compose: dict[str, Any]) -> None:
    assert compose["services"]["proxy"]["profiles"] == ["proxy"]
    assert not any("profiles" in compose["services"][name] for name in ("store", *APP))


def test_services_may_do_little(compose: dict[str, Any]) -> None:
    for name in APP:
        service = compose["services"][name]
        assert service["cap_drop"] == ["ALL"]
        assert service["read_only"] is True
        assert service["init"] is True


def test_images_are_pinned(compose: dict[str, Any], dockerfile: list[tuple[str, str]]) -> None:
    images = [service["image"] for service in compose["services"].values()]
    images += [rest.split()[0] for name, rest in dockerfile if name == "FROM"]
    for image in images:
        assert re.search(r":\d+(\.\d+)+(-\w+)*$", image), image


def test_image_runs_without_rights_and_without_tools(dockerfile: list[tuple[str, str]]) -> None:
    names = [name for name, _ in dockerfile]
    last_stage = dockerfile[len(names) - names[::-1].index("FROM") :]
    assert "ADD" not in names
    assert {rest for name, rest in last_stage if name == "USER"} == {"10001"}
    assert not any("install -r" in rest or "apt" in rest for _, rest in last_stage)
    assert any("uninstall" in rest and "pip" in rest for name, rest in last_stage if name == "RUN")


def test_image_is_installed_by_hash_and_starts_in_exec_form(
    dockerfile: list[tuple[str, str]],
) -> None:
    installs = [rest for name, rest in dockerfile if name == "RUN" and " install -" in rest]
    assert installs
    for rest in installs:
        for command in rest.split("&&"):
            assert (
                "pip" not in command
                or "install" not in command
                or any(word in command for word in ("--require-hashes", "uninstall"))
            ), command
    (command,) = [rest for name, rest in dockerfile if name == "CMD"]
    assert yaml.safe_load(command) == ["python", "-m", "paperwire", "up"]


def test_every_room_is_in_the_image(dockerfile: list[tuple[str, str]]) -> None:
    copied = {rest.split()[0] for name, rest in dockerfile if name == "COPY"}
    ignored = (ROOT / ".dockerignore").read_text("utf-8").splitlines()
    for room in ("papers", "workers", "service", "paperwire"):
        assert room in copied
        assert f"!{room}" in ignored


class Counting(http.server.BaseHTTPRequestHandler):
    asked = 0

    def do_GET(self) -> None:
        type(self).asked += 1
        body = f"answer {self.asked} to {self.headers['Host']}".encode()
        self.send_response(200)
        self.send_header("Cache-Control", "public, max-age=1")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *arguments: object) -> None:
        """Say nothing."""


@contextlib.contextmanager
def counting() -> Iterator[int]:
    """A web service that counts what it is asked; its port."""
    Counting.asked = 0
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Counting) as service:
        thread = threading.Thread(target=service.serve_forever, args=(0.05,), daemon=True)
        thread.start()
        yield service.server_address[1]
        service.shutdown()
        thread.join()


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])


@contextlib.contextmanager
def nginx(folder: Path, upstream: int) -> Iterator[str]:
    """Our configuration, moved from a container's places to this machine's."""
    port = free_port()
    text = (ROOT / "deploy" / "nginx.conf").read_text("utf-8")
    moves = {
        "web:8000": f"127.0.0.1:{upstream}",
        "listen 8080": f"listen 127.0.0.1:{port}",
        "/var/cache/nginx": str(folder / "cache"),
        "/tmp/": f"{folder}/",
        "/dev/stdout": str(folder / "access"),
        "/dev/stderr": str(folder / "error"),
    }
    assert all(old in text for old in moves)
    moved = re.sub("|".join(map(re.escape, moves)), lambda found: moves[found[0]], text)
    (folder / "nginx.conf").write_text(moved)
    directives = "daemon off;" + (" user root;" if os.getuid() == 0 else "")
    assert NGINX is not None
    command = [NGINX, "-p", str(folder), "-c", str(folder / "nginx.conf"), "-g", directives]
    with subprocess.Popen(command, stderr=subprocess.DEVNULL) as process:
        try:
            assert becomes_true(lambda: listens(port))
            yield f"http://127.0.0.1:{port}"
        finally:
            process.terminate()
            process.wait(10)


def listens(port: int) -> bool:
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
        return True
    return False


def test_cache_asks_once_and_serves_its_last_copy_when_the_service_is_away(tmp_path: Path) -> None:
    if NGINX is None:
        pytest.skip("no nginx: apt-get install nginx-light")

    def get(path: str) -> tuple[bytes, str]:
        with urllib.request.urlopen(base + path, timeout=10) as answer:
            return answer.read(), answer.headers["X-Cache"]

    with contextlib.ExitStack() as service:
        upstream = service.enter_context(counting())
        with nginx(tmp_path, upstream) as base:
            first = b"answer 1 to " + base.removeprefix("http://").encode()
            assert get("/feeds/a.atom") == (first, "MISS")
            assert get("/feeds/a.atom") == (first, "HIT")
            second, missed = get("/feeds/b.atom")
            assert missed == "MISS"
            assert becomes_true(lambda: get("/feeds/b.atom")[0] != second)  # though it is kept open
            service.close()
            assert becomes_true(lambda: get("/feeds/a.atom")[1] in ("STALE", "UPDATING"))
            assert get("/feeds/a.atom")[0] == first
