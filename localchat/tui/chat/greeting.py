"""What a new chat shows: who will answer, what that costs once, and what else there is to do."""

from __future__ import annotations

from dataclasses import dataclass

from textual.app import ComposeResult, RenderResult
from textual.containers import VerticalScroll
from textual.content import Content
from textual.reactive import reactive
from textual.widgets import Static

from localchat.records import BUILT_IN_MODEL, Model
from localchat.text import count, one_line


@dataclass(frozen=True, slots=True)
class Offer:
    """A server found on this machine: its name, its address, and how many models it has."""

    name: str
    address: str
    models: int


class _Words(Static):
    model: reactive[Model | None] = reactive(None, layout=True)
    built_in: reactive[bool] = reactive(False, layout=True)
    weights_here: reactive[bool] = reactive(False, layout=True)
    offers: reactive[tuple[Offer, ...]] = reactive((), layout=True)

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
            once = "" if self.weights_here else " The first message fetches it: 98 MB, once."
            parts += [(f"  It is tiny and often wrong.{once}\n\n", "dim")]
        else:
            parts += [
                ("❯ ", "$accent"),
                f"Say something. {one_line(model.model)} · {one_line(model.provider)} will answer.\n\n",
            ]
        parts += [
            ("  f2   ", "$accent"),
            "add Ollama, OpenAI, Anthropic, another server, or a GGUF file\n",
        ]
        parts += [("  ^o   ", "$accent"), "choose another model for this chat\n"]
        parts += [("  f1   ", "$accent"), "every key of this place"]
        for offer in self.offers:
            what = f"{offer.name} at {offer.address} ({count(offer.models, 'model')})"
            parts += ["\n\n  found on this machine: ", (what, "bold"), ("   f3", "$accent"), " adds it"]
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

    def say(self, model: Model | None, *, built_in: bool, weights_here: bool) -> None:
        words = self.query_one(_Words)
        words.model, words.built_in, words.weights_here = model, built_in, weights_here

    def offer(self, offers: tuple[Offer, ...]) -> None:
        """At most the first two are shown; f3 adds the first."""
        self.query_one(_Words).offers = offers[:2]
