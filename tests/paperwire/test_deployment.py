"""The container files, checked without a container engine; the cache runs in a real nginx."""

from __future__ import annotations

import contextlib
import hashlib
import http.server
import os
import re
import shutil
import socketserver
import subprocess
import threading
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from paperwire.run.ports import find_free_port, is_listening
from tests.paperwire.processes import becomes_true
from tests.paperwire.proxies import NGINX, ROOT, NameServer, running_nginx, serving_thread

APP = ("web", "worker", "scheduler")


@pytest.fixture(scope="module")
def compose() -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text("utf-8"))
    return loaded


@pytest.fixture(scope="module")
def dockerfile() -> list[tuple[str, str]]:
    """Instructions with their arguments; continued lines are joined."""
    text = (ROOT / "Dockerfile").read_text("utf-8").replace("\\\n", " ")
    lines = [line for line in text.splitlines() if line.strip() and not line.startswith("#")]
    return [(name, rest) for name, _, rest in (line.partition(" ") for line in lines)]


def test_services_are_a_store_a_proxy_and_three_of_one_image(compose: dict[str, Any]) -> None:
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


def test_store_is_durable_and_not_published(compose: dict[str, Any]) -> None:
    store = compose["services"]["store"]
    assert not {"ports", "expose", "network_mode"} & set(store)
    assert store["networks"] == ["inside"]
    assert compose["networks"]["inside"]["internal"] is True
    assert store["volumes"] == ["store:/data", "./deploy/store.acl:/etc/store.acl:ro"]
    words = " ".join(store["command"]).split()
    for option in ("--aclfile", "--appendonly", "--maxmemory-policy"):
        assert option in words


def test_passwords_are_files_and_have_no_default(compose: dict[str, Any]) -> None:
    """Compose refuses to start without the file, which is not part of a clone."""
    assert compose["secrets"] == {"store_password": {"file": "./secrets/store_password"}}
    assert "/secrets/" in (ROOT / ".gitignore").read_text("utf-8").splitlines()
    for name, user in (("web", "web"), ("worker", "worker"), ("scheduler", "worker")):
        service = compose["services"][name]
        assert service["secrets"] == ["store_password"]
        settings = {
            variable: value.replace("/run/secrets/store_password", "/dev/null")
            for variable, value in service["environment"].items()
        }
        assert settings["PAPERWIRE_REDIS_URL"] == f"redis://{user}@store:6379/0"
        assert settings["PAPERWIRE_REDIS_PASSWORD_FILE"] == "/dev/null"
    assert compose["services"]["store"]["secrets"] == ["store_password"]


@pytest.mark.parametrize("password", ["secret", "secret\n"])
def test_store_gets_the_users_of_the_list_with_this_password(
    compose: dict[str, Any], tmp_path: Path, password: str
) -> None:
    """The command of the store, with its paths and its server replaced."""
    (tmp_path / "password").write_text(password)
    shell, option, script = compose["services"]["store"]["command"]
    script = script.replace("$$", "$").replace(
        "/run/secrets/store_password", f"{tmp_path}/password"
    )
    script = script.replace("/etc/store.acl", str(ROOT / "deploy" / "store.acl"))
    script = script.replace("/tmp/users.acl", f"{tmp_path}/users.acl").replace("exec", "echo")
    subprocess.run([shell, option, script], check=True, stdout=subprocess.DEVNULL)
    users = (tmp_path / "users.acl").read_text()
    assert users.count(f"#{hashlib.sha256(b'secret').hexdigest()}") == 2
    assert "PASSWORD_SHA256" not in users


def test_every_service_has_limits(compose: dict[str, Any]) -> None:
    for name, service in compose["services"].items():
        assert service["mem_limit"], name
        assert service["logging"]["options"] == {"max-size": "10m", "max-file": "5"}, name
    assert "--maxmemory ${STORE_MEMORY:-4g}" in " ".join(compose["services"]["store"]["command"])


def test_web_servers_and_workers_can_be_scaled(compose: dict[str, Any]) -> None:
    assert not {"container_name", "ports"} & set(compose["services"]["worker"])
    assert "container_name" not in compose["services"]["web"]
    (port,) = compose["services"]["web"]["ports"]
    assert re.fullmatch(r"127\.0\.0\.1:\$\{WEB_PORT:-8000-80\d\d\}:8000", port)


