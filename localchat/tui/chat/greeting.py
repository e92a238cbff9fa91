"""What a new chat shows: who will answer, what that costs once, and what else there is to do."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from textual.app import ComposeResult, RenderResult
from textual.containers import VerticalScroll
from textual.content import Content
from textual.reactive import reactive
from textual.widgets import Static

from localchat.records import BUILT_IN_MODEL, Model, Provider
from localchat.text import count, one_line


@dataclass(frozen=True, slots=True)
class Offer:
    """A server found on this machine: its name, its address, and how many models it has."""

    name: str
    address: str
    models: int

    @property
    def words(self) -> str:
        return f"{self.name} at {self.address} ({count(self.models, 'model')})"


USUAL = "add Ollama, OpenAI, Anthropic, another server, or a GGUF file"


def services_with_a_key(providers: Iterable[Provider], environ: Mapping[str, str]) -> tuple[str, ...]:
    """Well-known services whose usual variable is set, and that are not among the providers."""
    from localchat.providers.presets import TEMPLATES

    there = {(provider.kind, provider.base_url) for provider in providers}
    kinds = {kind for kind, url in there if url is None}
    return tuple(
        template.name
        for template in TEMPLATES
        if template.key_env
        and environ.get(template.key_env)
        and (template.kind, template.base_url) not in there
        and template.kind not in kinds
    )


def next_step(offers: tuple[Offer, ...], services: tuple[str, ...]) -> tuple[str, str]:
    """The one step that gives answers worth more: its key, and what it does. A server found on this machine comes
    first, then a service whose key stands in the environment, then whatever the person has."""
    if offers:
        return "f3", f"add {offers[0].words}, found on this machine"
    if services:
        return "f2", f"add {services[0]}: its key is in the environment"
    return "f2", USUAL


class _Words(Static):
    model: reactive[Model | None] = reactive(None, layout=True)
    built_in: reactive[bool] = reactive(False, layout=True)
    weights_here: reactive[bool] = reactive(False, layout=True)
    offers: reactive[tuple[Offer, ...]] = reactive((), layout=True)
    services: reactive[tuple[str, ...]] = reactive((), layout=True)

    def render(self) -> RenderResult:
        parts: list[Content | str | tuple[str, str]] = [
            ("localchat\n", "bold"),
            ("Models come and go. Chats stay.\n\n", "dim"),
        ]
        model = self.model
        if model is None:
            parts += ["There is no default model, so nobody can answer yet.\n\n"]
        elif self.built_in and model.model == BUILT_IN_MODEL:
            parts += [("❯ ", "$accent"), "Say something. SmolLM2 135M will answer, inside this program, offline.\n"]
            once = "" if self.weights_here else " The first message fetches 98 MB, once."
            parts += [(f"  Good for a try; often wrong.{once}\n\n", "dim")]
        else:
            parts += [
                ("❯ ", "$accent"),
                f"Say something. {one_line(model.model)} · {one_line(model.provider)} will answer.\n\n",
            ]
        key, words = next_step(self.offers, self.services)
        parts += [(f"  {key}   ", "$accent"), (f"{words}\n", "bold" if key == "f3" or self.services else "")]
        if key != "f2":
            parts += [("  f2   ", "$accent"), f"{USUAL}\n"]
        parts += [("  ^o   ", "$accent"), "choose another model for this chat\n"]
        parts += [("  f1   ", "$accent"), "every key of this place"]
        for offer in self.offers[1:]:
            parts += ["\n\n  also found on this machine: ", offer.words]
        return Content.assemble(*parts)


class Greeting(VerticalScroll, can_focus=False):
    """Shown in place of the transcript as long as a chat has no message."""

    DEFAULT_CSS = """
    Greeting {
      padding: 1 2; align-vertical: middle; scrollbar-size-vertical: 1;
      & > _Words { width: auto; max-width: 100%; height: auto; margin-left: 2; }
    }
    """

    def compose(self) -> ComposeResult:
        yield _Words()

    def say(self, model: Model | None, *, built_in: bool, weights_here: bool, services: tuple[str, ...] = ()) -> None:
        """``services``: those whose key is in the environment and that are not among the providers yet."""
        words = self.query_one(_Words)
        words.model, words.built_in, words.weights_here = model, built_in, weights_here
        words.services = services

    def offer(self, offers: tuple[Offer, ...]) -> None:
        """At most the first two are shown; f3 adds the first."""
        self.query_one(_Words).offers = offers[:2]
