from __future__ import annotations

import io
from dataclasses import replace
from typing import Any

import pytest
from bs4 import BeautifulSoup
from flask.testing import FlaskClient
from redis import Redis

from papers.config.settings import Settings
from papers.state.access.api_tokens import ApiTokens
from papers.state.access.token_texts import token_digest
from papers.state.keywords import Keywords
from papers.state.task_states import TaskState, TaskStates, TaskStatus
from service import create_app
from tests.service.conftest import SITE
from tests.service.made import NOW
from tests.service.pages.browsing import TOKEN, page


@pytest.fixture
def manager(redis: Redis, site: Settings) -> FlaskClient:
    """Return a client of an app with a token. A keyword `Reward Model` is saved."""
    Keywords(redis).add("Reward Model", '"reward model"', now=NOW)
    settings = Settings(
        redis_url=site.redis_url, data_dir=site.data_dir, public_url=SITE, token=token_digest(TOKEN)
    )
    return create_app(settings).test_client()


def post(client: FlaskClient, **fields: str) -> tuple[int, Any]:
    answer = client.post("/manage", data=fields)
    assert answer.headers["Cache-Control"] == "no-store"
    assert "Set-Cookie" not in answer.headers
    return answer.status_code, BeautifulSoup(answer.data, "html.parser")


def saved(redis: Redis) -> dict[str, str]:
    return {keyword.name: keyword.query for keyword in Keywords(redis).all()}


@pytest.mark.parametrize(
    ("fields", "after"),
    [
        ({"action": "save", "name": "Fish", "query": "fish"}, {"Fish": "fish"}),
        ({"action": "save", "name": "Reward Model", "query": "rm"}, {"Reward Model": "rm"}),
        ({"action": "rename", "keyword": "reward-model", "name": "RM"}, {"Reward Model": None}),
        (
            {"action": "rename", "keyword": "reward-model", "name": "REWARD model"},
            {"REWARD model": '"reward model"', "Reward Model": None},
        ),
        ({"action": "remove", "keyword": "reward-model"}, {"Reward Model": None}),
    ],
)
def test_changes(
    manager: FlaskClient, redis: Redis, fields: dict[str, str], after: dict[str, str | None]
) -> None:
    status, soup = post(manager, token=TOKEN, **fields)
    assert (status, bool(soup.select("[role=status]"))) == (200, True)
    assert {name: saved(redis).get(name) for name in after} == after


def test_merged_keyword_finds_the_papers_of_both(manager: FlaskClient, redis: Redis) -> None:
    Keywords(redis).add("Fish", "fish", now=NOW)
    post(manager, token=TOKEN, action="merge", keyword="fish", into="reward-model")
    assert saved(redis) == {"Reward Model": '"reward model" OR fish'}


@pytest.mark.parametrize(
    ("status", "fields"),
    [
        (401, {"action": "remove", "keyword": "reward-model", "token": "another token, not this"}),
        (401, {"action": "remove", "keyword": "reward-model"}),
        (401, {"action": "save", "name": "Fish", "query": "fish", "token": token_digest(TOKEN)}),
        (400, {"action": "save", "name": "Fish", "query": "(fish", "token": TOKEN}),
        (400, {"action": "save", "name": "!", "query": "fish", "token": TOKEN}),
        (400, {"action": "merge", "keyword": "reward-model", "into": "reward-model"}),
        (400, {"action": "preview", "query": "(fish"}),
        (400, {"action": "drop everything", "token": TOKEN}),
        (404, {"action": "remove", "keyword": "fish", "token": TOKEN}),
    ],
)
def test_rejected_changes_have_an_error_and_no_effect(
    manager: FlaskClient, redis: Redis, status: int, fields: dict[str, str]
) -> None:
    answered, soup = post(manager, **{"token": TOKEN, **fields} if status == 400 else fields)
    assert answered == status
    assert soup.select("[role=alert]")[0].get_text().strip()
    assert saved(redis) == {"Reward Model": '"reward model"'}


def test_name_of_another_keyword_is_rejected(manager: FlaskClient, redis: Redis) -> None:
    Keywords(redis).add("Fish", "fish", now=NOW)
    status, _ = post(manager, token=TOKEN, action="rename", keyword="fish", name="reward model")
    assert status == 400
    assert set(saved(redis)) == {"Fish", "Reward Model"}