def test_backups_and_thumbnails_outlast_their_containers(compose: dict[str, Any]) -> None:
    """A worker writes backups and thumbnails there; web servers show the thumbnails."""
    for name in ("web", "worker"):
        assert compose["services"][name]["volumes"] == ["data:/data"]
    assert "data" in compose["volumes"]


def test_cache_is_optional(compose: dict[str, Any]) -> None:
    assert compose["services"]["proxy"]["profiles"] == ["proxy"]
    assert not any("profiles" in compose["services"][name] for name in ("store", *APP))


def test_services_have_minimal_privileges(compose: dict[str, Any]) -> None:
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


def test_image_has_no_root_user_and_no_build_tools(dockerfile: list[tuple[str, str]]) -> None:
    names = [name for name, _ in dockerfile]
    last_stage = dockerfile[len(names) - names[::-1].index("FROM") :]
    assert "ADD" not in names
    assert {rest for name, rest in last_stage if name == "USER"} == {"10001"}
    assert not any("install -r" in rest or "apt" in rest for _, rest in last_stage)
    assert any("uninstall" in rest and "pip" in rest for name, rest in last_stage if name == "RUN")


def test_image_installs_by_hash_and_starts_in_exec_form(
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


def test_every_package_is_in_the_image(dockerfile: list[tuple[str, str]]) -> None:
    copied = {rest.split()[0] for name, rest in dockerfile if name == "COPY"}
    ignored = (ROOT / ".dockerignore").read_text("utf-8").splitlines()
    for package in ("papers", "workers", "service", "paperwire"):
        assert package in copied
        assert f"!{package}" in ignored


class CountingHandler(http.server.BaseHTTPRequestHandler):
    requests = 0
    last_headers: tuple[tuple[str, str], ...] = ()

    def do_GET(self) -> None:
        type(self).requests += 1
        type(self).last_headers = tuple(self.headers.items())
        body = f"answer {self.requests} to {self.headers['Host']}".encode()
        self.send_response(200)
        self.send_header("Cache-Control", "public, max-age=1")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *arguments: object) -> None:
        """Print nothing."""


@contextlib.contextmanager
def counting_service() -> Iterator[int]:
    """Run a web service that counts requests; yields its port."""
    CountingHandler.requests = 0
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), CountingHandler) as service:
        thread = threading.Thread(target=service.serve_forever, args=(0.05,), daemon=True)
        thread.start()
        yield service.server_address[1]
        service.shutdown()
        thread.join()


class NamedHandler(http.server.BaseHTTPRequestHandler):
    """Answers with the address that it is reached at."""

    def do_GET(self) -> None:
        body = str(self.connection.getsockname()[0]).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Cache-Control", "no-store")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *arguments: object) -> None:
        pass


@pytest.mark.row("web servers come and go behind the proxy")
def test_proxy_finds_web_servers_that_were_created_after_it(tmp_path: Path) -> None:
    if NGINX is None:
        pytest.skip("no nginx: apt-get install nginx-light")
    port = find_free_port("127.0.0.2", 0)

    def web(address: str) -> contextlib.AbstractContextManager[None]:
        return serving_thread(http.server.ThreadingHTTPServer((address, port), NamedHandler))

    def answers() -> set[bytes]:
        got = set()
        for _ in range(8):
            with urllib.request.urlopen(f"{base}/x", timeout=10) as response:
                got.add(response.read())
        return got

    names = socketserver.UDPServer(("127.0.0.1", 0), NameServer)
    resolver = f"127.0.0.1:{names.server_address[1]}"
    with contextlib.ExitStack() as stack:
        stack.enter_context(serving_thread(names))
        NameServer.addresses = ["127.0.0.2"]
        with contextlib.ExitStack() as first:
            first.enter_context(web("127.0.0.2"))
            base = stack.enter_context(running_nginx(tmp_path, f"web:{port}", resolver))
            assert answers() == {b"127.0.0.2"}
            second = web("127.0.0.3")
            stack.enter_context(second)
            NameServer.addresses = ["127.0.0.2", "127.0.0.3"]
            assert becomes_true(lambda: answers() == {b"127.0.0.2", b"127.0.0.3"})
        assert answers() == {b"127.0.0.3"}  # the other one is tried; no reader sees the fault
        NameServer.addresses = ["127.0.0.3"]
        assert answers() == {b"127.0.0.3"}


