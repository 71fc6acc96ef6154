"""The recipes of `deploy/subpath` in real proxies, in front of a real web server."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final
from urllib.parse import urljoin, urlsplit

import feedparser
import pytest
import requests
from redis import Redis

from papers.state.keywords import Keywords
from papers.store import Store
from paperwire.run.ports import find_free_port
from tests.service.conftest import wait_for_server
from tests.service.made import NOW, make_sighting

RECIPES: Final = Path(__file__).parents[2] / "deploy" / "subpath"
PATH: Final = f"{os.environ['PATH']}:/usr/sbin:/usr/local/sbin"
PAGES: Final = ("", "/", "/k/reward", "/search?q=reward", "/feeds", "/manage", "/status")


@pytest.fixture(scope="module")
def proxy_port() -> int:
    return find_free_port("127.0.0.1", 0)


@pytest.fixture(scope="module")
def web_port(
    store_url: str, proxy_port: int, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[int]:
    """The port of a web server whose public URL is the proxy's, under /paperwire."""
    redis = Redis.from_url(store_url)
    redis.flushall()
    Keywords(redis).add("Reward", "reward", now=NOW)
    Store(redis).ingest([make_sighting(n, title=f"A reward {n}") for n in range(1, 4)], now=NOW)
    port = find_free_port("127.0.0.1", 0)
    environment = {
        **os.environ,
        "REDIS_URL": store_url,
        "PAPERWIRE_DATA_DIR": str(tmp_path_factory.mktemp("web")),
        "PAPERWIRE_PORT": str(port),
        "PAPERWIRE_PUBLIC_URL": f"http://127.0.0.1:{proxy_port}/paperwire",
    }
    options = ["--host", "127.0.0.1", "--port", str(port), "--log-level", "error"]
    command = [sys.executable, "-m", "granian", "--interface", "wsgi", *options]
    with subprocess.Popen([*command, "service.wsgi:app"], env=environment) as process:
        wait_for_server(f"http://127.0.0.1:{port}/healthz")
        yield port
        process.terminate()


@contextmanager
def running_proxy(recipe: str, folder: Path, port: int, upstream: int) -> Iterator[None]:
    """Run a recipe on a port of this machine; skips the test without the program."""
    name = "nginx" if recipe.startswith("nginx") else "caddy"
    program = shutil.which(name, path=PATH)
    if program is None:
        pytest.skip(f"no {name}: apt-get install {name if name == 'caddy' else 'nginx-light'}")
    text = (RECIPES / recipe).read_text("utf-8").replace("127.0.0.1:8000", f"127.0.0.1:{upstream}")
    config = folder / "config"
    if name == "nginx":
        server = f"server {{ listen 127.0.0.1:{port};\n{text}\n}}"
        server = server.replace("proxy_set_header Host $host", "proxy_set_header Host $http_host")
        temporary = "".join(
            f"{kind}_temp_path {folder}/{kind};\n"
            for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
        )
        root = "user root;" if os.getuid() == 0 else ""
        config.write_text(
            f"daemon off; {root} worker_processes 1; pid {folder}/pid; error_log {folder}/error;\n"
            f"events {{}}\nhttp {{ access_log off;\n{temporary}{server}\n}}\n"
        )
        command = [program, "-p", str(folder), "-c", str(config), "-e", f"{folder}/error"]
    else:
        options = "{\n\tadmin off\n\tauto_https off\n}\n"
        config.write_text(options + text.replace("lab.example", f"http://127.0.0.1:{port}"))
        command = [program, "run", "--adapter", "caddyfile", "--config", str(config)]
    environment = {**os.environ, "HOME": str(folder), "XDG_DATA_HOME": str(folder)}
    with subprocess.Popen(command, env=environment, stderr=subprocess.DEVNULL) as process:
        try:
            wait_for_server(f"http://127.0.0.1:{port}/")
            yield
        finally:
            process.terminate()


@pytest.mark.parametrize("recipe", sorted(path.name for path in RECIPES.iterdir()))
def test_everything_works_behind_a_proxy_under_a_path(
    recipe: str, tmp_path: Path, proxy_port: int, web_port: int
) -> None:
    host = f"http://127.0.0.1:{proxy_port}"
    site = f"{host}/paperwire"
    with running_proxy(recipe, tmp_path, proxy_port, web_port):
        followed = set()
        for path in PAGES:
            page = requests.get(site + path, timeout=10)
            assert page.status_code == 200, (path, page.text[:300])
            for link in re.findall(r'(?:href|src|action|data-preview)="([^"]+)"', page.text):
                target = urljoin(page.url, link.replace("&amp;", "&"))
                if target.startswith(host):
                    assert urlsplit(target).path.startswith("/paperwire"), (path, link)
                    followed.add(target.partition("#")[0])
        for target in sorted(followed):
            if not target.endswith("/search/preview"):  # it needs a parameter
                assert requests.get(target, timeout=10).status_code < 400, target
        feed = requests.get(f"{site}/feeds/reward.atom", timeout=10)
        assert feedparser.parse(feed.content).feed.id == f"{site}/feeds/reward.atom"
        conditions = {"If-None-Match": feed.headers["ETag"]}
        again = requests.get(f"{site}/feeds/reward.atom", headers=conditions, timeout=10)
        assert again.status_code == 304
        moved = requests.get(f"{site}/feeds/Reward.ATOM/?utm_source=x", timeout=10)
        assert moved.url == f"{site}/feeds/reward.atom"
        (previews,) = set(re.findall(r'data-preview="([^"]+)"', page.text))
        preview = requests.get(f"{host}{previews}?q=reward", timeout=10)
        assert preview.status_code == 200
        form = requests.post(f"{site}/manage", data={"action": "preview", "query": "reward"})
        assert form.status_code == 200
        assert '<div class="found">' in form.text
        assert f'xmlUrl="{site}/feeds/reward.atom"' in requests.get(f"{site}/opml").text
