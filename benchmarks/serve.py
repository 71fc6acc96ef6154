"""The cost of a feed for the server: uncached, cached, and behind nginx.

    python -m benchmarks.serve [--short | --papers N | --store URL]

Uses real papers, N generated ones (see `benchmarks.corpus.generate_months`), or an existing store.
Prints

uncached    milliseconds for an uncached feed, Atom in gzip, see `benchmarks.uncached_feeds`
warm        CPU time per request of a saved keyword's feed, 200 and 304, compared with a minimal
            Flask view that sends the same bytes after one GET: same server, same options, in turns
nginx       CPU time per request of the shipped cache, 200 and 304, compared with nginx serving the
            bytes as a file, opened each time or kept open; in turns; omitted without nginx

CPU time is that of the server's processes, without the client and the store.
"""

from __future__ import annotations

import argparse
import contextlib
import http.client
import os
import re
import shutil
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

from benchmarks import uncached_feeds
from benchmarks.corpus import DEFAULT_CORPUS, generate_months, read_sightings
from benchmarks.pages import NOW, ingest_batches
from papers.config.settings import Settings
from papers.state.keywords import Keywords
from paperwire.run import embedded_store
from paperwire.run.ports import find_free_port, is_listening
from paperwire.run.web import web_command

FEED: Final = "/feeds/reasoning.atom"
MEASURED_ROUNDS: Final = 35
"""Many short rounds: other load on the machine then affects all servers alike."""
ROOT: Final = Path(__file__).resolve().parents[1]
_IDLE_SECONDS: Final = 0.02
"""Processor time in a second, below which a server is idle."""
NGINX: Final = shutil.which("nginx", path=f"{os.environ['PATH']}:/usr/sbin:/usr/local/sbin")


def create_baseline_app() -> Flask:
    """Create the baseline: it sends bytes from Redis with an ETag, and does nothing else."""
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
    """Return `app`, the baseline, created when granian loads it."""
    if name != "app":
        raise AttributeError(name)
    return create_baseline_app()


def main() -> None:
    """Run the benchmark and print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--short", action="store_true", help="use a tenth of the papers and requests"
    )
    parser.add_argument(
        "--papers", type=int, help="number of papers to generate from those in the file"
    )
    parser.add_argument("--store", help="URL of an existing store, which will be changed")
    options = parser.parse_args()
    if not DEFAULT_CORPUS.exists():
        print(f"no papers to measure with: {DEFAULT_CORPUS} does not exist")
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
        uncached_feeds.measure_uncached_feeds(url, folder, 20 if options.short else 200)
        measure_warm(url, folder, 10 if options.short else 80)


def measure_warm(url: str, folder: Path, count: int) -> None:
    """Measure repeated requests of one feed."""
    port = find_free_port("127.0.0.1", 0)
    ours = web_command(Settings(host="127.0.0.1", port=port, web_processes=1))
    commands = {
        "ours": ours,
        "minimal Flask": (*command_on_free_port(ours)[:-1], "benchmarks.serve:app"),
    }
    variables = os.environ | {"REDIS_URL": url, "PAPERWIRE_DATA_DIR": str(folder / "web")}
    with contextlib.ExitStack() as stack:
        servers = {
            name: stack.enter_context(running_web_server(command, variables))
            for name, command in commands.items()
        }
        _, body = fetch_feed(servers["ours"][1], {})
        Redis.from_url(url).set("bare", body)
        compare_servers("warm", servers, count)
        if NGINX:
            ports = stack.enter_context(running_nginx(folder, servers["ours"][1], body))
            compare_servers("nginx", ports, count * 5)


def compare_servers(name: str, servers: Mapping[str, tuple[int, int]], count: int) -> None:
    """Print CPU time per request of each server (process id, port), relative to the first."""
    for status, headers in ((200, None), (304, "tag")):
        times: dict[str, list[float]] = {server: [] for server in servers}
        for _ in range(MEASURED_ROUNDS):
            for server, (process, port) in servers.items():
                times[server].append(cpu_per_request(process, port, headers is not None, count))
        medians = {server: statistics.median(values) for server, values in times.items()}
        (first, ours), *others = medians.items()
        line = f"{name} {status}: CPU per request: {first} {ours:.0f} µs"
        for server, theirs in others:
            pairs = zip(times[first], times[server], strict=True)
            ratio = statistics.median(one / other for one, other in pairs)
            comparison = f"ours takes {ratio:.2f} times that, {1 / ratio:.0%} its speed"
            line += f"; {server} {theirs:.0f} ({comparison})"
        print(line)


def wait_until_idle(process: int) -> None:
    """Wait until a server has rendered what it renders ahead, for three minutes at most."""
    deadline = time.monotonic() + 180
    while time.monotonic() < deadline:
        before = cpu_seconds(process)
        time.sleep(1)
        if cpu_seconds(process) - before < _IDLE_SECONDS:
            return


def cpu_per_request(process: int, port: int, conditional: bool, count: int) -> float:
    """Return microseconds of CPU per request of a server's processes."""
    tag, _ = fetch_feed(port, {})
    headers = {"Accept-Encoding": "gzip"} | ({"If-None-Match": tag} if conditional else {})
    connection = http.client.HTTPConnection("127.0.0.1", port)
    before = cpu_seconds(process)
    for _ in range(count):
        connection.request("GET", FEED, headers=headers)
        response = connection.getresponse()
        response.read()
        assert response.status == (304 if conditional else 200), (port, response.status)
    connection.close()
    return 1e6 * (cpu_seconds(process) - before) / count


