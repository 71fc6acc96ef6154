"""The store's access list, on a real server: sufficient for every part, and no more."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final
from unittest import mock
from urllib.parse import quote

import pytest
from click.testing import CliRunner
from redis import Redis
from redis.exceptions import NoPermissionError, RedisError, ResponseError

from papers.config.settings import Settings
from papers.redis_backend.connection import connect
from papers.state.access.api_tokens import ApiTokens
from papers.state.access.token_texts import token_digest
from papers.state.keywords import Keywords
from papers.state.task_states import TaskStates
from papers.store import Store
from paperwire.cli import main
from paperwire.simulator.upstream import Upstream
from paperwire.simulator.world.manuscripts import Manuscript
from service import create_app
from tests.papers.server import private_server
from tests.paperwire.processes import becomes_true

pytestmark = pytest.mark.row("the store's access list")

ROOT: Final = Path(__file__).parents[2]
PASSWORD: Final = "a$l'ong passw0rd"
ADMIN: Final = "user admin on nopass ~* &* +@all"
NOW: Final = datetime(2026, 11, 18, 9, tzinfo=UTC)


@dataclass(frozen=True)
class Users:
    """Clients of one store, one per user; `admin` belongs to the test."""

    path: str
    admin: Redis

    def url(self, user: str) -> str:
        return f"unix://{user}:{quote(PASSWORD, safe='')}@{self.path}"

    def client(self, user: str) -> Redis:
        return connect(self.url(user), retry=False)

    @property
    def denials(self) -> list[Any]:
        """The commands that the store has denied, with reasons."""
        log: Any = self.admin.acl_log()
        return [(entry["username"], entry["reason"], entry["object"]) for entry in log]


@pytest.fixture(scope="module")
def users() -> Iterator[Users]:
    template = (ROOT / "deploy" / "store.acl").read_text("utf-8")
    digest = hashlib.sha256(PASSWORD.encode()).hexdigest()
    lines = [*template.replace("PASSWORD_SHA256", digest).splitlines(), ADMIN]
    with private_server() as (client, _):
        socket = client.connection_pool.connection_kwargs["path"]
        for line in reversed(lines):  # the default user last: we are connected as it
            client.execute_command("ACL", "SETUSER", *line.split()[1:])  # type: ignore[no-untyped-call]
        admin = Redis(unix_socket_path=socket, username="admin", password="any")
        yield Users(socket, admin)
        admin.execute_command("ACL", "SETUSER", "default", "on", "nopass", "~*", "+@all")  # type: ignore[no-untyped-call]
        admin.close()


@pytest.fixture
def emptied(users: Users) -> Users:
    users.admin.flushall()
    users.admin.acl_log_reset()
    return users


ADMIN_COMMANDS = [
    *("FLUSHALL", "FLUSHDB", "CONFIG SET dir /tmp", "CONFIG GET *", "SHUTDOWN"),
    *("REPLICAOF 10.0.0.1 6379", "MODULE LIST", "ACL LIST", "ACL SETUSER worker on", "KEYS *"),
    *("MONITOR", "SAVE", "BGREWRITEAOF", "CLIENT KILL ID 1", "SCRIPT FLUSH", "FUNCTION LIST"),
    *("SWAPDB 0 1", "MIGRATE 10.0.0.1 6379 a 0 1", "LATENCY RESET", "SLOWLOG GET"),
]


@pytest.mark.parametrize("user", ["web", "worker", "health"])
def test_no_user_may_run_admin_commands(emptied: Users, user: str) -> None:
    with emptied.client(user) as client:
        client.ping()
        for command in ADMIN_COMMANDS:
            with pytest.raises((NoPermissionError, ResponseError), match="no permissions"):
                client.execute_command(*command.split())


@pytest.mark.parametrize(
    "command",
    [
        *("HSET {25}03:papers a b", "DEL months", "SET schema 9", "HDEL validators a"),
        *("DEL quarantine", "INCR revision", "SET lease:scheduler me", "HSET lane:arxiv a b"),
        "EVAL redis.call('DEL',KEYS[1]) 1 months",
        "HSET tokens sha256:1 a",
    ],
)
def test_web_user_cannot_change_papers_or_tasks(emptied: Users, command: str) -> None:
    with emptied.client("web") as client, pytest.raises((NoPermissionError, ResponseError)):
        client.execute_command(*command.split())
    assert emptied.denials


def test_login_requires_user_and_password(emptied: Users) -> None:
    for credentials in ("", f"default:{PASSWORD}@", "web:wrong@", "worker:@"):
        client = connect(f"unix://{credentials}{emptied.path}", retry=False)
        with pytest.raises(RedisError, match=r"invalid|authenticated|required"):
            client.get("revision")
    with emptied.client("health") as health, pytest.raises(NoPermissionError):
        health.get("revision")


def test_every_part_has_the_permissions_it_needs(
    emptied: Users, upstream: Upstream, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Worker, scheduler and commands run as `worker`, the web server as `web`."""
    monkeypatch.chdir(tmp_path)
    upstream.pick(upstream.announce(Manuscript(title="A Small Reward Model")), "weekly")
    upstream.set_time(datetime.now(UTC))
    environment = _environment(upstream, emptied.url("worker"))
    parts = [
        subprocess.Popen([sys.executable, "-m", "workers", part], env=environment, cwd=ROOT)
        for part in ("worker", "scheduler")
    ]
    try:
        with emptied.client("worker") as worker:
            states = TaskStates(worker)
            assert becomes_true(lambda: states.get("community:weekly") is not None, 30)
            assert becomes_true(lambda: states.get("enrich") is not None, 30)
            assert Store(worker).count_papers() >= 1
    finally:
        for part in parts:
            part.terminate()
        codes = [part.wait(30) for part in parts]
    assert codes == [0, 0]
    _request_pages_as_web_user(emptied, tmp_path)
    with mock.patch.dict(os.environ, environment):
        for arguments in COMMANDS:
            result = CliRunner().invoke(main, arguments)
            assert "no permissions" not in result.output, arguments
            assert arguments[0] == "doctor" or result.exit_code == 0, result.output
    assert emptied.denials == []


