"""One turn as a stream of events; no screen, no socket. What the rest of the program asks of it stands here."""

from localchat.turns.context import (
    as_line,
    budget_of,
    context_of,
    estimate,
    estimate_of,
    fill,
    lines_that_fit,
    messages_that_fit,
    summarised,
    system_of,
)
from localchat.turns.events import Began, Chunk, Ended, Event, LeftOut, Thought, Waiting
from localchat.turns.requests import Connect, Continue, Edit, NewTurn, Regenerate, TurnRequest
from localchat.turns.resolution import answerer, consent_to, resolve, takes_images
from localchat.turns.sending import send, tells_of_offers

__all__ = [
    "Began",
    "Chunk",
    "Connect",
    "Continue",
    "Edit",
    "Ended",
    "Event",
    "LeftOut",
    "NewTurn",
    "Regenerate",
    "Thought",
    "TurnRequest",
    "Waiting",
    "answerer",
    "as_line",
    "budget_of",
    "consent_to",
    "context_of",
    "estimate",
    "estimate_of",
    "fill",
    "lines_that_fit",
    "messages_that_fit",
    "resolve",
    "send",
    "summarised",
    "system_of",
    "takes_images",
    "tells_of_offers",
]
