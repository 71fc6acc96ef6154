"""A cluster by TLS: the nodes that it names are reached as the first one is, and are verified."""

from __future__ import annotations

import asyncio
import shutil
import ssl
import subprocess
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest

from papers.errors import StoreUnavailable
from papers.redis_backend.cluster.client import connect_store
from papers.redis_backend.connection import translate_store_errors
from paperwire.run.ports import find_free_port
from tests.papers.cluster_nodes import HOST, SLOTS, wait_until
from tests.papers.server import private_server

pytestmark = pytest.mark.skipif(not shutil.which("openssl"), reason="needs openssl: install it")


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    """A certificate of this host, which signs itself, with its key."""
    file = tmp_path / "cert.pem"
    subprocess.run(
        [
            *("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"),
            *("-nodes", "-days", "2", "-keyout", str(tmp_path / "key.pem"), "-out", str(file)),
            *("-subj", "/CN=node", "-addext", f"subjectAltName=IP:{HOST}"),
        ],
        check=True,
        capture_output=True,
    )
    return file


@contextmanager
def tls_in_front_of(port: int, listening: int, certificate: Path) -> Iterator[None]:
    """Accept TLS on a port, and pass what comes on to another."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, certificate.with_name("key.pem"))
    loop, ready = asyncio.new_event_loop(), threading.Event()

    async def copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(65_536):
            writer.write(data)
            await writer.drain()
        writer.close()

    async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        behind, to_behind = await asyncio.open_connection(HOST, port)
        await asyncio.gather(copy(reader, to_behind), copy(behind, writer), return_exceptions=True)

    async def serve() -> Any:
        server = await asyncio.start_server(accept, HOST, listening, ssl=context)
        ready.set()
        return server

    def run() -> None:
        asyncio.set_event_loop(loop)
        server = loop.run_until_complete(serve())
        loop.run_forever()
        server.close()
        tasks = asyncio.all_tasks(loop)
        for task in tasks:
            task.cancel()
        loop.run_until_complete(asyncio.gather(*tasks, return_exceptions=True))
        loop.close()

    thread = threading.Thread(target=run)
    thread.start()
    ready.wait(10)
    try:
        yield
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()


def test_nodes_are_reached_and_verified_by_tls(store_url: str, certificate: Path) -> None:
    port, bus, secure = (find_free_port(HOST, 0) for _ in range(3))
    options = {
        "port": str(port),
        "bind": HOST,
        "cluster-enabled": "yes",
        "cluster-port": str(bus),
        "cluster-announce-ip": HOST,
        "cluster-announce-port": str(secure),
    }
    url = f"rediss://:word@{HOST}:{secure}"
    with private_server(**options) as (node, _):
        node.execute_command("CLUSTER", "ADDSLOTSRANGE", 0, SLOTS - 1)  # type: ignore[no-untyped-call]
        wait_until(
            lambda: b"cluster_state:ok" in node.execute_command("CLUSTER", "INFO"),  # type: ignore[no-untyped-call]
            "the cluster is well",
        )
        node.config_set("requirepass", "word")
        with tls_in_front_of(port, secure, certificate):
            trusting = f"{url}?ssl_ca_certs={certificate}"
            with closing(connect_store(store_url, trusting, retry=True)) as redis:
                redis.hset("{25}03:papers", "a", "b")
                with redis.pipeline() as pipe:
                    pipe.hset("{25}03:papers", "c", "d")
                    pipe.execute()
                assert redis.hlen("{25}03:papers") == 2
            with (
                closing(connect_store(store_url, url, retry=False)) as redis,
                pytest.raises(StoreUnavailable, match=r"rediss://.*verify failed") as error,
                translate_store_errors(redis),
            ):
                redis.hlen("{25}03:papers")
            assert "word" not in str(error.value)