COMMANDS: Final = (
    *(["status"], ["search", "reward"], ["keyword", "add", "New", "new"], ["quarantine"]),
    *(["backup", "b"], ["restore", "b", "--replace"], ["doctor", "--offline"]),
    ["keyword", "remove", "New"],
)


def _environment(upstream: Upstream, url: str) -> dict[str, str]:
    settings = upstream.settings()
    return {
        **{name: value for name, value in os.environ.items() if "REDIS" not in name},
        "PAPERWIRE_REDIS_URL": url,
        "PAPERWIRE_ARXIV_FEED_URL": settings["arxiv_feed_url"],
        "PAPERWIRE_ARXIV_API_URL": settings["arxiv_api_url"],
        "PAPERWIRE_ARXIV_OAI_URL": "",
        "PAPERWIRE_HUGGINGFACE": "false",
        "PAPERWIRE_KEYWORDS": "Reward Model=reward model",
        "PAPERWIRE_COMMUNITIES": f"weekly={settings['communities']['weekly']}",
        "PAPERWIRE_CATEGORIES": "cs.CL",
        "PAPERWIRE_ARXIV_INTERVAL": "0",
        "PAPERWIRE_ALLOWED_NETWORKS": "127.0.0.0/8",
    }


def _request_pages_as_web_user(users: Users, folder: Path) -> None:
    token = "a token of these tests"
    app = create_app(
        Settings(
            redis_url=users.url("web"), data_dir=str(folder), token=token, questions_per_minute=0
        )
    )
    client = app.test_client()
    for path in (
        *("/", "/status", "/healthz", "/feeds/reward-model.atom", "/feeds/search.rss?q=reward"),
        *("/feeds/search.atom?q=model&when=picked", "/api/v1/papers?q=reward", "/api/v1/sources"),
        *("/k/reward-model", "/search?q=reward", "/api/v1/keywords", "/opml"),
    ):
        answer = client.get(path, follow_redirects=True)
        assert answer.status_code == 200, path
    feed = {"name": "club", "url": "https://club.example/feed", "community": "club"}
    for action in ("try", "save", "remove"):
        answer = client.post("/manage/feeds", data={"action": action, "token": token, **feed})
        assert answer.status_code == 200, action
    block = {"kind": "paper", "subject": "2611.12345", "reason": "a notice"}
    for action in ("block", "list", "lift"):
        answer = client.post("/manage/blocks", data={"action": action, "token": token, **block})
        assert answer.status_code == 200, action
    ApiTokens(users.admin).add("ci", ["keywords"], token_digest("saved"), now=NOW)
    headers = {"Authorization": "Bearer saved"}
    answer = client.put("/api/v1/keywords/sent", json={"query": "fish"}, headers=headers)
    assert answer.status_code == 201
    assert ApiTokens(users.admin).all()[0].used_at
    with users.client("web") as redis:  # as the pages that manage keywords do
        Keywords(redis).add("Managed", "managed", now=NOW)
        Keywords(redis).remove("Managed", now=NOW)
