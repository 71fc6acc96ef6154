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
from papers.state.keyword_record import Keyword
from papers.state.keywords import Keywords
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
def mail_server() -> Iterator[MailServer]:
    with running_mail_server() as mail_server:
        yield mail_server


@pytest.fixture
def mail_settings(mail_server: MailServer) -> Settings:
    """Settings that mail one keyword's digest every day and every week."""
    return Settings(
        public_url="https://wire.example",
        smtp_url=mail_server.url,
        mail_to="me@example.org",
        mail_daily=("reward-model",),
        mail_weekly=("reward-model",),
        fetch_timeout=5.0,
    )


@pytest.fixture
def three_papers(redis: Redis) -> None:
    """Papers 1 and 2 of Wednesday, 3 of Tuesday, and a keyword that matches all three."""
    Keywords(redis).add("Reward Model", '"reward model"', now=NOW)
    Store(redis).ingest([paper(1), paper(2), paper(3, ANNOUNCED - DAY)], now=NOW)


def paper(number: int, at: datetime = ANNOUNCED, **fields: object) -> Sighting:
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
    return first._replace(**fields)  # type: ignore[arg-type]


def run_digest(redis: Redis, settings: Settings, now: datetime = NOW, subject: str = "") -> str:
    """Run the digest task once; return its message."""
    digests = DigestMailer(Store(redis), Keywords(redis), redis)
    subject = subject or TASK.partition(":")[2]
    (part,) = digests.fetch(subject, UpstreamClients.from_settings(redis, settings), now)
    return part.message


@pytest.mark.usefixtures("three_papers")
def test_digest_is_mailed_once(
    redis: Redis, mail_server: MailServer, mail_settings: Settings
) -> None:
    assert run_digest(redis, mail_settings) == "2 papers of 18 November 2026 sent"
    assert run_digest(redis, mail_settings) == "18 November 2026 was sent before"
    (message,) = mail_server.received
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


@pytest.mark.usefixtures("three_papers")
def test_next_day_and_week_are_separate_digests(
    redis: Redis, mail_server: MailServer, mail_settings: Settings
) -> None:
    run_digest(redis, mail_settings)
    assert (
        run_digest(redis, mail_settings, NOW + DAY)
        == "no paper of 19 November 2026: nothing is sent"
    )
    weekly = run_digest(redis, mail_settings, NOW + 7 * DAY, "week:reward-model")
    assert weekly == "3 papers of week 47 of 2026 sent"
    assert len(mail_server.received) == 2


@pytest.mark.usefixtures("three_papers")
def test_refused_message_is_retried(
    redis: Redis, mail_server: MailServer, mail_settings: Settings
) -> None:
    mail_server.refusal = "451 come back later"
    with pytest.raises(SourceRefused, match="451 come back later"):
        run_digest(redis, mail_settings)
    mail_server.refusal = ""
    assert "sent" in run_digest(redis, mail_settings)
    assert len(mail_server.received) == 1


@pytest.mark.usefixtures("three_papers")
def test_message_of_unknown_outcome_is_not_resent(
    redis: Redis, mail_server: MailServer, mail_settings: Settings
) -> None:
    mail_server.drops_connection = True
    with pytest.raises(SourceOutcomeUnknown, match="broke on the way"):
        run_digest(redis, mail_settings)
    mail_server.drops_connection = False
    assert "was sent before" in run_digest(redis, mail_settings)
    assert len(mail_server.received) == 1


