"""localchat's own two themes: calm, one accent colour, warnings for notices only."""

from __future__ import annotations

from textual.theme import Theme

DARK = Theme(
    name="localchat-dark",
    primary="#7aa2d6",
    secondary="#8a93a6",
    accent="#e0af68",
    warning="#d7a65f",
    error="#e06c75",
    success="#8fbf7f",
    foreground="#d8dae0",
    background="#16181d",
    surface="#1b1e24",
    panel="#262a33",
    dark=True,
)
LIGHT = Theme(
    name="localchat-light",
    primary="#2f5d9b",
    secondary="#5b6475",
    accent="#9a5b00",
    warning="#8f5a00",
    error="#b3261e",
    success="#2e7d32",
    foreground="#22252b",
    background="#fbfaf7",
    surface="#f3f1ec",
    panel="#e6e3dc",
    dark=False,
)
