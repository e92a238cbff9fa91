"""Keys come from the environment or the keyring, and reach nothing but the endpoint."""

from __future__ import annotations

from collections.abc import Iterator

import keyring
import keyring.backends.fail
import keyring.backends.null
import pytest
from keyring.backend import KeyringBackend
from keyring.errors import KeyringLocked, PasswordDeleteError

from localchat.errors import InvalidInput, ProviderRejected, Remedy, Way
from localchat.providers import keys
from tests.providers.conftest import KEY, Make


class InMemory(KeyringBackend):
    priority = 1  # type: ignore[assignment]

    def __init__(self) -> None:
        super().__init__()
        self.kept: dict[tuple[str, str], str] = {}

    def get_password(self, service: str, username: str) -> str | None:
        return self.kept.get((service, username))

    def set_password(self, service: str, username: str, password: str) -> None:
        self.kept[service, username] = password

    def delete_password(self, service: str, username: str) -> None:
        if (service, username) not in self.kept:
            raise PasswordDeleteError
        del self.kept[service, username]


class Locked(InMemory):
    def get_password(self, service: str, username: str) -> str | None:
        raise KeyringLocked("dismissed")

    def set_password(self, service: str, username: str, password: str) -> None:
        raise KeyringLocked("dismissed")


@pytest.fixture
def ring() -> Iterator[InMemory]:
    before, memory = keyring.get_keyring(), InMemory()
    keyring.set_keyring(memory)
    yield memory
    keyring.set_keyring(before)


def test_a_key_from_the_environment_is_stripped(provider: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ACME_KEY", f"  {KEY}\n")
    assert keys.key_of(provider("openai")) == KEY
    assert keys.has_key(provider("openai"))


def test_a_provider_without_a_key_source_has_none(provider: Make) -> None:
    assert keys.key_of(provider("openai", key_source="none")) is None
    assert not keys.has_key(provider("openai", key_source="none"))


@pytest.mark.parametrize("value", ["two words", "line\nbreak", "esc\x1b[2J", "schlüssel", "k" * 5000])
def test_what_cannot_be_a_key_is_refused_without_being_shown(
    value: str, provider: Make, ring: InMemory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ACME_KEY", value)
    with pytest.raises(ProviderRejected) as rejected:
        keys.key_of(provider("openai"))
    with pytest.raises(InvalidInput) as invalid:
        keys.save_key(provider("openai", key_source="keyring"), value)
    for error in (rejected.value, invalid.value):
        assert value not in error.message + error.hint
    assert not keys.has_key(provider("openai"))
    assert ring.kept == {}


@pytest.mark.parametrize("value", ["", "  ", "\n"])
def test_an_empty_key_is_refused(value: str, provider: Make, ring: InMemory) -> None:
    with pytest.raises(InvalidInput, match="empty"):
        keys.save_key(provider("openai", key_source="keyring"), value)


def test_the_keyring_keeps_gives_and_forgets(provider: Make, ring: InMemory) -> None:
    acme = provider("openai", key_source="keyring")
    with pytest.raises(ProviderRejected, match="the keyring has none for it"):
        keys.key_of(acme)
    keys.save_key(acme, f" {KEY} ")
    assert ring.kept == {("localchat", "acme"): KEY}
    assert keys.key_of(acme) == KEY
    keys.forget_key(acme)
    keys.forget_key(acme)
    assert ring.kept == {}
    assert not keys.has_key(acme)


@pytest.mark.parametrize("backend", [keyring.backends.fail.Keyring, keyring.backends.null.Keyring, Locked])
def test_a_system_without_a_usable_keyring_says_what_to_do(
    backend: type[KeyringBackend], provider: Make, ring: InMemory
) -> None:
    keyring.set_keyring(backend())
    acme = provider("openai", key_source="keyring")
    with pytest.raises(InvalidInput) as caught:
        keys.save_key(acme, KEY)
    assert caught.value.remedy == Remedy(Way.KEY_IN_VARIABLE)
    assert KEY not in caught.value.message
    with pytest.raises(ProviderRejected):
        keys.key_of(acme)
    assert not keys.has_key(acme)


def test_a_lent_key_counts_only_inside(provider: Make, ring: InMemory) -> None:
    acme = provider("openai", key_source="keyring")
    with keys.lent(acme, KEY):
        assert keys.key_of(acme) == KEY
    assert not keys.has_key(acme)
    assert ring.kept == {}
