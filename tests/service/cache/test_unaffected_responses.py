"""What is rendered, and what is searched for, when something has changed elsewhere."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path

import pytest
from redis import Redis

from papers.query.ast import Node
from papers.query.parser import parse_query
from papers.query.request import SearchRequest
from papers.redis_backend import keys
from papers.redis_backend.connection import connect
from papers.redis_backend.revision import bump_revision
from papers.state.task_states import TaskState, TaskStates, TaskStatus
from papers.store import Store
from service.cache.disk_tier import DiskTier
from service.cache.lookup import CacheKey
from service.cache.render_cache import MAX_UNSTAMPED_CHANGES, RenderCache
from service.cache.render_request import PreparedBody, ServedBody
from service.cache.version_stamp import StoreVersion
from tests.service.cache.fixed_validators import FixedValidators
from tests.service.made import NOW, make_pick, make_revision, make_sighting

KEY = CacheKey("/feeds/search.atom?q=reward")
REWARD = SearchRequest(query=parse_query("reward"))


@dataclass
class SearchingRenderer:
    """A feed of the papers that match `reward`; counts what it does."""

    store: Store
    searches: int = 0
    renderings: int = 0
    is_complete: bool = True

    def __call__(self, _: StoreVersion) -> PreparedBody:
        self.searches += 1
        titles = "\n".join(paper.title for paper in self.store.search(REWARD).papers)
        content = titles.encode() if self.is_complete else b""
        return PreparedBody(lambda: self._render(titles), content)

    def _render(self, titles: str) -> bytes:
        self.renderings += 1
        return f"feed: {titles}".encode()

    @property
    def done(self) -> tuple[int, int]:
        """How often it has searched and rendered since the last call."""
        done = self.searches, self.renderings
        self.searches = self.renderings = 0
        return done


def query_shown(_: StoreVersion) -> Node:
    return REWARD.tree


@pytest.fixture
def store(redis: Redis) -> Store:
    store = Store(redis)
    store.ingest([make_sighting(1, title="Reward 1")], now=NOW)
    return store


@pytest.fixture
def renderer(store: Store) -> SearchingRenderer:
    return SearchingRenderer(store)


MakeProcess = Callable[..., RenderCache]


@pytest.fixture
def make_process(store_url: str, tmp_path: Path) -> MakeProcess:
    """Make the cache of one more process on this machine."""

    def make(build_id: str = "1") -> RenderCache:
        redis = connect(store_url, retry=False)
        return RenderCache(redis, DiskTier(tmp_path), base_url="s", build_id=build_id)

    return make


def get(cache: RenderCache, renderer: SearchingRenderer) -> ServedBody:
    return cache.get(KEY, renderer, now=NOW, shown_query=query_shown)


def text_of(served: ServedBody) -> str:
    return served.cached_body.encoded_body().decode()


def test_ingest_of_papers_that_do_not_match_neither_searches_nor_renders(
    make_process: MakeProcess, renderer: SearchingRenderer, store: Store, redis: Redis
) -> None:
    caches = [make_process(), make_process()]
    before = get(caches[0], renderer)
    assert renderer.done == (1, 1)
    for number in range(2, 6):
        store.ingest([make_sighting(number, title="Diffusion", abstract="No.")], now=NOW)
        for cache in caches:
            served = get(cache, renderer)
            assert text_of(served) == text_of(before)
            assert served.cached_body.last_modified == before.cached_body.last_modified
    assert renderer.done == (0, 0)


@pytest.mark.parametrize(
    ("change", "text"),
    [
        (make_sighting(2, title="Reward 2"), "feed: Reward 2\nReward 1"),
        (make_revision(1, 2, title="Reward 1b"), "feed: Reward 1b"),
        (make_revision(1, 2, title="No match", abstract="Nothing."), "feed: "),
    ],
)
def test_paper_that_comes_changes_or_goes_is_rendered_at_once(
    make_process: MakeProcess,
    renderer: SearchingRenderer,
    store: Store,
    change: object,
    text: str,
) -> None:
    caches = [make_process(), make_process()]
    for cache in caches:
        get(cache, renderer)
    assert renderer.done == (1, 1)
    store.ingest([change], now=NOW)  # type: ignore[list-item]
    assert [text_of(get(cache, renderer)) for cache in caches] == [text, text]
    assert renderer.done == (1, 1)


def test_change_that_is_not_shown_searches_and_does_not_render(
    make_process: MakeProcess, renderer: SearchingRenderer, store: Store
) -> None:
    caches = [make_process(), make_process()]
    before = get(caches[0], renderer)
    assert renderer.done == (1, 1)
    store.ingest([make_pick(1)], now=NOW)
    for cache in caches:
        assert get(cache, renderer).cached_body.etag == before.cached_body.etag
    assert renderer.done == (1, 0)


def test_change_without_a_record_searches_and_does_not_render(
    make_process: MakeProcess, renderer: SearchingRenderer, redis: Redis
) -> None:
    cache = make_process()
    get(cache, renderer)
    assert renderer.done == (1, 1)
    bump_revision(redis)
    for _ in range(3):
        get(cache, renderer)
    assert renderer.done == (1, 0)


def test_response_is_stamped_anew_before_the_log_forgets(
    make_process: MakeProcess, renderer: SearchingRenderer, store: Store, redis: Redis
) -> None:
    cache = make_process()
    get(cache, renderer)
    assert renderer.done == (1, 1)
    for number in range(2, MAX_UNSTAMPED_CHANGES + 4):
        store.ingest([make_sighting(number, title="Diffusion", abstract="No.")], now=NOW)
    get(cache, renderer)
    redis.delete(keys.CHANGE_LOG)
    assert text_of(get(make_process(), renderer)) == "feed: Reward 1"
    assert renderer.done == (0, 0)


def test_result_that_was_cut_off_is_always_rendered_anew(
    make_process: MakeProcess, renderer: SearchingRenderer, store: Store
) -> None:
    renderer.is_complete = False
    cache = make_process()
    get(cache, renderer)
    store.ingest([make_sighting(2, title="Diffusion", abstract="No.")], now=NOW)
    get(cache, renderer)
    assert renderer.done == (2, 2)


def test_other_dependencies_search_and_another_build_renders(
    make_process: MakeProcess,
    renderer: SearchingRenderer,
    redis: Redis,
    store_url: str,
    tmp_path: Path,
) -> None:
    cache = make_process()
    get(cache, renderer)
    assert renderer.done == (1, 1)
    TaskStates(redis).save(TaskState("hf:today", TaskStatus.STALE, NOW, NOW))
    get(cache, renderer)
    assert renderer.done == (1, 0)
    get(make_process("2"), renderer)
    assert renderer.done == (1, 1)


def test_source_in_trouble_matters_when_it_has_lasted(
    make_process: MakeProcess, renderer: SearchingRenderer, redis: Redis
) -> None:
    cache, hour = make_process(), timedelta(hours=1)
    TaskStates(redis).save(TaskState("hf:today", TaskStatus.STALE, NOW, NOW))
    seen = []
    for before in (NOW - hour, NOW - hour, NOW, NOW, NOW + hour):
        key = replace(KEY, troubled_before=before)
        cache.get(key, renderer, now=NOW, shown_query=query_shown)
        seen.append(renderer.done)
    assert seen == [(1, 1), (0, 0), (1, 0), (0, 0), (0, 0)]


@pytest.mark.parametrize("name", ["fill:x", "retention", "websub", "hf:today"])
def test_state_without_trouble_changes_nothing(
    make_process: MakeProcess, renderer: SearchingRenderer, redis: Redis, name: str
) -> None:
    """Maintenance in trouble leaves no paper out."""
    states, cache = TaskStates(redis), make_process()
    states.save(TaskState("hf:days", TaskStatus.OK, NOW, NOW))
    get(cache, renderer)
    renderer.done  # noqa: B018  # resets the counts
    status = TaskStatus.QUIET if name == "hf:today" else TaskStatus.FAILING
    states.save(TaskState(name, status, NOW, NOW))
    get(cache, renderer)
    assert renderer.done == (0, 0)


def test_body_that_is_not_here_is_rendered_though_nothing_changed(
    make_process: MakeProcess, renderer: SearchingRenderer, store: Store, tmp_path: Path
) -> None:
    before = get(make_process(), renderer)
    assert renderer.done == (1, 1)
    (file,) = tmp_path.iterdir()
    for damage in (b"", b"torn", None):
        file.unlink() if damage is None else file.write_bytes(damage)
        store.ingest([make_sighting(2, title=f"Diffusion {damage!r}", abstract="No.")], now=NOW)
        assert get(make_process(), renderer).cached_body.etag == before.cached_body.etag
        assert renderer.done[1] == 1


def test_client_that_has_the_response_needs_no_body(
    make_process: MakeProcess, renderer: SearchingRenderer, store: Store, tmp_path: Path
) -> None:
    before = get(make_process(), renderer)
    (file,) = tmp_path.iterdir()
    file.unlink()
    store.ingest([make_sighting(2, title="Diffusion", abstract="No.")], now=NOW)
    renderer.done  # noqa: B018
    served = make_process().get(
        KEY,
        renderer,
        now=NOW,
        shown_query=query_shown,
        validators=FixedValidators(matches=True),
    )
    assert served.cached_body.etag == before.cached_body.etag
    assert not served.cached_body.encoded_bodies
    assert renderer.done == (0, 0)


def test_period_that_is_over_searches(
    make_process: MakeProcess, renderer: SearchingRenderer
) -> None:
    cache = make_process()
    for day in ("2026-11-20", "2026-11-21"):
        cache.get(replace(KEY, period=day), renderer, now=NOW, shown_query=query_shown)
    assert renderer.done == (2, 1)


def test_machine_with_an_older_body_renders_the_new_one(
    make_process: MakeProcess,
    renderer: SearchingRenderer,
    store: Store,
    store_url: str,
    tmp_path: Path,
) -> None:
    first, redis = make_process(), connect(store_url, retry=False)
    tier = DiskTier(tmp_path / "other machine")
    second = RenderCache(redis, tier, base_url="s", build_id="1")
    for cache in (first, second):
        get(cache, renderer)
    store.ingest([make_sighting(2, title="Reward 2")], now=NOW)
    newest = get(first, renderer)
    restarted = RenderCache(redis, tier, base_url="s", build_id="1")
    for cache in (second, restarted):
        served = get(cache, renderer)
        assert text_of(served) == "feed: Reward 2\nReward 1"
        assert served.cached_body.entity_tag() == newest.cached_body.entity_tag()
