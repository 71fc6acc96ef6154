"""Two releases side by side, as in a rolling upgrade: neither undoes what the other has cached."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import msgpack
import pytest
from redis import Redis

from papers.redis_backend import keys
from papers.redis_backend.connection import connect
from service.cache.cached_body import CachedBody, StoredValidators, VersionStamp, pack_cached_body
from service.cache.disk_tier import DiskTier
from service.cache.lookup import CacheKey
from service.cache.render_cache import RenderCache
from service.cache.version_stamp import StoreVersion
from tests.service.made import NOW

pytestmark = pytest.mark.row("two releases side by side")

KEY = CacheKey("/feeds/search.atom?q=x")
SECOND = timedelta(seconds=1)


class Release:
    """The web server of one release, of which every request is to a new process."""

    def __init__(self, url: str, folder: Path, build_id: str, body: bytes) -> None:
        self._url, self._folder, self._build_id = url, folder, build_id
        self.body, self.renderings = body, 0
        self.charged_as_new: list[bool] = []

    def get(self, seconds: int = 0) -> CachedBody:
        """Serve a request."""
        redis = connect(self._url, retry=False)
        cache = RenderCache(
            redis, DiskTier(self._folder), base_url="s", build_id=self._build_id, sleep=_no_wait
        )
        now, charge = NOW + seconds * SECOND, self._charge
        return cache.get(KEY, self._render, now=now, charge=charge).cached_body

    def _charge(self, _: float, is_new: bool) -> None:
        self.charged_as_new.append(is_new)

    def _render(self, version: StoreVersion) -> bytes:
        self.renderings += 1
        return self.body


def _no_wait(_: float) -> None:
    pass


@pytest.fixture(params=["one machine", "two machines"])
def releases(
    request: pytest.FixtureRequest, redis: Redis, store_url: str, tmp_path: Path
) -> tuple[Release, Release]:
    other = tmp_path / "other" if request.param == "two machines" else tmp_path
    return (
        Release(store_url, tmp_path, "0.2", b"of 0.2"),
        Release(store_url, other, "0.3", b"of 0.3"),
    )


def test_each_renders_once_and_its_validators_stay(
    redis: Redis, releases: tuple[Release, Release]
) -> None:
    served = [[release.get(turn) for release in releases] for turn in range(4)]
    assert [release.renderings for release in releases] == [1, 1]
    for old, new in served:
        assert (old.etag, old.last_modified) == (served[0][0].etag, served[0][0].last_modified)
        assert (new.etag, new.last_modified) == (served[0][1].etag, served[0][1].last_modified)
        assert (old.encoded_body(), new.encoded_body()) == (b"of 0.2", b"of 0.3")
    assert served[0][1].last_modified > served[0][0].last_modified  # it is another content
    redis.incr(keys.REVISION)
    for turn in range(10, 13):
        for release in releases:
            release.get(turn)
    assert [release.renderings for release in releases] == [2, 2]


def test_equal_bytes_have_the_same_validators(releases: tuple[Release, Release]) -> None:
    old, new = releases
    new.body = old.body
    served = [release.get(turn) for turn in range(3) for release in releases]
    assert len({(body.etag, body.last_modified) for body in served}) == 1
    assert [release.renderings for release in releases] == [1, 1]


def test_validators_of_two_releases_at_most_are_kept(
    redis: Redis, store_url: str, tmp_path: Path
) -> None:
    for number in range(4):
        Release(store_url, tmp_path, f"0.{number}", b"the same").get(number)
    (key,) = redis.scan_iter(match=keys.response_validators("*"))
    stored = StoredValidators.unpack(redis.get(key), "0.3")  # type: ignore[arg-type]
    assert [build for build, _ in stored.others] == ["0.2"]


def test_response_of_the_release_before_is_not_charged_as_new(
    releases: tuple[Release, Release],
) -> None:
    for release in releases:
        release.get()
    assert [release.charged_as_new for release in releases] == [[True], [False]]


def test_the_last_good_response_of_the_release_before_is_served(
    store_url: str, redis: Redis, tmp_path: Path
) -> None:
    """Right after an upgrade, with the store away, from the files of the old release."""
    Release(store_url, tmp_path, "0.2", b"of 0.2").get()
    new = Release("unix:///nowhere", tmp_path, "0.3", b"of 0.3")
    assert new.get().encoded_body() == b"of 0.2"
    assert new.renderings == 0


def test_validators_of_a_later_format_stay_as_they_are() -> None:
    later = msgpack.packb((4, ("0.3", b"a format of the future")))
    stored = StoredValidators.unpack(later, "0.2")
    assert (stored.own, stored.newest) == (None, None)
    own = CachedBody("e", 1, {}, 3, VersionStamp(b"1", b"2"))
    again = StoredValidators.unpack(stored.pack(own, "0.2"), "0.3")
    assert again.newest == own
    assert msgpack.unpackb(stored.pack(own, "0.2"))[2] == ["0.3", b"a format of the future"]


@pytest.mark.parametrize("damaged", [b"", b"\xc1", b"x", msgpack.packb((4, 1)), msgpack.packb(4)])
def test_damaged_validators_are_none(damaged: bytes) -> None:
    assert StoredValidators.unpack(damaged, "0.2").newest is None


def test_validators_of_the_first_releases_give_their_date(
    redis: Redis, store_url: str, tmp_path: Path
) -> None:
    release = Release(store_url, tmp_path / "a", "0.2", b"same")
    first = release.get()
    (key,) = redis.scan_iter("feed:*:validators")
    redis.set(key, pack_cached_body(first.without_body))
    again = Release(store_url, tmp_path / "b", "0.3", b"same").get(60)
    assert (again.etag, again.last_modified) == (first.etag, first.last_modified)
