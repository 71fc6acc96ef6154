"""`paperwire token`: add, list and revoke, as text and JSON."""

from __future__ import annotations

from redis import Redis

from papers.state.access.api_tokens import ApiTokens
from papers.state.access.token_texts import token_digest
from tests.paperwire.command_line import RunCommand, json_output


def test_token_is_added_listed_and_revoked(command: RunCommand, redis: Redis) -> None:
    arguments = ("token", "add", "ci", "--scope", "sources", "--scope", "keywords", "--json")
    added = json_output(command(*arguments))
    secret = added.pop("token")
    assert (added["name"], added["scopes"]) == ("ci", ["keywords", "sources"])
    assert json_output(command("token", "list", "--json")) == [added]
    assert added["used"] is None
    stored = repr([redis.dump(name) for name in redis.scan_iter()])
    assert len(secret) >= 43
    assert secret not in stored
    assert redis.hexists("tokens", token_digest(secret))
    line = command("token", "list").stdout
    assert line.startswith("ci  keywords, sources  made ")
    assert line.endswith("never used\n")
    assert command("token", "revoke", "ci").stdout == f"revoked {line}"
    assert command("token", "list").stdout == "there are no named tokens\n"
    assert not ApiTokens(redis).exist()


def test_bad_names_scopes_and_unknown_tokens_are_refused(command: RunCommand) -> None:
    assert command("token", "add", "ci", "--scope", "keywords").exit_code == 0
    for arguments in (
        ("add", "ci", "--scope", "keywords"),
        ("add", "two words", "--scope", "keywords"),
        ("add", "x" * 41, "--scope", "keywords"),
        ("add", "other", "--scope", "everything"),
        ("add", "other"),
    ):
        assert command("token", *arguments).exit_code == 2, arguments
    unknown = command("token", "revoke", "other")
    assert (unknown.exit_code, "no token 'other'" in unknown.stderr) == (1, True)
