from __future__ import annotations

from pathlib import Path

import pytest

from papers.errors import BadSettings, StoreError
from paperwire.run.instance_lock import hold_instance_lock, running_address


def test_second_claim_hears_where_the_first_is(tmp_path: Path) -> None:
    with hold_instance_lock(tmp_path) as claim:
        claim.write("http://127.0.0.1:8000 (process 12)\n")
        claim.flush()
        assert running_address(tmp_path) == "http://127.0.0.1:8000"
        said = r"runs on .* already: http://127.0.0.1:8000 \(process 12\)"
        with pytest.raises(StoreError, match=said), hold_instance_lock(tmp_path):
            pass


def test_claim_ends_with_its_holder(tmp_path: Path) -> None:
    assert running_address(tmp_path) is None
    with hold_instance_lock(tmp_path) as claim:
        claim.write("http://127.0.0.1:8000 (process 12)\n")
    assert running_address(tmp_path) is None
    with hold_instance_lock(tmp_path):
        assert running_address(tmp_path) is None


def test_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with (
        pytest.raises(BadSettings, match="data_dir"),
        hold_instance_lock(tmp_path / "file" / "data"),
    ):
        pass
