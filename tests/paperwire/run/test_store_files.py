"""A damaged append-only file has a way out: it is named where it stops the store, and cut."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from unittest import mock

import pytest
from click.testing import CliRunner, Result
from hypothesis import given
from hypothesis import strategies as st
from redis import Redis

from papers.errors import StoreError, StoreUnavailable
from paperwire.cli import main
from paperwire.run import embedded_store
from paperwire.run.store_files import check_files, repair_files

NOW = datetime(2026, 11, 30, 12, tzinfo=UTC)
Damage = Callable[[bytes], bytes]


@pytest.fixture
def paths(tmp_path: Path) -> embedded_store.StorePaths:
    """A stopped store with 100 keys, 5 of them by one transaction at the end."""
    made = embedded_store.StorePaths.in_data_dir(str(tmp_path / "data"))
    with embedded_store.open_embedded_store(made) as url, closing(Redis.from_url(url)) as redis:
        for number in range(95):
            redis.set(f"key {number}", "value\r\n*1\r\n")
        with redis.pipeline() as pipe:
            for number in range(95, 100):
                pipe.set(f"key {number}", "value")
            pipe.execute()
    return made


def incremental(paths: embedded_store.StorePaths) -> Path:
    (path,) = (paths.folder / "appendonlydir").glob("*.incr.aof")
    return path


def run(paths: embedded_store.StorePaths, *arguments: str) -> Result:
    environ = {"PAPERWIRE_DATA_DIR": str(paths.folder.parent), "PAPERWIRE_REDIS_URL": ""}
    with mock.patch.dict("os.environ", environ):
        return CliRunner().invoke(main, list(arguments))


def count_keys(paths: embedded_store.StorePaths) -> int:
    with embedded_store.open_embedded_store(paths) as url, closing(Redis.from_url(url)) as redis:
        return int(redis.dbsize())


def test_sound_files_are_left_alone(paths: embedded_store.StorePaths) -> None:
    before = incremental(paths).read_bytes()
    checks = check_files(paths.folder)
    assert [check.is_sound for check in checks] == [True, True]
    assert repair_files(paths.folder, NOW)[1] is None
    assert incremental(paths).read_bytes() == before
    assert run(paths, "store", "check").exit_code == 0


def replaced(at: int, by: bytes) -> Damage:
    return lambda content: content[:at] + by + content[at + len(by) :]


@pytest.mark.row("a damaged append-only file")
@pytest.mark.parametrize(
    "damage",
    [replaced(2_000, b"garbage!!!"), replaced(0, b"\0" * 600), replaced(3_000, b"\0" * 500)],
    ids=["bytes in the middle", "at the beginning", "a hole"],
)
def test_damaged_file_is_named_and_cut(paths: embedded_store.StorePaths, damage: Damage) -> None:
    damaged = damage(incremental(paths).read_bytes())
    incremental(paths).write_bytes(damaged)
    with pytest.raises(StoreUnavailable, match="paperwire store repair") as refused:
        count_keys(paths)
    assert "\n" not in str(refused.value)
    told = json.loads(run(paths, "doctor", "--json", "--offline").stdout)["findings"]
    (named,) = [finding for finding in told if finding["check"] == "store"]
    assert "paperwire store repair" in named["mend"]
    checked = run(paths, "store", "check")
    assert checked.exit_code == 1
    assert "incr.aof: damaged after byte" in checked.stdout
    repaired = run(paths, "store", "repair", "--json")
    assert repaired.exit_code == 0, repaired.output
    kept = json.loads(repaired.stdout)["kept"]
    assert (Path(kept) / incremental(paths).name).read_bytes() == damaged
    *_, last = json.loads(repaired.stdout)["files"]
    selected = 1 if last["commands"] else 0  # SELECT 0 is the first command
    assert count_keys(paths) == last["commands"] - selected
    assert run(paths, "store", "check").exit_code == 0


def test_transaction_is_kept_whole_or_not_at_all(paths: embedded_store.StorePaths) -> None:
    content = incremental(paths).read_bytes()
    incremental(paths).write_bytes(content.replace(b"key 98", b"key\0\0\r\n"[:6] + b"\n", 1))
    repair_files(paths.folder, NOW)
    assert count_keys(paths) == 95


def test_running_store_is_not_repaired(paths: embedded_store.StorePaths) -> None:
    with embedded_store.open_embedded_store(paths):
        result = run(paths, "store", "repair")
    assert result.exit_code == 1
    assert "is in use by process" in result.output


def test_damaged_base_file_needs_a_backup(paths: embedded_store.StorePaths) -> None:
    (base,) = (paths.folder / "appendonlydir").glob("*.base.rdb")
    base.write_bytes(base.read_bytes()[:-20])
    assert not check_files(paths.folder)[0].is_sound
    with pytest.raises(StoreError, match="paperwire restore BACKUP"):
        repair_files(paths.folder, NOW)


def test_missing_file_needs_a_backup(paths: embedded_store.StorePaths) -> None:
    incremental(paths).unlink()
    with pytest.raises(StoreError, match=r"is missing.*paperwire restore BACKUP"):
        check_files(paths.folder)


def test_store_elsewhere_is_not_ours_to_check() -> None:
    with mock.patch.dict("os.environ", {"PAPERWIRE_REDIS_URL": "redis://a.example"}):
        result = CliRunner().invoke(main, ["store", "check"])
    assert result.exit_code == 2
    assert "on its own host" in result.output


def encoded(*arguments: bytes) -> bytes:
    parts = [b"$%d\r\n%s\r\n" % (len(argument), argument) for argument in arguments]
    return b"*%d\r\n%s" % (len(arguments), b"".join(parts))


@given(
    commands=st.lists(st.lists(st.binary(max_size=12), min_size=1, max_size=4), max_size=8),
    rest=st.binary(max_size=60),
)
def test_everything_before_the_damage_is_intact(
    tmp_path_factory: pytest.TempPathFactory, commands: list[list[bytes]], rest: bytes
) -> None:
    folder = tmp_path_factory.mktemp("store")
    (folder / "appendonlydir").mkdir()
    (folder / "appendonlydir" / "a.manifest").write_text("file a.incr.aof seq 1 type i\n")
    named = [[b"SET", *arguments] for arguments in commands]
    sound = b"".join(encoded(*arguments) for arguments in named)
    (folder / "appendonlydir" / "a.incr.aof").write_bytes(sound + b"!" + rest)
    (check,) = check_files(folder)
    assert (check.intact, check.commands, check.is_sound) == (len(sound), len(named), False)
