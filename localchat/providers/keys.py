"""Keys: from an environment variable that the provider names, or from the keyring of the operating system. Never from
the store, never in a message.

The keyring may ask its owner to unlock it: everything here but ``checked`` may block, so call it in a thread.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from typing import TYPE_CHECKING

from localchat.errors import InvalidInput, LocalChatError, ProviderRejected, Remedy, Way
from localchat.records import Provider
from localchat.text import one_line

if TYPE_CHECKING:
    from types import ModuleType

_SERVICE = "localchat"
_LONGEST = 4096
_MOST_ENTRIES = 1000  # of one name; some keyring may answer with a key whatever it is asked for
_lent: dict[str, str] = {}  # by entry
_INSTEAD = "Name an environment variable that holds it instead."
_VARIABLE = Remedy(Way.KEY_IN_VARIABLE)


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
    edit = Remedy(Way.EDIT_PROVIDER, provider.name)
    if provider.key_source == "env":
        name = one_line(provider.key_name or "", 120)
        text = os.environ.get(provider.key_name or "", "")
        todo = f"Set ${name} and start localchat again, or keep the key in the keyring."
        if not text.strip():
            raise ProviderRejected(f"{provider.name} needs a key, and ${name} is not set.", todo, remedy=edit)
    else:
        name, todo = "the keyring", "Enter the key again."
        text = _from_keyring(provider) or ""
        if not text.strip():
            raise ProviderRejected(f"{provider.name} needs a key, and the keyring has none for it.", todo, remedy=edit)
    try:
        return checked(text)
    except InvalidInput as error:
        what = f"What stands in {name} is no key for {provider.name}. {error.message}"
        raise ProviderRejected(what, todo, remedy=edit) from error


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
    with _refusals(keyring, "did not take the key"):
        keyring.set_password(_SERVICE, _entry(provider), good)
        kept = keyring.get_password(_SERVICE, _entry(provider))
    if kept != good:  # a keyring that is switched off takes everything and keeps nothing
        raise InvalidInput("The keyring of this system keeps nothing.", _INSTEAD, remedy=_VARIABLE)


def forget_key(provider: Provider) -> None:
    """Take the key out of the keyring; none being there is fine. Raises InvalidInput where the keyring refuses."""
    keyring = _keyring()
    try:
        if keyring.get_password(_SERVICE, _entry(provider)) is not None:
            keyring.delete_password(_SERVICE, _entry(provider))
    except (keyring.errors.KeyringError, OSError, RuntimeError) as error:
        raise InvalidInput(f"The keyring did not give up the key ({_why(error)}).", "Remove it by hand.") from error


@contextlib.contextmanager
def kept_apart(name: str, key: str) -> Iterator[str]:
    """Keep a key under an entry of the keyring that holds none yet, and hand that entry in: nobody else's key is
    touched. Where what is done inside fails, the key goes again. Raises like ``save_key``."""
    good, entry = checked(key), name
    keyring = _keyring()
    with _refusals(keyring, "did not take the key"):
        tried = 1
        while keyring.get_password(_SERVICE, entry) is not None:
            tried += 1
            if tried > _MOST_ENTRIES:
                raise InvalidInput(
                    f"The keyring says that it has a key under every name like {name}.", _INSTEAD, remedy=_VARIABLE
                )
            entry = f"{name}-{tried}"
        keyring.set_password(_SERVICE, entry, good)
        kept = keyring.get_password(_SERVICE, entry)
    if kept != good:  # a keyring that is switched off takes everything and keeps nothing
        raise InvalidInput("The keyring of this system keeps nothing.", _INSTEAD, remedy=_VARIABLE)
    try:
        yield entry
    except BaseException:
        with contextlib.suppress(keyring.errors.KeyringError, OSError, RuntimeError):
            keyring.delete_password(_SERVICE, entry)
        raise


@contextlib.contextmanager
def forgotten(provider: Provider) -> Iterator[None]:
    """Take the provider's key out of the keyring; where what is done inside fails, it is put back. Raises like
    ``forget_key``."""
    try:
        key = key_of(provider) if provider.key_source == "keyring" else None
    except ProviderRejected:  # there is none, or it cannot be read: nothing that could come back
        key = None
    if provider.key_source == "keyring":
        forget_key(provider)
    try:
        yield
    except BaseException:
        if key is not None:
            save_key(provider, key)
        raise


@contextlib.contextmanager
def _refusals(keyring: ModuleType, what: str) -> Iterator[None]:
    try:
        yield
    except (keyring.errors.KeyringError, OSError, RuntimeError) as error:
        raise InvalidInput(f"The keyring {what} ({_why(error)}).", _INSTEAD, remedy=_VARIABLE) from error


def fate(provider: Provider, *, forgotten: bool | None) -> str:
    """What becomes of a provider's key with its removal, in a sentence; empty where it has none. ``forgotten``: whether
    it was taken out of the keyring; None before the removal."""
    if provider.key_source == "none":
        return ""
    if provider.key_source == "env":
        return f"Its key stays where it is, in ${one_line(provider.key_name or '', 120)}."
    kept = "Its key stays in the keyring, for when it comes back."
    return "Its key was taken out of the keyring." if forgotten else kept


def _from_keyring(provider: Provider) -> str | None:
    if _entry(provider) in _lent:
        return _lent[_entry(provider)]
    keyring = _keyring()
    try:
        return keyring.get_password(_SERVICE, _entry(provider))  # type: ignore[no-any-return]
    except (keyring.errors.KeyringError, OSError, RuntimeError) as error:
        raise ProviderRejected(
            f"The key of {provider.name} cannot be read from the keyring ({_why(error)}).",
            "Unlock it, or name an environment variable that holds the key.",
            remedy=Remedy(Way.EDIT_PROVIDER, provider.name),
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
