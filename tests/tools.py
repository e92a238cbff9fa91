"""Programs that only some machines have: where one is missing, its tests are skipped, but never in `.ci/run`."""

from __future__ import annotations

import os
import shutil

import pytest

ALL = "LOCALCHAT_TESTS_NEED_ALL"  # set by .ci/run, which installs them


def needs(program: str) -> None:
    """For the head of a module of tests. In CI a missing program is a failure."""
    if shutil.which(program) is None:
        assert not os.environ.get(ALL), f"{program} is missing"
        pytest.skip(f"{program} is not on this machine", allow_module_level=True)
