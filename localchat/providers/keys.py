"""Keys: from an environment variable that the provider names, or from the keyring of the operating system. Never from
the store, never in a message.

The keyring may ask its owner to unlock it: everything here but ``checked`` may block, so call it in a thread.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from typing import TYPE_CHECKING

from localchat.errors import InvalidInput, LocalChatError, ProviderRejected
from localchat.records import Provider
from localchat.text import one_line

if TYPE_CHECKING:
    from types import ModuleType

_SERVICE = "localchat"
_LONGEST = 4096
_lent: dict[str, str] = {}  # by entry
_NO_KEYRING = "Name an environment variable instead: `--key-env VAR`."


def checked(text: str) -> str:
    """The key, stripped. Raises InvalidInput where it cannot be one; the text is not in the message."""
    key = text.strip()
    if not key:
        raise InvalidInput("The key is empty.", "Paste the key as its provider shows it.")
    if len(key) > _LONGEST:
        raise InvalidInput(f"The key is longer than {_LONGEST:,} characters.", "Paste the key alone.")
    if not key.isascii() or not key.isprintable() or " " in key:
        raise InvalidInput(
            "The key holds spaces, line breaks or characters that no key has.", "Paste the key alone, on one line."
        )
    return key


def key_of(provider: Provider) -> str | None:
    """The provider's key, or None where it uses none. Raises ProviderRejected where it should have one and has not,
    naming the place where it was looked for: nothing has been sent then."""
    if provider.key_source == "none":
        return None
    if provider.key_source == "env":
        name = one_line(provider.key_name or "", 120)
        text = os.environ.get(provider.key_name or "", "")
        todo = f"Set ${name} and start localchat again, or keep the key in the keyring: f2, then e."
        if not text.strip():
            raise ProviderRejected(f"{provider.name} needs a key, and ${name} is not set.", todo)
    else:
        name, todo = "the keyring", "Enter the key again: f2, then e."
        text = _from_keyring(provider) or ""
        if not text.strip():
            raise ProviderRejected(f"{provider.name} needs a key, and the keyring has none for it.", todo)
    try:
        return checked(text)
    except InvalidInput as error:
        raise ProviderRejected(f"What stands in {name} is no key for {provider.name}. {error.message}", todo) from error


@contextlib.contextmanager
def lent(provider: Provider, key: str) -> Iterator[None]:
    """Inside, this key counts as the one that the keyring has for the provider: to try a key before it is kept.
    Raises InvalidInput for what is no key."""
    entry, key = _entry(provider), checked(key)
    _lent[entry] = key
    try:
        yield
    finally:
        _lent.pop(entry, None)


def has_key(provider: Provider) -> bool:
    """Whether there is a usable key. Never raises."""
    try:
        return key_of(provider) is not None
    except LocalChatError:
        return False


def save_key(provider: Provider, key: str) -> None:
    """Keep the key in the keyring. Raises InvalidInput for what is no key, or where there is no keyring."""
    good = checked(key)
    keyring = _keyring()
    try:
        keyring.set_password(_SERVICE, _entry(provider), good)
        kept = keyring.get_password(_SERVICE, _entry(provider))
    except (keyring.errors.KeyringError, OSError, RuntimeError) as error:
        raise InvalidInput(f"The keyring did not take the key ({_why(error)}).", _NO_KEYRING) from error
    if kept != good:  # a keyring that is switched off takes everything and keeps nothing
        raise InvalidInput("The keyring of this system keeps nothing.", _NO_KEYRING)


def forget_key(provider: Provider) -> None:
    """Take the key out of the keyring; none being there is fine. Raises InvalidInput where the keyring refuses."""
    keyring = _keyring()
    try:
        if keyring.get_password(_SERVICE, _entry(provider)) is not None:
            keyring.delete_password(_SERVICE, _entry(provider))
    except (keyring.errors.KeyringError, OSError, RuntimeError) as error:
        raise InvalidInput(f"The keyring did not give up the key ({_why(error)}).", "Remove it by hand.") from error


def _from_keyring(provider: Provider) -> str | None:
    if _entry(provider) in _lent:
        return _lent[_entry(provider)]
    keyring = _keyring()
    try:
        return keyring.get_password(_SERVICE, _entry(provider))  # type: ignore[no-any-return]
    except (keyring.errors.KeyringError, OSError, RuntimeError) as error:
        raise ProviderRejected(
            f"The key of {provider.name} cannot be read from the keyring ({_why(error)}).",
            f"Unlock it, or name an environment variable: `localchat providers edit {provider.name} --key-env VAR`.",
        ) from error


def _entry(provider: Provider) -> str:
    return provider.key_name or provider.name


def _keyring() -> ModuleType:
    import keyring
    import keyring.errors

    return keyring


def _why(error: Exception) -> str:
    name = type(error).__name__
    known = {"NoKeyringError": "there is none on this system", "KeyringLocked": "it is locked"}
    return known.get(name) or one_line(str(error), 120) or name
