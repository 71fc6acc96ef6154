"""`paperwire source`: try, save, fetch, list and remove a community feed."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from papers.config.community_presets import COMMUNITY_PRESETS
from paperwire.run.demo_runner import to_toml
from paperwire.simulator.upstream import Upstream
from paperwire.simulator.world.manuscripts import Manuscript
from tests.paperwire.command_line import RunCommand, json_output
from tests.workers.sources.preset_feeds import PAPER, preset_feed


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


@pytest.fixture
def preset_site(upstream: Upstream, monkeypatch: pytest.MonkeyPatch) -> str:
    """The path of the preset `lobsters`, whose site is simulated."""
    settings = upstream.settings(arxiv_interval=0.0)
    del settings["communities"]
    Path("paperwire.toml").write_text(to_toml(settings))
    path = "/domains/arxiv.org.rss"
    preset = replace(COMMUNITY_PRESETS["lobsters"], url=upstream.url + path)
    monkeypatch.setitem(COMMUNITY_PRESETS, "lobsters", preset)
    upstream.serve_document(path, preset_feed("lobsters"))
    return path


def test_preset_is_tried_saved_and_fetched(
    command: RunCommand, upstream: Upstream, preset_site: str
) -> None:
    saved = command("source", "add", "--preset", "lobsters")
    url = f"{upstream.url}{preset_site}"
    assert saved.stdout == f"saved lobsters  {url}\n1 paper in 1 of 2 entries\n"
    command("source", "add", "crustaceans", "--preset", "lobsters")
    listed = json_output(command("source", "list", "--json"))
    assert [(feed["name"], feed["url"]) for feed in listed] == [
        ("crustaceans", url),
        ("lobsters", url),
    ]
    (report,) = json_output(command("fetch", "lobsters", "--json"))
    assert (report["state"], report["new"]) == ("ok", 1)
    assert PAPER in command("papers", PAPER).stdout


def test_feed_that_cannot_be_read_is_not_saved_unless_untried(
    command: RunCommand, upstream: Upstream, preset_site: str
) -> None:
    upstream.fail(429, preset_site)
    add = ("source", "add", "--preset", "lobsters")
    refused = command(*add)
    assert (refused.exit_code, "429" in refused.stdout, "--untried" in refused.stdout) == (
        1,
        True,
        True,
    )
    assert command(*add, "--json").exit_code == 1
    upstream.serve_document(preset_site, b"<html>a page</html>", "text/html")
    upstream.heal()
    assert command("source", "add", "club", upstream.url + preset_site).exit_code == 1
    assert command("source", "list").stdout == "there are no community feeds\n"

    requests = len(upstream.log)
    assert command(*add, "--untried").exit_code == 0
    assert len(upstream.log) == requests
    assert "lobsters" in command("source", "list").stdout


def test_presets_are_listed_with_what_is_known_of_them(command: RunCommand) -> None:
    rows = json_output(command("source", "presets", "--json"))
    assert [row["name"] for row in rows] == [*COMMUNITY_PRESETS]
    text = command("source", "presets").stdout
    assert all(preset.url in text for preset in COMMUNITY_PRESETS.values())
    assert text.count("never tried") == len(rows) - 1


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--preset", "nosuch"), "hackernews, hackernews-front"),
        (("name", "https://x.example/", "--preset", "lobsters"), "URL of its own"),
        (("name",), "a NAME and a URL are needed"),
        (("hf", "--preset", "lobsters"), "none of arxiv, hf"),
    ],
)
def test_invalid_arguments_of_add_are_refused(
    command: RunCommand, arguments: tuple[str, ...], said: str
) -> None:
    refused = command("source", "add", *arguments)
    assert (refused.exit_code, said in refused.stderr) == (2, True), refused.output
