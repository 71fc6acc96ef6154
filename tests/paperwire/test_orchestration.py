"""The files for systemd and Kubernetes, judged by their own tools; nothing is deployed."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path
from urllib.parse import urlsplit

import kubernetes_validate
import pytest

from papers.config.settings import load_settings
from papers.redis_backend.connection import connect
from paperwire.cli import main as command_group
from tests.end_to_end.documented_commands import commands
from tests.papers.server import private_server
from tests.paperwire.kubernetes_manifests import (
    DEPLOY,
    Manifest,
    assert_valid,
    named,
    render_manifests,
    validate,
)

UNITS = sorted((DEPLOY / "systemd").iterdir())
APP = ("web", "worker", "scheduler")
SYSTEMD_ANALYZE = shutil.which("systemd-analyze")


def test_units_are_valid(tmp_path: Path) -> None:
    """With a program that exists: systemd says what it does not know in a unit."""
    if SYSTEMD_ANALYZE is None:
        pytest.skip("no systemd-analyze: apt-get install systemd")
    names = []
    for unit in UNITS:
        text = re.sub(r"/opt/paperwire/bin/\w+", "/bin/true", unit.read_text("utf-8"))
        (tmp_path / unit.name).write_text(text)
        names.append(str(tmp_path / unit.name.replace("@.", "@1.")))
    command = [SYSTEMD_ANALYZE, "verify", "--man=no", *names]
    judged = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (judged.returncode, judged.stderr) == (0, "")


def test_units_run_programs_that_exist() -> None:
    commands = []
    for unit in UNITS:
        commands += re.findall(
            r"^ExecStart=/opt/paperwire/bin/(.*)$", unit.read_text("utf-8"), re.M
        )
    assert sorted(commands) == [
        "paperwire web",
        "python -m workers scheduler",
        "python -m workers worker",
    ]
    assert "web" in command_group.commands


def test_target_wants_a_unit_of_each_kind() -> None:
    (wants,) = re.findall(
        r"^Wants=(.*)$", (DEPLOY / "systemd" / "paperwire.target").read_text("utf-8"), re.M
    )
    services = {unit.name for unit in UNITS if unit.suffix == ".service"}
    assert {name.replace("@1.", "@.") for name in wants.split()} == services


def unit_environment(unit: Path) -> dict[str, str]:
    """The variables of a unit's own lines."""
    lines = re.findall(r"^Environment=(.*)$", unit.read_text("utf-8"), re.M)
    return dict(word.split("=", 1) for line in lines for word in line.split())


def test_units_connect_as_users_of_the_documented_store(tmp_path: Path) -> None:
    """The commands of the guide make the list of users; no unit names another."""
    (tmp_path / "deploy").symlink_to(DEPLOY)
    made = [c for c in commands("docs/how-to/install.md") if c.startswith(("openssl", "sed"))]
    for command in made:
        if "secrets/" not in command and "kubernetes/" not in command:
            subprocess.run(command, shell=True, check=True, cwd=tmp_path)
    password = (tmp_path / "store_password").read_text().strip()
    users = {}
    lines = (tmp_path / "store_users.acl").read_text("utf-8").splitlines()
    with private_server() as (client, _):
        socket = client.connection_pool.connection_kwargs["path"]
        for line in lines[1:]:
            client.execute_command("ACL", "SETUSER", *line.split()[1:])  # type: ignore[no-untyped-call]
        for unit in UNITS:
            if unit.suffix == ".service":
                url = urlsplit(unit_environment(unit)["REDIS_URL"])
                users[unit.name] = url.username
                with connect(f"unix://{url.username}:{password}@{socket}", retry=False) as redis:
                    assert redis.ping()
    assert lines[0] == "user default reset off"
    assert users == {
        "paperwire-web.service": "web",
        "paperwire-worker@.service": "worker",
        "paperwire-scheduler.service": "worker",
    }


def test_units_share_a_user_as_they_share_a_folder() -> None:
    """systemd gives the folder to the user of the unit that started last."""
    for unit in UNITS:
        if unit.suffix == ".service":
            lines = unit.read_text("utf-8").splitlines()
            assert {"StateDirectory=paperwire", "User=paperwire", "DynamicUser=yes"} <= {*lines}


@pytest.fixture(scope="module")
def manifests(tmp_path_factory: pytest.TempPathFactory) -> list[Manifest]:
    """All resources, as kustomize writes them."""
    return render_manifests(tmp_path_factory.mktemp("kustomize"))


def test_manifests_follow_the_schemas(manifests: list[Manifest]) -> None:
    assert_valid(manifests)
    misspelt = named(manifests, "Deployment", "web") | {"spec": {"replica": 2}}
    with pytest.raises(kubernetes_validate.ValidationError):
        validate(misspelt)


def test_services_find_their_pods(manifests: list[Manifest]) -> None:
    pods = [m["spec"]["template"] for m in manifests if m["kind"] in {"Deployment", "StatefulSet"}]
    labels = {pod["metadata"]["labels"]["app"] for pod in pods}
    assert labels == {"store", *APP}
    for service in (m for m in manifests if m["kind"] == "Service"):
        assert service["spec"]["selector"]["app"] in labels


def test_processes_have_limits_and_no_privileges(manifests: list[Manifest]) -> None:
    for manifest in manifests:
        if manifest["kind"] not in {"Deployment", "StatefulSet"}:
            continue
        pod = manifest["spec"]["template"]["spec"]
        assert pod["securityContext"]["runAsNonRoot"] is True
        assert pod["automountServiceAccountToken"] is False
        mounted = {mount["name"] for c in pod["containers"] for mount in c["volumeMounts"]}
        held = {volume["name"] for volume in pod["volumes"]}
        held |= {v["metadata"]["name"] for v in manifest["spec"].get("volumeClaimTemplates", ())}
        assert mounted == held
        for container in pod["containers"]:
            assert container["securityContext"]["capabilities"] == {"drop": ["ALL"]}
            assert container["securityContext"]["readOnlyRootFilesystem"] is True
            assert container["resources"]["limits"]["memory"]
            assert re.search(r":\d+(\.\d+)+(-\w+)*$", container["image"])


@pytest.mark.parametrize("name", APP)
def test_settings_of_a_pod_are_valid(manifests: list[Manifest], name: str) -> None:
    deployment = named(manifests, "Deployment", name)
    (container,) = deployment["spec"]["template"]["spec"]["containers"]
    (source,) = container["envFrom"]
    environ = dict(named(manifests, "ConfigMap", source["configMapRef"]["name"])["data"])
    environ |= {entry["name"]: entry["value"] for entry in container["env"]}
    environ["PAPERWIRE_REDIS_PASSWORD_FILE"] = "/dev/null"
    settings = load_settings(None, environ)
    user = "web" if name == "web" else "worker"
    assert settings.redis_url == f"redis://{user}@store:6379/0"
    assert settings.public_url == "https://papers.example.org"


def test_store_has_the_users_of_the_list(manifests: list[Manifest]) -> None:
    (pod,) = [m["spec"]["template"]["spec"] for m in manifests if m["kind"] == "StatefulSet"]
    maps = {m["metadata"]["name"]: m for m in manifests if m["kind"] == "ConfigMap"}
    (users,) = [v["configMap"]["name"] for v in pod["volumes"] if v["name"] == "users"]
    assert maps[users]["data"]["store.acl"] == (DEPLOY / "store.acl").read_text("utf-8")
