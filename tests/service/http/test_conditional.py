"""What the validators of a request allow: a 304, sparing the rate limit, the previous body."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

import pytest
from flask.testing import FlaskClient
from redis import Redis
from werkzeug.datastructures import Headers
from werkzeug.http import http_date

from service.cache.cached_body import CachedBody, VersionStamp
from service.cache.redis_tier import RENDER_LOCK_SECONDS
from service.http.conditional import RequestValidators
from tests.service.conftest import Announce
from tests.service.made import DAY, NOW, make_sighting

BODY: Final = CachedBody("a1" * 12, int((NOW - DAY).timestamp()), {}, 0, VersionStamp())
OLDER_TAG: Final = f'"{"b2" * 12}"'
DATE, LATER, EARLIER = (
    http_date(NOW - DAY + timedelta(seconds=seconds)) for seconds in (0, 60, -60)
)

PRESENT, FUTURE = http_date(NOW), http_date(NOW + timedelta(seconds=1))

VALIDATORS: list[tuple[dict[str, str], bool, bool, bool]] = [
    ({}, False, False, False),
    ({"If-None-Match": f'"{BODY.etag}"'}, True, True, False),
    ({"If-None-Match": f'W/"{BODY.etag}-br", {OLDER_TAG}'}, True, True, False),
    ({"If-None-Match": OLDER_TAG}, False, False, True),
    ({"If-None-Match": f'"x{BODY.etag}"'}, False, False, True),
    ({"If-None-Match": "*"}, True, False, False),
    ({"If-None-Match": ""}, False, False, False),
    ({"If-Modified-Since": DATE}, True, True, False),
    ({"If-Modified-Since": LATER}, True, False, False),
    ({"If-Modified-Since": EARLIER}, False, False, True),
    ({"If-Modified-Since": PRESENT}, True, False, False),
    ({"If-Modified-Since": FUTURE}, False, False, True),  # no answer of ours had it
    ({"If-None-Match": OLDER_TAG, "If-Modified-Since": DATE}, False, False, True),
]
"""Headers; whether a 304 is due, the body is proven, and the body may be sent as the previous."""


@pytest.mark.parametrize(("headers", "matches", "proves", "allows"), VALIDATORS)
def test_validators(headers: dict[str, str], matches: bool, proves: bool, allows: bool) -> None:
    sent = RequestValidators(Headers(headers), NOW)
    assert (sent.match(BODY), sent.prove(BODY), sent.allow_previous(BODY)) == (
        *(matches, proves),
        allows,
    )


PATHS = ("/feeds/reward-model.atom", "/feeds/search.atom?q=reward")


@pytest.mark.usefixtures("three")
@pytest.mark.parametrize("path", PATHS)
def test_no_client_has_old_bytes_twice_while_another_process_renders(
    client: FlaskClient, announce: Announce, redis: Redis, path: str
) -> None:
    """The other process holds the lock and never ends: it was killed."""
    before = client.get(path)
    (validators,) = redis.scan_iter("feed:*:validators")
    lock = validators.decode().replace(":validators", ":lock")
    announce([make_sighting(4)])
    redis.set(lock, "a dead process", px=int(RENDER_LOCK_SECONDS * 1000))
    old = client.get(path, headers={"If-None-Match": OLDER_TAG})
    assert (old.status_code, old.data) == (200, before.data)
    assert old.headers["Cache-Control"] == "public, max-age=0, must-revalidate"
    assert old.headers["Cache-Status"] == "paperwire; hit; detail=rendering"
    new = client.get(path, headers={"If-None-Match": old.headers["ETag"]})
    assert new.status_code == 200
    assert b"2611.00004" in new.data
    assert new.headers["Cache-Control"] == "public, max-age=1800"


@pytest.mark.usefixtures("three")
def test_client_without_validators_waits_for_the_new_bytes(
    client: FlaskClient, announce: Announce, redis: Redis
) -> None:
    client.get(PATHS[0])
    (validators,) = redis.scan_iter("feed:*:validators")
    announce([make_sighting(4)])
    redis.set(validators.decode().replace(":validators", ":lock"), "a dead process", px=9_900)
    assert b"2611.00004" in client.get(PATHS[0]).data
