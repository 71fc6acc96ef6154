"""`paperwire keyword import`, `keyword rename` and `export opml`."""

from __future__ import annotations

import json
import os
from pathlib import Path
from unittest import mock

import listparser
import pytest
from click.testing import CliRunner
from redis import Redis

from papers.state.keywords import Keywords
from paperwire.cli import main
from tests.paperwire.command_line import RunCommand
from tests.service.made import NOW


@pytest.fixture
def command(command: RunCommand, redis: Redis) -> RunCommand:
    """Run a command on a store with two saved keywords."""
    Keywords(redis).add("Reward Model", '"reward model"', now=NOW)
    Keywords(redis).add("Agents", "agent", now=NOW)
    return command


def saved_keywords(redis: Redis) -> dict[str, str]:
    return {keyword.name: keyword.query for keyword in Keywords(redis).all()}


def test_exported_keywords_can_be_imported(command: RunCommand, redis: Redis) -> None:
    assert command("export", "opml", "all.opml").exit_code == 0
    before = saved_keywords(redis)
    for name in before:
        Keywords(redis).remove(name, now=NOW)
    done = command("keyword", "import", "all.opml")
    assert done.stdout == (
        "line 8: Agents: saved, agent\n"  # reports show the query
        'line 9: Reward Model: saved, "reward model"\n'
    )
    assert (done.exit_code, done.stderr) == (0, "")
    assert saved_keywords(redis) == before
    again = command("keyword", "import", "all.opml", "--json")
    assert [one["outcome"] for one in json.loads(again.stdout)] == ["known", "known"]
    assert saved_keywords(redis) == before


MIXED = """<opml version="2.0"><body>
<outline text="Others" xmlUrl="https://example.org/feed"/>
<outline text="Agents" xmlUrl="/feeds/agents.atom" description="arXiv papers that match b"/>
<outline text="Agents" xmlUrl="https://x/feeds/agents.atom"/>
<outline text="New" xmlUrl="https://x/feeds/search.atom?q=a+-b"/>
<outline text="Bad" xmlUrl="https://x/feeds/search.atom?q=-b"/>
<outline text="Reward Model!" xmlUrl="https://x/feeds/reward-model.rss"/>
<outline text="Old Thing" xmlUrl="https://x/feeds/old-thing.rss"/>
</body></opml>"""


def test_every_feed_is_reported_and_nothing_is_overwritten(
    command: RunCommand, redis: Redis
) -> None:
    Path("mixed.opml").write_text(MIXED)
    done = command("keyword", "import", "mixed.opml", "--json")
    assert done.exit_code == 1
    assert done.stderr == "2 of 7 keywords refused: correct these, and import the file again\n"
    report = json.loads(done.stdout)
    assert [(one["line"], one["name"], one["outcome"]) for one in report] == [
        (2, "Others", "foreign"),
        (3, "Agents", "refused"),
        (4, "Agents", "known"),
        (5, "New", "saved"),
        (6, "Bad", "refused"),
        (7, "Reward Model!", "known"),
        (8, "Old Thing", "saved"),
    ]
    assert "saved with another query" in report[1]["said"]
    assert saved_keywords(redis) == {
        "Agents": "agent",
        "New": "a -b",
        "Old Thing": '"old thing"',
        "Reward Model": '"reward model"',
    }


def test_other_xml_is_refused(command: RunCommand) -> None:
    Path("no.opml").write_text("<html/>")
    done = command("keyword", "import", "no.opml")
    assert (done.exit_code, done.stdout) == (2, "")
    assert done.stderr == "paperwire: file: is no OPML: its root is 'html'\n"


def test_missing_file_is_reported(command: RunCommand) -> None:
    done = command("keyword", "import", "none.opml")
    assert (done.exit_code, done.stdout) == (2, "")
    remedy = "name a file, or - for standard input"
    assert done.stderr == f"paperwire: FILE: none.opml: No such file or directory; {remedy}\n"


def test_standard_input_can_be_imported(store_url: str, redis: Redis) -> None:
    with mock.patch.dict(os.environ, {"REDIS_URL": store_url}):
        done = CliRunner().invoke(main, ["keyword", "import", "-"], input=MIXED)
    assert done.exit_code == 1  # of its lines, two are refused
    assert "Old Thing" in saved_keywords(redis)


def test_exported_keywords_can_be_selected(command: RunCommand) -> None:
    done = command("export", "opml", "-k", "Agents", "--picked", "-")
    feeds = listparser.parse(done.stdout).feeds
    assert [feed.url for feed in feeds] == [
        "http://127.0.0.1:8000/feeds/agents.atom",
        "http://127.0.0.1:8000/feeds/agents.atom?when=picked",
    ]
    unknown = command("export", "opml", "-k", "nobody", "-")
    assert (unknown.exit_code, unknown.stdout) == (1, "")


def test_refused_former_name_names_the_option(command: RunCommand, redis: Redis) -> None:
    assert command("keyword", "rename", "Agents", "Tools").exit_code == 0
    renamed = command("keyword", "rename", "Reward Model", "Agents")
    added = command("keyword", "add", "Agents", "swarm")
    for refused in (renamed, added):
        assert refused.exit_code == 2
        assert refused.stderr.endswith("choose another, or take it over with --take-over\n")
    assert command("keyword", "rename", "Reward Model", "Agents", "--take-over").exit_code == 0
    assert saved_keywords(redis) == {"Agents": '"reward model"', "Tools": "agent"}
