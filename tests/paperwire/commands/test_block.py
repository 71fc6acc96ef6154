"""`paperwire block`: add, list and remove, as text and JSON."""

from __future__ import annotations

from tests.paperwire.command_line import RunCommand, json_output


def test_block_is_added_listed_and_removed(command: RunCommand) -> None:
    arguments = ("block", "add", "url", "https://www.Spam.example/a/", "--reason", "sells links")
    added = json_output(command(*arguments, "--public", "--json"))
    assert (added["kind"], added["subject"]) == ("url", "spam.example/a")
    assert (added["reason"], added["public"]) == ("sells links", True)
    assert json_output(command("block", "list", "--json")) == [added]
    assert "url  spam.example/a  " in command("block", "list").stdout
    assert command("block", "remove", "url", "spam.example/a").stdout.startswith("lifted url")
    assert command("block", "list").stdout == "nothing is blocked\n"


def test_blocked_paper_is_named_as_such(command: RunCommand) -> None:
    assert command("block", "add", "paper", "2511.01234v2", "--reason", "notice").exit_code == 0
    shown = command("papers", "2511.01234")
    assert (shown.exit_code, "taken out" in shown.stderr) == (1, True)


def test_bad_subjects_and_missing_reasons_are_refused(command: RunCommand) -> None:
    for arguments in (
        ("add", "paper", "2511.01234"),
        ("add", "paper", "x", "--reason", "y"),
        ("add", "word", "x", "--reason", "y"),
        ("remove", "author", "Nobody"),
    ):
        assert command("block", *arguments).exit_code == 2, arguments
