"""What a new chat shows: who will answer, what that is good for, and the one step that gives more."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from textual.app import ComposeResult, RenderResult
from textual.containers import VerticalScroll
from textual.content import Content
from textual.reactive import reactive
from textual.widgets import Static

from localchat.providers import extras
from localchat.providers.embedded.weights import SIZE_WORDS
from localchat.providers.presets import TEMPLATES, Template
from localchat.records import BUILT_IN_MODEL, Model, Provider
from localchat.text import count, one_line
from localchat.tui.catalog.words import place_words


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


@dataclass(frozen=True, slots=True)
class Answerer:
    """Who will answer, and what that is good for, where anything is to be said of it. ``enough``: it needs no step to
    be useful. ``can``: whether it is able to at all."""

    name: str
    where: str
    good_for: str = ""
    enough: bool = True
    can: bool = True


def answerer(model: Model, provider: Provider | None, *, weights_here: bool = True) -> Answerer:
    """``weights_here``: whether the model in the box can answer without fetching them."""
    kind = provider.kind if provider is not None else ""
    if kind == "embedded" and extras.missing(kind):
        return Answerer(
            one_line(model.model), "", "It runs on llama.cpp, which is not installed here.", False, can=False
        )
    if kind == "embedded" and model.model == BUILT_IN_MODEL:
        once = "" if weights_here else f" The first message fetches {SIZE_WORDS}, once."
        words = f"Good for a try; often wrong.{once}"
        return Answerer("SmolLM2 135M", "inside this program, offline", words, enough=False)
    name = f"{one_line(model.model)} · {one_line(model.provider)}"
    if kind == "echo":
        return Answerer(name, "inside this program", "Good for tests: it repeats what it gets.", enough=False)
    if kind == "replay":
        return Answerer(name, "inside this program", "Good for tests and demos: it answers as an export did.")
    return Answerer(name, place_words(provider) if provider is not None else "")


def services_with_a_key(providers: Iterable[Provider], environ: Mapping[str, str]) -> tuple[Template, ...]:
    """Well-known services whose usual variable is set, and that are not among the providers."""
    there = {(provider.kind, provider.base_url) for provider in providers}
    kinds = {kind for kind, url in there if url is None}
    return tuple(
        template
        for template in TEMPLATES
        if template.key_env
        and environ.get(template.key_env)
        and (template.kind, template.base_url) not in there
        and template.kind not in kinds
    )


def next_step(offers: tuple[Offer, ...], services: tuple[Template, ...]) -> tuple[str, str]:
    """The one step that gives answers worth more: its key, and what it does. A server found on this machine comes
    first, then a service whose key stands in the environment, then whatever the person has."""
    if offers:
        return "f3", f"add {offers[0].words}, found on this machine"
    if services:
        return "f3", f"add {services[0].name}: its key is in ${services[0].key_env}"
    return "f2", USUAL


class _Words(Static):
    answerer: reactive[Answerer | None] = reactive(None, layout=True)
    offers: reactive[tuple[Offer, ...]] = reactive((), layout=True)
    services: reactive[tuple[Template, ...]] = reactive((), layout=True)

    def render(self) -> RenderResult:
        parts: list[Content | str | tuple[str, str]] = [
            ("localchat\n", "bold"),
            ("Models come and go. Chats stay.\n\n", "dim"),
        ]
        who = self.answerer
        if who is None:
            parts += ["There is no default model, so nobody can answer yet.\n"]
        else:
            where = f", {who.where}" if who.where else ""
            told = f"Say something. {who.name} will answer{where}." if who.can else f"{who.name} cannot answer yet."
            parts += [("❯ ", "$accent"), f"{told}\n"]
            parts += [(f"  {who.good_for}\n", "dim")] if who.good_for else []
        key, words = next_step(self.offers, self.services)
        step = key == "f3" or who is None or not who.enough
        if step:
            parts += ["\n", (f"  {key}   ", "$accent"), (f"{words}\n", "bold")]
        others = [("^o", "another model"), ("f1", "keys")]
        if key != "f2" or not step:
            others.insert(0, ("f2", "another provider"))
        parts.append("\n ")
        for key, does in others:
            parts += [(f" {key}", "$accent"), (f" {does}  ", "dim")]
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

    def say(self, who: Answerer | None, services: tuple[Template, ...] = ()) -> None:
        """``services``: those whose key is in the environment and that are not among the providers yet; f3 adds the
        first."""
        words = self.query_one(_Words)
        words.answerer, words.services = who, services

    def offer(self, offers: tuple[Offer, ...]) -> None:
        """Servers found; f3 adds the first."""
        self.query_one(_Words).offers = offers