@pytest.mark.usefixtures("three")
def test_preview_needs_no_token_and_saves_nothing(manager: FlaskClient, redis: Redis) -> None:
    status, soup = post(manager, action="preview", name="Numbers", query="number")
    assert status == 200
    assert len(soup.select(".found .headlines li")) == 3
    assert soup.select(".found mark")[0].get_text() == "number"
    assert soup.find(id="name")["value"] == "Numbers"
    assert "Numbers" not in saved(redis)


def test_without_a_configured_token_nothing_can_be_changed(
    client: FlaskClient, redis: Redis
) -> None:
    soup = page(client, "/manage")
    (panel,) = soup.select(".token")
    assert "Nothing can be saved here yet" in panel.get_text()
    assert "paperwire token" in panel.get_text()
    assert panel.select("form") == []
    on = [tag["value"] for tag in soup.select("button[name=action]") if "disabled" not in tag.attrs]
    assert on == ["preview"]
    for token in ("", "x"):
        assert post(client, action="remove", keyword="reward-model", token=token)[0] == 401
    assert set(saved(redis)) == {"Reward Model"}


def test_token_in_the_header_is_as_good_as_in_the_form(manager: FlaskClient, redis: Redis) -> None:
    """It is not in the page that answers; a form's own token counts first."""
    fields = {"action": "save", "name": "Fish", "query": "fish"}
    right, wrong = ({"Authorization": f"Bearer {token}"} for token in (TOKEN, "another token"))
    assert manager.post("/manage", data=fields, headers=wrong).status_code == 401
    assert manager.post("/manage", data=fields | {"token": "x"}, headers=right).status_code == 401
    answer = manager.post("/manage", data=fields, headers=right)
    assert (answer.status_code, TOKEN in answer.text) == (200, False)
    assert "Fish" in saved(redis)


def test_token_that_a_browser_is_to_keep_is_checked(manager: FlaskClient, redis: Redis) -> None:
    ApiTokens(redis).add("ci", ["blocks"], token_digest("a token for blocks"), now=NOW)
    for token, status in ((TOKEN, 204), ("a token for blocks", 204), ("another token", 401)):
        headers = {"Authorization": f"Bearer {token}"}
        assert manager.post("/manage/token", headers=headers).status_code == status, token
    assert manager.post("/manage/token").status_code == 401


@pytest.mark.parametrize(
    ("query", "name", "slug"),
    [
        ('"optimal transport"', "optimal transport", "optimal-transport"),
        ("RL or rlhf", "RL OR rlhf", "rl-or-rlhf"),
        ("fish " * 30, " ".join(["fish"] * 16), "-".join(["fish"] * 16)),
    ],
)
def test_keyword_is_saved_from_its_own_page_without_a_name(
    manager: FlaskClient, redis: Redis, query: str, name: str, slug: str
) -> None:
    form = {"action": "save", "query": query, "then": "show", "token": TOKEN}
    answer = manager.post("/manage", data=form)
    assert (answer.status_code, answer.headers["Location"]) == (303, f"/k/{slug}")
    assert name in saved(redis)
    other = manager.post("/manage", data=form | {"query": f"ti:({query}) -cat:cs.CL"})
    assert other.status_code == 303


def test_keyword_without_a_name_replaces_none(manager: FlaskClient, redis: Redis) -> None:
    Keywords(redis).add("fish", "herring", now=NOW)
    status, soup = post(manager, action="save", query="fish", then="show", token=TOKEN)
    assert (status, "choose another" in soup.select("[role=alert]")[0].get_text()) == (400, True)
    assert saved(redis)["fish"] == "herring"


@pytest.mark.parametrize("query", ['"reward model"', '"Reward-Models"', '"reward   model"'])
def test_second_name_of_a_query_is_noticed(manager: FlaskClient, redis: Redis, query: str) -> None:
    form = {"action": "save", "name": "RM", "query": query, "token": TOKEN}
    status, soup = post(manager, **form)
    (notice,) = soup.select(".notice")
    assert (status, notice.select("a")[0]["href"]) == (409, "/k/reward-model")
    assert "RM" not in saved(redis)
    assert post(manager, **form, also="yes")[0] == 200
    assert "RM" in saved(redis)


