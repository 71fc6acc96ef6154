"""`paperwire source`: try, save, fetch, list and remove a community feed."""

from __future__ import annotations

from pathlib import Path

from paperwire.run.demo_runner import to_toml
from paperwire.simulator.upstream import Upstream
from paperwire.simulator.world.manuscripts import Manuscript
from tests.paperwire.command_line import RunCommand, json_output


def test_feed_can_be_tried_saved_fetched_listed_and_removed(
    command: RunCommand, upstream: Upstream
) -> None:
    id = upstream.announce(Manuscript(title="A Small Reward Model"))
    upstream.pick(id, "club")
    settings = upstream.settings(arxiv_interval=0.0)
    url = settings.pop("communities")["club"]
    Path("paperwire.toml").write_text(to_toml(settings))

    trial = json_output(command("source", "try", url, "--json"))
    assert (trial["fault"], trial["named"]) == (None, 1)
    assert trial["papers"][0]["id"] == str(id)
    assert str(id) in command("source", "try", url).stdout
    assert json_output(command("status", "--json"))["papers"] == 0

    assert json_output(command("source", "add", "club", url, "--json"))["url"] == url
    (report,) = json_output(command("fetch", "club", "--json"))
    assert (report["state"], report["new"]) == ("ok", 1)
    (listed,) = json_output(command("source", "list", "--json"))
    assert (listed["name"], listed["url"]) == ("club", url)

    assert command("source", "remove", "club").stdout == f"removed club  {url}\n"
    assert command("source", "list").stdout == "there are no community feeds\n"
    assert command("fetch", "club").exit_code == 2


def test_invalid_feeds_and_names_are_refused(command: RunCommand) -> None:
    tried = command("source", "try", "http://127.0.0.1/feed")
    assert (tried.exit_code, "not a public address" in tried.stdout) == (1, True)
    for arguments, code in ((("add", "hf", "https://x.example"), 2), (("remove", "club"), 1)):
        assert command("source", *arguments).exit_code == code
