"""What a feed costs the server: asked for the first time, asked again, and behind nginx.

    python -m benchmarks.serve [--short | --papers N | --store URL]

Over real papers, N made from them (see `benchmarks.corpus.made`), or a store that is filled. Prints

cold        milliseconds from a keyword nobody asked for to Atom in gzip, see `benchmarks.cold`
warm        CPU a request of a saved keyword's feed, 200 and 304, beside a bare Flask view that does
            one GET of the same bytes: same server, same options, taking turns
nginx       CPU a request of the shipped cache, 200 and 304, beside nginx serving the bytes as a
            file, opened each time or kept open; taking turns; left out where there is no nginx

CPU is what the kernel counted for the server's processes, without the client's and the store's.
"""

from __future__ import annotations

import argparse
import contextlib
import http.client
import os
import re
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

from flask import Flask, Response, request
from redis import Redis

from benchmarks import cold
from benchmarks.corpus import DEFAULT_CORPUS, generate_months, read_sightings
from benchmarks.pages import NOW, ingest_batches
from papers.config.settings import Settings
from papers.state.keywords import Keywords
from paperwire.run import embedded_store
from paperwire.run.web import web_command

FEED: Final = "/feeds/reasoning.atom"
MEASURED_ROUNDS: Final = 35
"""Many short ones: what else the machine does then falls on all alike."""
ROOT: Final = Path(__file__).resolve().parents[1]
NGINX: Final = shutil.which("nginx", path=f"{os.environ['PATH']}:/usr/sbin:/usr/local/sbin")


def create_baseline_app() -> Flask:
    """The baseline: bytes and their tag from Redis, and nothing else."""
    app, redis = Flask("bare"), Redis.from_url(os.environ["REDIS_URL"])

    @app.get(FEED)
    def feed() -> Response:
        body = redis.get("bare")
        assert isinstance(body, bytes)
        headers = {"Content-Encoding": "gzip", "ETag": '"same"', "Cache-Control": "max-age=300"}
        if request.if_none_match.contains("same"):
            return Response(status=304, headers=headers)
        return Response(body, content_type="application/atom+xml; charset=utf-8", headers=headers)

    return app


def __getattr__(name: str) -> Flask:
    """`app`: the baseline, made when granian asks for it."""
    if name != "app":
        raise AttributeError(name)
    return create_baseline_app()


def main() -> None:
    """Run it and print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--short", action="store_true", help="a tenth of papers and requests")
    parser.add_argument("--papers", type=int, help="so many papers made from the file's")
    parser.add_argument("--store", help="a store that is filled already; it is written to")
    options = parser.parse_args()
    if not DEFAULT_CORPUS.exists():
        print(f"no papers to measure with: {DEFAULT_CORPUS} is not there")
        return
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        url = options.store or stack.enter_context(
            embedded_store.open_embedded_store(embedded_store.StorePaths.in_data_dir(str(folder)))
        )
        if not options.store:
            seen = sorted(read_sightings(), key=lambda sighting: sighting.id)
            step = 10 if options.short else 1
            ingest_batches(
                url, generate_months(options.papers) if options.papers else [seen[::step]]
            )
        Keywords(Redis.from_url(url)).add("Reasoning", "reasoning", now=NOW)
        cold.measure_cold_feeds(url, folder, 20 if options.short else 200)
        measure_warm(url, folder, 10 if options.short else 80)


def measure_warm(url: str, folder: Path, count: int) -> None:
    """The same feed again and again."""
    ours = web_command(Settings(host="127.0.0.1", port=free_port(), web_processes=1))
    places = {
        "ours": ours,
        "bare Flask": (*command_on_free_port(ours)[:-1], "benchmarks.serve:app"),
    }
    variables = os.environ | {"REDIS_URL": url, "PAPERWIRE_DATA_DIR": str(folder / "web")}
    with contextlib.ExitStack() as stack:
        servers = {
            name: stack.enter_context(running_web_server(words, variables))
            for name, words in places.items()
        }
        _, body = fetch_feed(servers["ours"][1], {})
        Redis.from_url(url).set("bare", body)
        compare_servers("warm", servers, count)
        if NGINX:
            ports = stack.enter_context(running_nginx(folder, servers["ours"][1], body))
            compare_servers("nginx", ports, count * 5)


def compare_servers(name: str, servers: Mapping[str, tuple[int, int]], count: int) -> None:
    """Print CPU a request of each server (process id, port), and how the first stands."""
    for status, headers in ((200, None), (304, "tag")):
        spent: dict[str, list[float]] = {name: [] for name in servers}
        for _ in range(MEASURED_ROUNDS):
            for which, (process, port) in servers.items():
                spent[which].append(cpu_per_request(process, port, headers is not None, count))
        figures = {which: statistics.median(values) for which, values in spent.items()}
        (first, ours), *others = figures.items()
        print(f"{name} {status}: CPU a request: {first} {ours:.0f} µs", end="")
        for which, theirs in others:
            pairs = zip(spent[first], spent[which], strict=True)
            ratio = statistics.median(one / other for one, other in pairs)
            told = f"{ratio:.2f} times it, {1 / ratio:.0%} its speed"
            print(f"; {which} {theirs:.0f} ({told})", end="")
        print()


def cpu_per_request(process: int, port: int, conditional: bool, count: int) -> float:
    """CPU a request of a server's processes."""
    tag, _ = fetch_feed(port, {})
    headers = {"Accept-Encoding": "gzip"} | ({"If-None-Match": tag} if conditional else {})
    connection = http.client.HTTPConnection("127.0.0.1", port)
    before = cpu_seconds(process)
    for _ in range(count):
        connection.request("GET", FEED, headers=headers)
        answer = connection.getresponse()
        answer.read()
        assert answer.status == (304 if conditional else 200), (port, answer.status)
    connection.close()
    return 1e6 * (cpu_seconds(process) - before) / count