def test_same_keyword_saved_again_has_no_second_name(manager: FlaskClient, redis: Redis) -> None:
    form = {"action": "save", "query": '"reward models"', "token": TOKEN}
    assert post(manager, **form, name="reward model")[0] == 400  # the URL of another spelling
    assert post(manager, **form, name="Reward Model")[0] == 200
    assert post(manager, **form)[0] == 409
    assert [*saved(redis)] == ["Reward Model"]


def test_form_is_prefilled_from_the_url(client: FlaskClient) -> None:
    soup = page(client, "/manage?query=fish&name=Fish")
    assert (soup.find(id="query")["value"], soup.find(id="name")["value"]) == ("fish", "Fish")
    assert soup.find(id="token").get("value") == ""


def test_mailed_digests_are_listed_without_the_recipient(redis: Redis, site: Settings) -> None:
    settings = replace(
        site, smtp_url="smtp://localhost", mail_to="me@mine.example", mail_weekly=("fish",)
    )
    redis.ping()
    answer = create_app(settings).test_client().get("/manage")
    mail = BeautifulSoup(answer.data, "html.parser").find(id="mail")
    assert mail is not None
    assert mail.find_next("p").get_text() == "fish, every week"  # type: ignore[union-attr]
    assert "mine.example" not in answer.text


def test_page_of_a_mailed_keyword_says_so(redis: Redis, site: Settings) -> None:
    Keywords(redis).add("Fish", "fish", now=NOW)
    settings = replace(
        site, smtp_url="smtp://localhost", mail_to="me@mine.example", mail_daily=("fish",)
    )
    client = create_app(settings).test_client()
    assert "Its digest is mailed every day" in client.get("/k/fish").text
    assert "mailed" not in client.get("/search?q=fish").text


def upload(client: FlaskClient, content: bytes, token: str = TOKEN, name: str = "list") -> Any:
    file = (io.BytesIO(content), name)
    fields = {"action": "import", "token": token, "file": file}
    return client.post("/manage", data=fields, content_type="multipart/form-data")


def progress(answer: Any) -> list[str]:
    soup = BeautifulSoup(answer.data, "html.parser")
    assert soup.find("footer"), "the page is complete"
    return [line.text for line in soup.select("ul.plain li")]


def test_list_of_any_length_is_imported_with_its_progress(
    manager: FlaskClient, redis: Redis
) -> None:
    lines = [f"Keyword {n}\tfish {n}" for n in range(1200)]
    answer = upload(manager, "\n".join([*lines, "(<b>open", "Reward Model\tother"]).encode())
    assert answer.status_code == 200
    first, second, open_bracket, other, last, end = progress(answer)
    assert (first, second) == ("500 read: 500 saved", "1,000 read: 1,000 saved")
    assert "(<b>open: refused" in open_bracket
    assert "Reward Model: refused" in other
    assert (last, end) == ("1,202 read: 2 refused, 1,200 saved", "All is read.")
    assert saved(redis)["Keyword 1199"] == "fish 1199"
    assert saved(redis)["Reward Model"] == '"reward model"'


def test_import_that_cannot_be_read_on_says_where_it_ends(
    manager: FlaskClient, redis: Redis
) -> None:
    content = b"[" + b",".join(b'"fish %d"' % n for n in range(600)) + b" oops]"
    *_, end = progress(upload(manager, content))
    assert end.startswith("It ends here: file: is no JSON")
    assert len(saved(redis)) == 501


@pytest.mark.parametrize(
    ("content", "token", "name", "status"),
    [
        (b"fish", "wrong", "list", 401),
        (b"fish", TOKEN, "", 400),
        (b"<html/>", TOKEN, "list", 400),
    ],
)
def test_import_that_cannot_begin_changes_nothing(
    manager: FlaskClient, redis: Redis, content: bytes, token: str, name: str, status: int
) -> None:
    answer = upload(manager, content, token, name)
    assert (answer.status_code, set(saved(redis))) == (status, {"Reward Model"})
    assert BeautifulSoup(answer.data, "html.parser").select("[role=alert]")


def test_past_of_a_keyword_is_fetched_again(manager: FlaskClient, redis: Redis) -> None:
    states = TaskStates(redis)
    states.save(TaskState("fill:reward-model", TaskStatus.OK, NOW, NOW, NOW))
    states.unschedule("fill:reward-model")
    status, soup = post(manager, token=TOKEN, action="fetch", keyword="reward-model")
    assert (status, bool(soup.select("[role=status]"))) == (200, True)
    assert states.due_time("fill:reward-model")
