from __future__ import annotations

from pathlib import Path

from paperwire.run.demo_runner import to_toml
from paperwire.simulator.upstream import Upstream
from paperwire.simulator.world.manuscripts import Manuscript
from tests.paperwire.test_cli import Command, command, document

__all__ = ["command"]


def test_a_feed_is_tried_saved_fetched_listed_and_removed(
    command: Command, upstream: Upstream
) -> None:
    id = upstream.announce(Manuscript(title="A Small Reward Model"))
    upstream.pick(id, "club")
    settings = upstream.settings(arxiv_interval=0.0)
    url = settings.pop("communities")["club"]
    Path("paperwire.toml").write_text(to_toml(settings))

    trial = document(command("source", "try", url, "--json"))
    assert (trial["fault"], trial["named"]) == (None, 1)
    assert trial["papers"][0]["id"] == str(id)
    assert str(id) in command("source", "try", url).stdout
    assert document(command("status", "--json"))["papers"] == 0

    assert document(command("source", "add", "club", url, "--json"))["url"] == url
    (report,) = document(command("fetch", "club", "--json"))
    assert (report["state"], report["new"]) == ("ok", 1)
    (listed,) = document(command("source", "list", "--json"))
    assert (listed["name"], listed["url"]) == ("club", url)

    assert command("source", "remove", "club").stdout == f"removed club  {url}\n"
    assert command("source", "list").stdout == "no community feed is there\n"
    assert command("fetch", "club").exit_code == 2


def test_refusals(command: Command) -> None:
    tried = command("source", "try", "http://127.0.0.1/feed")
    assert (tried.exit_code, "not a public address" in tried.stdout) == (1, True)
    for words, code in ((("add", "hf", "https://x.example"), 2), (("remove", "club"), 1)):
        assert command("source", *words).exit_code == code
