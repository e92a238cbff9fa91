"""What pytest finds where localchat is installed with its extra ``testing``: fixtures for flows, and async tests.

See docs/testing-flows.md. pytest imports this in every suite of the environment, so it imports nothing but pytest; what
a fixture needs is imported by the fixture. Suites that use none of the fixtures are left alone.
"""

from __future__ import annotations

import inspect
import sys
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from textual.pilot import Pilot

    from localchat.store import Store
    from localchat.testing import Script, Statements, StillClock
    from localchat.tui.app import LocalChat

FIXTURES = frozenset(
    {"localchat_clock", "localchat_store", "localchat_script", "localchat_app", "localchat_statements", "snap"}
)
_ELSEWHERE = ("asyncio", "anyio", "trio")  # markers of plugins that run async tests themselves


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> bool | None:
    """Run an ``async def`` test that is a flow of localchat, where no other plugin would."""
    if not inspect.iscoroutinefunction(pyfuncitem.obj) or not _is_ours(pyfuncitem):
        return None
    if any(pyfuncitem.get_closest_marker(name) for name in _ELSEWHERE):
        return None
    import asyncio

    wanted = inspect.signature(pyfuncitem.obj).parameters
    given = {name: value for name, value in pyfuncitem.funcargs.items() if name in wanted}
    asyncio.run(pyfuncitem.obj(**given))
    return True


def _is_ours(item: pytest.Function) -> bool:
    """Whether it uses a fixture of ours, or stands in a file that imports from ``localchat.testing``."""
    if not FIXTURES.isdisjoint(item.fixturenames):
        return True
    if "localchat.testing" not in sys.modules or item.module is None:
        return False
    public = vars(sys.modules["localchat.testing"]).values()
    ours = {id(each) for each in public if getattr(each, "__module__", "") == "localchat.testing"}
    return any(id(each) in ours for each in vars(item.module).values())


@pytest.fixture
def localchat_clock() -> StillClock:
    """The clock of ``localchat_store``: it stands still until ``localchat_clock.advance(minutes=5)``."""
    from localchat.testing import StillClock

    return StillClock()


@pytest.fixture
def localchat_store(tmp_path: Path, localchat_clock: StillClock) -> Iterator[Store]:
    """A store with known content: ``localchat.testing.known_store``."""
    from localchat.testing import known_store

    with known_store(tmp_path / "localchat.db", clock=localchat_clock) as store:
        yield store


@pytest.fixture
def localchat_script() -> Script:
    """Who answers in place of every provider: ``localchat_script.says("Yes.", Reply(…))``."""
    from localchat.testing import Script

    return Script()


@pytest.fixture
def localchat_app(localchat_store: Store, localchat_script: Script, tmp_path: Path) -> Iterator[LocalChat]:
    """The app over ``localchat_store``, answered by ``localchat_script``, as pictures need it; to be opened with
    ``localchat.testing.opened``. Nothing of the person's own is read: no weights, no keyring."""
    from localchat.testing import machine_variables, still_app, still_environment

    with pytest.MonkeyPatch.context() as patch:
        for name, value in (
            ("LOCALCHAT_MODELS", str(tmp_path / "models")),
            ("LOCALCHAT_DB", str(tmp_path / "localchat.db")),
            ("PYTHON_KEYRING_BACKEND", "keyring.backends.fail.Keyring"),
            ("TZ", "UTC"),
        ):
            patch.setenv(name, value)
        for name in machine_variables():
            patch.delenv(name, raising=False)
        still_environment()
        yield still_app(localchat_store, localchat_script)
    _back_to_this_machines_time()


def _back_to_this_machines_time() -> None:
    import time

    if hasattr(time, "tzset"):
        time.tzset()


@pytest.fixture
def localchat_statements(localchat_store: Store) -> Iterator[Statements]:
    """What SQLite is told over the connection of ``localchat_store``, from the test's beginning."""
    from localchat.testing import Statements

    seen = Statements()
    localchat_store.connection.set_trace_callback(seen.append)
    yield seen
    localchat_store.connection.set_trace_callback(None)


@pytest.fixture
def snap(request: pytest.FixtureRequest) -> Callable[..., Awaitable[None]]:
    """``await snap(pilot)``: compare what the terminal shows, as soon as nothing moves any more, with the picture of
    the last time; several in one test are numbered. ``themes``: a picture in each, such as ``("localchat-light",)``."""
    try:
        compare = request.getfixturevalue("snap_compare")
    except pytest.FixtureLookupError:
        pytest.fail("snap needs pytest-textual-snapshot, of the extra testing", pytrace=False)

    async def snap(pilot: Pilot[Any], themes: tuple[str, ...] = ()) -> None:
        from localchat.testing import settled

        before = pilot.app.theme
        for theme in themes or (before,):
            pilot.app.theme = theme
            await settled(pilot)
            picture = pilot.app.export_screenshot(simplify=True)
            with pytest.MonkeyPatch.context() as patch:  # that plugin would run the app itself, in a loop of its own
                patch.setattr("textual._doc.take_svg_screenshot", lambda shown=picture, **_: shown)
                same = compare(pilot.app)
            assert same, "this screen is not the picture of it: look at snapshot_report.html"
        pilot.app.theme = before

    return snap