def fetch_feed(port: int, headers: Mapping[str, str]) -> tuple[str, bytes]:
    """A feed's tag and bytes, as they come."""
    connection = http.client.HTTPConnection("127.0.0.1", port)
    connection.request("GET", FEED, headers={"Accept-Encoding": "gzip", **headers})
    answer = connection.getresponse()
    body = answer.read()
    connection.close()
    return answer.headers.get("ETag", ""), body


def cpu_seconds(process: int) -> float:
    """Seconds of CPU of a process and its children, their threads included."""
    total = 0
    for path in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            parent = int(path.read_text().rpartition(")")[2].split()[1])
            if process in (int(path.parent.name), parent):
                threads = path.parent.glob("task/*/schedstat")
                total += sum(int(thread.read_text().split()[0]) for thread in threads)
    return total / 1e9


@contextlib.contextmanager
def running_web_server(
    words: tuple[str, ...], variables: Mapping[str, str]
) -> Iterator[tuple[int, int]]:
    """A server's process id and port."""
    port = int(words[words.index("--port") + 1])
    with subprocess.Popen(words, env=variables, cwd=ROOT) as process:
        try:
            wait_for(port)
            yield process.pid, port
        finally:
            process.terminate()


@contextlib.contextmanager
def running_nginx(folder: Path, upstream: int, body: bytes) -> Iterator[dict[str, tuple[int, int]]]:
    """The shipped cache before a server, and nginx with the bytes as a file.

    Twice: opened for each request, as nginx does where it is told nothing, and kept open as the
    cache's own files are.
    """
    (folder / "files/feeds").mkdir(parents=True)
    (folder / f"files{FEED}").write_bytes(body)
    shipped = (ROOT / "deploy" / "nginx.conf").read_text("utf-8")
    plain = re.sub(r"    (proxy_cache_path.*?;|upstream.*?\n    })", "", shipped, flags=re.DOTALL)
    served = "root @files@; add_header Content-Encoding gzip;"
    plain = re.sub(
        r"location / {.*?\n        }", f"location / {{ {served} }}", plain, flags=re.DOTALL
    )
    plain = re.sub(r"location = /healthz {.*?\n        }", "", plain, flags=re.DOTALL)
    texts = {
        "cache": shipped,
        "file": re.sub("    open_file_cache.*?;", "", plain),
        "file kept open": plain,
    }
    with contextlib.ExitStack() as stack:
        yield {
            name: stack.enter_context(_nginx(folder / name.replace(" ", "-"), text, upstream))
            for name, text in texts.items()
        }


@contextlib.contextmanager
def _nginx(folder: Path, text: str, upstream: int) -> Iterator[tuple[int, int]]:
    folder.mkdir()
    port = free_port()
    moves = {
        "web:8000": f"127.0.0.1:{upstream}",
        "listen 8080": f"listen 127.0.0.1:{port}",
        "worker_processes auto": "worker_processes 1",
        "@files@": str(folder.parent / "files"),
        "/var/cache/nginx": str(folder / "kept"),
        "/tmp/": f"{folder}/",
        "/dev/stdout": str(folder / "access"),
        "/dev/stderr": str(folder / "error"),
    }
    moved = re.sub("|".join(map(re.escape, moves)), lambda found: moves[found[0]], text)
    (folder / "nginx.conf").write_text(moved)
    directives = "daemon off;" + (" user root;" if os.getuid() == 0 else "")
    words = [str(NGINX), "-p", str(folder), "-c", str(folder / "nginx.conf"), "-g", directives]
    with subprocess.Popen(words, stderr=subprocess.DEVNULL) as process:
        try:
            wait_for(port)
            yield process.pid, port
        finally:
            process.terminate()


def command_on_free_port(words: tuple[str, ...]) -> tuple[str, ...]:
    """A server's command line on another port."""
    at = words.index("--port") + 1
    return (*words[:at], str(free_port()), *words[at + 1 :])


def wait_for(port: int) -> None:
    """Wait until somebody listens."""
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        time.sleep(0.05)
    sys.exit(f"nobody listens on port {port}")


def free_port() -> int:
    """A port nobody listens on."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        port: int = one.getsockname()[1]
        return port


if __name__ == "__main__":
    main()
