"""A running nginx, and the name server that it asks."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import socket
import socketserver
import struct
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar

from paperwire.run.ports import find_free_port, is_listening
from tests.paperwire.processes import becomes_true

ROOT = Path(__file__).parents[2]

NGINX = shutil.which("nginx", path=f"{os.environ['PATH']}:/usr/sbin:/usr/local/sbin")


@contextlib.contextmanager
def running_nginx(folder: Path, upstream: int | str, resolver: str = "127.0.0.1") -> Iterator[str]:
    """Run nginx with our configuration, its container paths replaced by local ones."""
    port = find_free_port("127.0.0.1", 0)
    text = (ROOT / "deploy" / "nginx.conf").read_text("utf-8")
    replacements = {
        "web:8000": upstream if isinstance(upstream, str) else f"127.0.0.1:{upstream}",
        "127.0.0.11 valid=5s": f"{resolver} valid=1s",
        "worker_processes auto": "worker_processes 1",  # each looks names up for itself
        "listen 8080": f"listen 127.0.0.1:{port}",
        "/var/cache/nginx": str(folder / "cache"),
        "/tmp/": f"{folder}/",
        "/dev/stdout": str(folder / "access"),
        "/dev/stderr": str(folder / "error"),
    }
    assert all(old in text for old in replacements)
    pattern = "|".join(map(re.escape, replacements))
    text = re.sub(pattern, lambda match: replacements[match[0]], text)
    (folder / "nginx.conf").write_text(text)
    directives = "daemon off;" + (" user root;" if os.getuid() == 0 else "")
    assert NGINX is not None
    command = [NGINX, "-p", str(folder), "-c", str(folder / "nginx.conf"), "-g", directives]
    with subprocess.Popen(command, stderr=subprocess.DEVNULL) as process:
        try:
            assert becomes_true(lambda: is_listening("127.0.0.1", port))
            yield f"http://127.0.0.1:{port}"
        finally:
            process.terminate()
            process.wait(10)


class NameServer(socketserver.BaseRequestHandler):
    """Answers every question for an IPv4 address with those in `addresses`."""

    addresses: ClassVar[list[str]] = []

    def handle(self) -> None:
        (query, connection), addresses = self.request, self.addresses
        question = query[12 : query.index(b"\0", 12) + 5]
        answers = b"".join(
            b"\xc0\x0c" + struct.pack("!HHIH", 1, 1, 1, 4) + socket.inet_aton(address)
            for address in addresses
        )
        header = query[:2] + struct.pack("!HHHHH", 0x8180, 1, len(addresses), 0, 0)
        connection.sendto(header + question + answers, self.client_address)


@contextlib.contextmanager
def serving_thread(server: socketserver.BaseServer) -> Iterator[None]:
    """Serve in a thread."""
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    yield
    server.shutdown()
    server.server_close()
    thread.join()
