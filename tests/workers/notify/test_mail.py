from __future__ import annotations

import socket
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from pathlib import Path

import pytest
from redis import Redis

from papers.config.settings import Settings
from papers.errors import SourceError, SourceOutcomeUnknown, SourceRefused, SourceUnreachable
from papers.model.arxiv_id import ArxivId
from papers.model.merge import paper_from_sighting
from papers.model.paper import AnnounceType, Channel, Sighting
from papers.model.periods import Period
from papers.redis_backend import keys
from papers.state.keywords import Keyword, Keywords
from papers.state.task_states import TaskState, TaskStates, TaskStatus
from papers.store import Store
from tests.workers.post_office import (
    PASSWORD,
    USER,
    MailServer,
    make_certificate,
    running_mail_server,
)
from workers.jobs import TaskRunner
from workers.notify.mail import DigestMailer, mail_tasks
from workers.notify.mail_message import MAX_LISTED_PAPERS, digest_message
from workers.notify.smtp import send_mail
from workers.registry import recurring_tasks, task_kinds
from workers.schedule.cadence import next_run_at
from workers.sources.result import UpstreamClients

NOW = datetime(2026, 11, 19, 0, 7, tzinfo=UTC)
"""Just after Wednesday, 18 November 2026."""
ANNOUNCED = datetime(2026, 11, 18, 5, tzinfo=UTC)
DAY = timedelta(days=1)
TASK = "mail:day:reward-model"
KEYWORD = Keyword("reward-model", "Reward Model", '"reward model"', NOW)


@pytest.fixture
def office() -> Iterator[MailServer]:
    with running_mail_server() as office:
        yield office


@pytest.fixture
def mailing(office: MailServer) -> Settings:
    """Settings that have one keyword's digest mailed every day, and every week."""
    return Settings(
        public_url="https://wire.example",
        smtp_url=office.url,
        mail_to="me@example.org",
        mail_daily=("reward-model",),
        mail_weekly=("reward-model",),
        fetch_timeout=5.0,
    )


@pytest.fixture
def three(redis: Redis) -> None:
    """Papers 1 and 2 of Wednesday, 3 of Tuesday, and a keyword that they all meet."""
    Keywords(redis).add("Reward Model", '"reward model"', now=NOW)
    Store(redis).ingest([paper(1), paper(2), paper(3, ANNOUNCED - DAY)], now=NOW)


def paper(number: int, at: datetime = ANNOUNCED, **said: object) -> Sighting:
    first = Sighting(
        id=ArxivId(202611, number),
        source="arxiv",
        channel=Channel.ANNOUNCEMENT,
        as_of=at,
        version=1,
        title=f"Reward model <{number}>",
        abstract="We reason about $x < y$.",
        authors=("Ada Lovelace", "José Ørsted"),
        categories=("cs.CL",),
        announce_type=AnnounceType.NEW,
        announced_at=at,
    )
    return first._replace(**said)  # type: ignore[arg-type]


def told(redis: Redis, settings: Settings, now: datetime = NOW, subject: str = "") -> str:
    """One run of the source; what it says."""
    digests = DigestMailer(Store(redis), Keywords(redis), redis)
    subject = subject or TASK.partition(":")[2]
    (part,) = digests.fetch(subject, UpstreamClients.from_settings(redis, settings), now)
    return part.message


@pytest.mark.usefixtures("three")
def test_a_digest_is_mailed_once(redis: Redis, office: MailServer, mailing: Settings) -> None:
    assert told(redis, mailing) == "2 papers of 18 November 2026 sent"
    assert told(redis, mailing) == "18 November 2026 was sent before"
    (message,) = office.received
    assert message["Subject"] == "Reward Model: 2 papers, 18 November 2026"
    assert (message["To"], message["From"]) == (
        "me@example.org",
        "Paperwire <paperwire@wire.example>",
    )
    assert message["List-Unsubscribe"] == "<https://wire.example/manage#mail>"
    assert message["Message-ID"] == "<reward-model.2026-11-18.paperwire@wire.example>"
    assert [part.get_content_type() for part in message.iter_parts()] == [
        "text/plain",
        "text/html",
    ]


@pytest.mark.usefixtures("three")
def test_the_next_day_and_the_week_are_others(
    redis: Redis, office: MailServer, mailing: Settings
) -> None:
    told(redis, mailing)
    assert told(redis, mailing, NOW + DAY) == "no paper in 19 November 2026: nothing is sent"
    weekly = told(redis, mailing, NOW + 7 * DAY, "week:reward-model")
    assert weekly == "3 papers of week 47 of 2026 sent"
    assert len(office.received) == 2


@pytest.mark.usefixtures("three")
def test_what_the_server_did_not_take_is_tried_again(
    redis: Redis, office: MailServer, mailing: Settings
) -> None:
    office.refusal = "451 come back later"
    with pytest.raises(SourceRefused, match="451 come back later"):
        told(redis, mailing)
    office.refusal = ""
    assert "sent" in told(redis, mailing)
    assert len(office.received) == 1


@pytest.mark.usefixtures("three")
def test_what_it_may_have_taken_is_not_sent_again(
    redis: Redis, office: MailServer, mailing: Settings
) -> None:
    office.drops_connection = True
    with pytest.raises(SourceOutcomeUnknown, match="broke on the way"):
        told(redis, mailing)
    office.drops_connection = False
    assert "was sent before" in told(redis, mailing)
    assert len(office.received) == 1


