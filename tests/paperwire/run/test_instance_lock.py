"""The lock of a data folder: exclusive, released with its process, names the address."""

from __future__ import annotations

from pathlib import Path

import pytest

from papers.errors import BadSettings, StoreError
from paperwire.run.instance_lock import hold_instance_lock, running_address


def test_second_process_is_given_the_address_of_the_first(tmp_path: Path) -> None:
    with hold_instance_lock(tmp_path) as lock_file:
        lock_file.write("http://127.0.0.1:8000 (process 12)\n")
        lock_file.flush()
        assert running_address(tmp_path) == "http://127.0.0.1:8000"
        message = r"already runs on .*: http://127.0.0.1:8000 \(process 12\)"
        with pytest.raises(StoreError, match=message), hold_instance_lock(tmp_path):
            pass


def test_lock_is_released_with_its_holder(tmp_path: Path) -> None:
    assert running_address(tmp_path) is None
    with hold_instance_lock(tmp_path) as lock_file:
        lock_file.write("http://127.0.0.1:8000 (process 12)\n")
    assert running_address(tmp_path) is None
    with hold_instance_lock(tmp_path):
        assert running_address(tmp_path) is None


def test_unusable_data_folder_is_reported(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with (
        pytest.raises(BadSettings, match="data_dir"),
        hold_instance_lock(tmp_path / "file" / "data"),
    ):
        pass