def fetch_feed(port: int, headers: Mapping[str, str]) -> tuple[str, bytes]:
    """Return the ETag and the compressed bytes of the feed."""
    connection = http.client.HTTPConnection("127.0.0.1", port)
    connection.request("GET", FEED, headers={"Accept-Encoding": "gzip", **headers})
    response = connection.getresponse()
    body = response.read()
    connection.close()
    return response.headers.get("ETag", ""), body


def cpu_seconds(process: int) -> float:
    """Return the CPU seconds of a process and its children, including threads."""
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
    command: tuple[str, ...], variables: Mapping[str, str]
) -> Iterator[tuple[int, int]]:
    """Run a web server; yields its process id and port."""
    port = int(command[command.index("--port") + 1])
    with subprocess.Popen(command, env=variables, cwd=ROOT) as process:
        try:
            wait_for(port)
            wait_until_idle(process.pid)
            yield process.pid, port
        finally:
            process.terminate()


@contextlib.contextmanager
def running_nginx(folder: Path, upstream: int, body: bytes) -> Iterator[dict[str, tuple[int, int]]]:
    """Run the shipped cache in front of a server, and nginx with the bytes as a file.

    The latter twice: with the file opened for each request, as nginx does by default, and kept
    open, as the cache's own files are.
    """
    (folder / "files/feeds").mkdir(parents=True)
    (folder / f"files{FEED}").write_bytes(body)
    shipped = (ROOT / "deploy" / "nginx.conf").read_text("utf-8")
    plain = re.sub(r"    (proxy_cache_path.*?;|upstream.*?\n    })", "", shipped, flags=re.DOTALL)
    location = "root @files@; add_header Content-Encoding gzip;"
    plain = re.sub(
        r"location / {.*?\n        }", f"location / {{ {location} }}", plain, flags=re.DOTALL
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
    port = find_free_port("127.0.0.1", 0)
    replacements = {
        "web:8000": f"127.0.0.1:{upstream}",
        "listen 8080": f"listen 127.0.0.1:{port}",
        "worker_processes auto": "worker_processes 1",
        "@files@": str(folder.parent / "files"),
        "/var/cache/nginx": str(folder / "kept"),
        "/tmp/": f"{folder}/",
        "/dev/stdout": str(folder / "access"),
        "/dev/stderr": str(folder / "error"),
    }
    pattern = "|".join(map(re.escape, replacements))
    text = re.sub(pattern, lambda match: replacements[match[0]], text)
    (folder / "nginx.conf").write_text(text)
    directives = "daemon off;" + (" user root;" if os.getuid() == 0 else "")
    command = [str(NGINX), "-p", str(folder), "-c", str(folder / "nginx.conf"), "-g", directives]
    with subprocess.Popen(command, stderr=subprocess.DEVNULL) as process:
        try:
            wait_for(port)
            yield process.pid, port
        finally:
            process.terminate()


def command_on_free_port(command: tuple[str, ...]) -> tuple[str, ...]:
    """Return a server's command line with another port."""
    index = command.index("--port") + 1
    return (*command[:index], str(find_free_port("127.0.0.1", 0)), *command[index + 1 :])


def wait_for(port: int) -> None:
    """Wait until a server listens; exits after 30 seconds."""
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        if is_listening("127.0.0.1", port):
            return
        time.sleep(0.05)
    sys.exit(f"no server listens on port {port}")


if __name__ == "__main__":
    main()