@pytest.mark.usefixtures("three")
def test_a_crash_before_the_server_answered_sends_nothing_twice(
    redis: Redis, office: MailServer, mailing: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("workers.notify.mail.send_mail", killed)
        with pytest.raises(KeyboardInterrupt):
            told(redis, mailing)
    assert "was sent before" in told(redis, mailing)
    assert office.received == []


def test_a_keyword_that_is_gone_is_said(redis: Redis, mailing: Settings) -> None:
    with pytest.raises(SourceRefused, match="take it out of the settings"):
        told(redis, mailing)


@pytest.mark.usefixtures("three")
def test_as_a_task(redis: Redis, office: MailServer, mailing: Settings) -> None:
    """Off without a server; with one, run once, and due again soon after midnight."""
    assert mail_tasks(replace(mailing, smtp_url="")) == []
    assert [task for task in recurring_tasks(mailing) if task.startswith("mail:")] == [
        TASK,
        "mail:week:reward-model",
    ]
    run = TaskRunner(redis, mailing, lambda: NOW)
    assert run.run(TASK, None)["state"] == "ok"
    assert run.run(TASK, None)["state"] == "quiet"
    due = TaskStates(redis).due_time(TASK)
    assert due is not None
    assert timedelta(minutes=5) <= due - datetime(2026, 11, 20, tzinfo=UTC) <= timedelta(minutes=10)
    assert redis.hgetall(keys.MAILED_DIGESTS) == {b"day:reward-model": b"2026-11-18"}
    assert len(office.received) == 1
    failing = TaskState(TASK, TaskStatus.FAILING, NOW, NOW, failures=1)
    retried = next_run_at(TASK, task_kinds()["mail"].cadence, failing, NOW)
    assert retried is not None
    assert retried - NOW < timedelta(minutes=2)


def message(settings: Settings, *sightings: Sighting, name: str = "Reward Model") -> EmailMessage:
    keyword = replace(KEYWORD, name=name)
    papers = tuple(map(paper_from_sighting, sightings))
    return digest_message(keyword, Period.containing("day", ANNOUNCED.date()), papers, settings)


def test_text_and_html_say_the_same_and_nothing_is_markup(mailing: Settings) -> None:
    """Foreign text stays text, in headers too."""
    made = message(mailing, paper(1, title="<b>Bold</b>\r\nBcc: x@y"), name="A & <b>")
    text, html = (part.get_content() for part in made.iter_parts())
    assert "<b>Bold</b> Bcc: x@y" in text
    assert "&lt;b&gt;Bold&lt;/b&gt; Bcc: x@y" in html
    assert made["Bcc"] is None
    assert made["Subject"].startswith("A & <b>: 1 paper,")
    for said in ("Ada Lovelace, José Ørsted", "https://arxiv.org/abs/2611.00001"):
        assert said in text
        assert said in html
    assert "https://wire.example/papers/2611.00001" in text
    assert "$x &lt; y$" in html


def test_of_many_papers_the_first_are_told_of(mailing: Settings) -> None:
    many = [paper(n, authors=tuple(f"Ada {n}" for n in range(20))) for n in range(1, 151)]
    text = next(iter(message(mailing, *many).iter_parts())).get_content()
    assert text.count("https://arxiv.org/abs/") == MAX_LISTED_PAPERS
    assert "and 50 more" in text
    assert "and 14 more" in text


class TestServer:
    def test_a_login(self, mailing: Settings) -> None:
        made = message(mailing, paper(1))
        with running_mail_server(wants_login=True) as office:
            url = office.url.replace("//", f"//{USER}@")
            right = replace(mailing, smtp_url=url, smtp_password=PASSWORD)
            send_mail(made, right)
            assert len(office.received) == 1
            with pytest.raises(SourceRefused, match="535") as refused:
                send_mail(made, replace(right, smtp_password="wrong horse"))
            assert "wrong horse" not in str(refused.value)

    def test_nobody_there(self, mailing: Settings) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        settings = replace(mailing, smtp_url=f"smtp://127.0.0.1:{port}")
        with pytest.raises(SourceUnreachable, match="mail server 127"):
            send_mail(message(mailing, paper(1)), settings)

    def test_no_plain_words_to_another_machine(
        self, office: MailServer, mailing: Settings, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("workers.notify.smtp._is_loopback", lambda _: False)
        with pytest.raises(SourceError, match="STARTTLS"):
            send_mail(message(mailing, paper(1)), mailing)
        assert office.received == []

    def test_tls_from_the_first_byte_is_not_plain(
        self, office: MailServer, mailing: Settings
    ) -> None:
        url = office.url.replace("smtp:", "smtps:")
        with pytest.raises(SourceUnreachable):
            send_mail(message(mailing, paper(1)), replace(mailing, smtp_url=url, fetch_timeout=1.0))
        assert office.received == []

    def test_starttls_with_whom_we_trust_alone(
        self, mailing: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        certificate = make_certificate(tmp_path)
        made = message(mailing, paper(1))
        with running_mail_server(certificate=certificate) as office:
            settings = replace(mailing, smtp_url=office.url)
            with pytest.raises(SourceUnreachable, match="CERTIFICATE_VERIFY_FAILED"):
                send_mail(made, settings)
            assert office.received == []
            monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
            send_mail(made, settings)
            assert office.encrypted == [True]