CADDY = shutil.which("caddy")


@pytest.mark.row("trusted hosts and proxies")
def test_documented_caddyfile_lets_no_client_name_its_address(tmp_path: Path) -> None:
    """A WSGI server takes `X_Forwarded_For` for `X-Forwarded-For`."""
    if CADDY is None:
        pytest.skip("no caddy: apt-get install caddy")
    page = (ROOT / "docs" / "how-to" / "behind-a-proxy.md").read_text("utf-8")
    (snippet,) = re.findall(r"```caddy\n(.*?)```", page, re.DOTALL)
    port = find_free_port("127.0.0.1", 0)
    with counting_service() as upstream:
        snippet = snippet.replace("papers.example.org", f"http://127.0.0.1:{port}")
        snippet = snippet.replace("127.0.0.1:8000", f"127.0.0.1:{upstream}")
        caddyfile = tmp_path / "Caddyfile"
        caddyfile.write_text("{\n\tadmin off\n\tauto_https off\n}\n" + snippet)
        command = [CADDY, "run", "--config", str(caddyfile), "--adapter", "caddyfile"]
        environment = os.environ | {
            "XDG_DATA_HOME": str(tmp_path),
            "XDG_CONFIG_HOME": str(tmp_path),
        }
        with subprocess.Popen(command, stderr=subprocess.DEVNULL, env=environment) as process:
            try:
                assert becomes_true(lambda: is_listening("127.0.0.1", port))
                for name in (
                    *("X-Forwarded-For", "X_Forwarded_For", "X-Forwarded_For", "X_Forwarded-For"),
                    "x_forwarded_for",
                ):
                    request = urllib.request.Request(f"http://127.0.0.1:{port}/")
                    request.add_header(name, "6.6.6.6")
                    urllib.request.urlopen(request, timeout=10).close()
                    named = [
                        value
                        for header, value in CountingHandler.last_headers
                        if header.lower().replace("_", "-") == "x-forwarded-for"
                    ]
                    assert named == ["127.0.0.1"], name
            finally:
                process.terminate()
                process.wait(10)


@pytest.mark.row("logs keep no reader")
def test_log_of_the_proxy_has_networks_and_paths_only(tmp_path: Path) -> None:
    if NGINX is None:
        pytest.skip("no nginx: apt-get install nginx-light")
    with counting_service() as upstream, running_nginx(tmp_path, upstream) as base:
        urllib.request.urlopen(f"{base}/feeds/search.atom?q=private", timeout=10).close()
        assert becomes_true(lambda: "/feeds/search.atom" in (tmp_path / "access").read_text())
        log = (tmp_path / "access").read_text() + (tmp_path / "error").read_text()
    assert log.startswith("127.0.0.0 [")
    assert "127.0.0.1" not in log
    assert "private" not in log
    assert "urllib" not in log.lower()


def test_cache_requests_once_and_serves_stale_when_the_service_is_down(tmp_path: Path) -> None:
    if NGINX is None:
        pytest.skip("no nginx: apt-get install nginx-light")

    def get(path: str) -> tuple[bytes, str]:
        with urllib.request.urlopen(base + path, timeout=10) as answer:
            return answer.read(), answer.headers["X-Cache"]

    with contextlib.ExitStack() as service:
        upstream = service.enter_context(counting_service())
        with running_nginx(tmp_path, upstream) as base:
            first = b"answer 1 to " + base.removeprefix("http://").encode()
            assert get("/feeds/a.atom") == (first, "MISS")
            assert get("/feeds/a.atom") == (first, "HIT")
            second, missed = get("/feeds/b.atom")
            assert missed == "MISS"
            assert becomes_true(
                lambda: get("/feeds/b.atom")[0] != second
            )  # although nginx keeps it open
            service.close()
            assert becomes_true(lambda: get("/feeds/a.atom")[1] in ("STALE", "UPDATING"))
            assert get("/feeds/a.atom")[0] == first
