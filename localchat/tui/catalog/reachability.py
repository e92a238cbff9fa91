"""How providers are doing: whether their key is there, and whether they answer."""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import Callable, Sequence

from localchat.errors import LocalChatError
from localchat.records import LOCAL_KINDS, Offers, Provider, RemoteModel
from localchat.text import count, one_line
from localchat.tui.catalog.rows import ASKING, State, state_of
from localchat.tui.catalog.words import names
from localchat.tui.remedies import CATALOG, advice
from localchat.tui.shell import Shell
from localchat.tui.toasts import tell

PATIENCE = 20.0  # seconds an endpoint has to list its models


async def models_of(shell: Shell, provider: Provider, patience: float = PATIENCE) -> list[RemoteModel]:
    """What the endpoint offers. Raises what its client raises, ProviderUnavailable after ``patience`` seconds too."""
    from localchat.errors import ProviderUnavailable

    # A client may import its vendor's SDK when it is made, which takes up to a second: not on the loop.
    client = await asyncio.to_thread(shell.connect, provider)
    try:
        async with asyncio.timeout(patience):
            return await client.models()
    except TimeoutError as error:
        raise ProviderUnavailable(
            f"{provider.name} did not list its models within {patience:.0f} s.",
            "Check that it is running, then try again.",
        ) from error
    finally:
        with contextlib.suppress(LocalChatError):
            await client.aclose()


def note_offers(shell: Shell, provider: Provider, offered: Sequence[RemoteModel]) -> None:
    """Mark the models that the provider lists no more, and those that it lists again; tell what changed."""

    def told(offers: Offers) -> None:
        gone = f"{provider.name} no longer offers {names(offers.gone)}." if offers.gone else ""
        back = f"{provider.name} offers {names(offers.back)} again." if offers.back else ""
        if gone or back:
            shell.catalog_changed()
            tell(shell, f"{gone} {back}".strip(), severity="warning" if gone else "information")

    listed = [model.name for model in offered]
    shell.write("note what is offered", lambda: shell.store.catalog.note_offers(provider, listed), told)


class Reachability:
    """What is known of each provider as it is saved now; an edit makes it unknown again.

    ``changed`` is called whenever something became known.
    """

    def __init__(self, shell: Shell, changed: Callable[[], None]) -> None:
        self._shell = shell
        self._changed = changed
        self._answers: dict[tuple[int, str], State] = {}
        self._keys: dict[tuple[int, str], bool] = {}

    @staticmethod
    def _saved(provider: Provider) -> tuple[int, str]:
        return provider.id, provider.updated_at

    def state(self, provider: Provider) -> State:
        if provider.key_source == "env":
            has_key: bool | None = bool(os.environ.get(provider.key_name or ""))
        else:
            has_key = self._keys.get(self._saved(provider))
        return state_of(provider, self._answers.get(self._saved(provider)), has_key)

    async def look_around(self, providers: Sequence[Provider]) -> None:
        """Look for the keys in the keyring, and ask the servers on this machine; no other is asked."""
        if not self._shell.looks_around:
            return
        for provider in providers:
            if provider.key_source == "keyring" and self._saved(provider) not in self._keys:
                self._keys[self._saved(provider)] = await has_key_in_keyring(provider)
                self._changed()
        unasked = [
            provider
            for provider in providers
            if provider.enabled
            and provider.local
            and provider.kind not in LOCAL_KINDS
            and self._saved(provider) not in self._answers
        ]

        async def ask(provider: Provider) -> None:
            with contextlib.suppress(LocalChatError):  # the state tells it
                await self.ask(provider)

        await asyncio.gather(*map(ask, unasked))

    async def ask(self, provider: Provider) -> list[RemoteModel]:
        """Ask one for its models and remember how that went. Raises what its client raises."""
        self._answers[self._saved(provider)] = ASKING
        self._changed()
        try:
            models = await models_of(self._shell, provider)
        except LocalChatError as error:
            words = error.title.lower()
            detail = one_line(f"{error.message} {advice(error, CATALOG)}")
            self._answers[self._saved(provider)] = State("○", words, "$warning", detail)
            raise
        except BaseException:
            self._answers.pop(self._saved(provider), None)
            raise
        else:
            offers = f"offers {count(len(models), 'model')}"
            self._answers[self._saved(provider)] = State("●", "answers", "$success", offers)
            return models
        finally:
            self._changed()


async def has_key_in_keyring(provider: Provider) -> bool:
    """In a thread: a desktop's keyring may ask its owner first."""
    from localchat.providers import keys

    return await asyncio.to_thread(keys.has_key, provider)