@pytest.mark.usefixtures("three_papers")
def test_crash_while_sending_does_not_resend(
    redis: Redis, mail_server: MailServer, mail_settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("workers.notify.mail.send_mail", killed)
        with pytest.raises(KeyboardInterrupt):
            run_digest(redis, mail_settings)
    assert "was sent before" in run_digest(redis, mail_settings)
    assert mail_server.received == []


def test_removed_keyword_is_reported(redis: Redis, mail_settings: Settings) -> None:
    with pytest.raises(SourceRefused, match="take it out of the settings"):
        run_digest(redis, mail_settings)


@pytest.mark.usefixtures("three_papers")
def test_digest_as_a_recurring_task(
    redis: Redis, mail_server: MailServer, mail_settings: Settings
) -> None:
    """Disabled without a server; with one, sent once, and due again soon after midnight."""
    assert mail_tasks(replace(mail_settings, smtp_url="")) == []
    assert [task for task in recurring_tasks(mail_settings) if task.startswith("mail:")] == [
        TASK,
        "mail:week:reward-model",
    ]
    run = TaskRunner(redis, mail_settings, lambda: NOW)
    assert run.run(TASK, None)["state"] == "ok"
    assert run.run(TASK, None)["state"] == "quiet"
    due = TaskStates(redis).due_time(TASK)
    assert due is not None
    assert timedelta(minutes=5) <= due - datetime(2026, 11, 20, tzinfo=UTC) <= timedelta(minutes=10)
    assert redis.hgetall(keys.delivery_log("mail")) == {b"day:reward-model": b"2026-11-18"}
    assert len(mail_server.received) == 1
    failing = TaskState(TASK, TaskStatus.FAILING, NOW, NOW, failures=1)
    retried = next_run_at(TASK, task_kinds()["mail"].cadence, failing, NOW)
    assert retried is not None
    assert retried - NOW < timedelta(minutes=2)


def message(settings: Settings, *sightings: Sighting, name: str = "Reward Model") -> EmailMessage:
    keyword = replace(KEYWORD, name=name)
    papers = tuple(map(paper_from_sighting, sightings))
    return digest_message(keyword, Period.containing("day", ANNOUNCED.date()), papers, settings)


def test_text_and_html_agree_and_escape_markup(mail_settings: Settings) -> None:
    """Foreign text stays text, in headers too."""
    built = message(mail_settings, paper(1, title="<b>Bold</b>\r\nBcc: x@y"), name="A & <b>")
    text, html = (part.get_content() for part in built.iter_parts())
    assert "<b>Bold</b> Bcc: x@y" in text
    assert "&lt;b&gt;Bold&lt;/b&gt; Bcc: x@y" in html
    assert built["Bcc"] is None
    assert built["Subject"].startswith("A & <b>: 1 paper,")
    for fields in ("Ada Lovelace, José Ørsted", "https://arxiv.org/abs/2611.00001"):
        assert fields in text
        assert fields in html
    assert "https://wire.example/papers/2611.00001" in text
    assert "$x &lt; y$" in html


def test_long_digest_lists_the_first_papers(mail_settings: Settings) -> None:
    papers = [paper(n, authors=tuple(f"Ada {n}" for n in range(20))) for n in range(1, 151)]
    text = next(iter(message(mail_settings, *papers).iter_parts())).get_content()
    assert text.count("https://arxiv.org/abs/") == MAX_LISTED_PAPERS
    assert "and 50 more" in text
    assert "and 14 more" in text


class TestServer:
    def test_login(self, mail_settings: Settings) -> None:
        built = message(mail_settings, paper(1))
        with running_mail_server(wants_login=True) as mail_server:
            url = mail_server.url.replace("//", f"//{USER}@")
            with_login = replace(mail_settings, smtp_url=url, smtp_password=PASSWORD)
            send_mail(built, with_login)
            assert len(mail_server.received) == 1
            with pytest.raises(SourceRefused, match="535") as refused:
                send_mail(built, replace(with_login, smtp_password="wrong horse"))
            assert "wrong horse" not in str(refused.value)

    def test_closed_port_is_unreachable(self, mail_settings: Settings) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        settings = replace(mail_settings, smtp_url=f"smtp://127.0.0.1:{port}")
        with pytest.raises(SourceUnreachable, match="mail server 127"):
            send_mail(message(mail_settings, paper(1)), settings)

    def test_remote_server_requires_starttls(
        self, mail_server: MailServer, mail_settings: Settings, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("workers.notify.smtp._is_loopback", lambda _: False)
        with pytest.raises(SourceError, match="STARTTLS"):
            send_mail(message(mail_settings, paper(1)), mail_settings)
        assert mail_server.received == []

    def test_smtps_requires_tls(self, mail_server: MailServer, mail_settings: Settings) -> None:
        url = mail_server.url.replace("smtp:", "smtps:")
        with pytest.raises(SourceUnreachable):
            send_mail(
                message(mail_settings, paper(1)),
                replace(mail_settings, smtp_url=url, fetch_timeout=1.0),
            )
        assert mail_server.received == []

    def test_starttls_requires_a_trusted_certificate(
        self, mail_settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        certificate = make_certificate(tmp_path)
        built = message(mail_settings, paper(1))
        with running_mail_server(certificate=certificate) as mail_server:
            settings = replace(mail_settings, smtp_url=mail_server.url)
            with pytest.raises(SourceUnreachable, match="CERTIFICATE_VERIFY_FAILED"):
                send_mail(built, settings)
            assert mail_server.received == []
            monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
            send_mail(built, settings)
            assert mail_server.encrypted == [True]
