"""Sentences of both interfaces."""

from __future__ import annotations

from localchat.records import ModelName
from localchat.wording import fell_back

OLD, NEW = ModelName(1, "zeta", "z1", removed=True), ModelName(2, "zeta", "z1", removed=False)
ELSEWHERE = ModelName(3, "alpha", "z1", removed=False)


def test_models_of_one_name_are_told_apart_by_their_providers_or_refs() -> None:
    assert fell_back(OLD, NEW, "removed") == "The earlier z1 was removed. Another z1, of zeta, answers now."
    assert fell_back(OLD, NEW, "removed", refs=True) == fell_back(OLD, NEW, "removed")
    assert fell_back(ELSEWHERE, NEW, "disabled") == "The z1 of alpha is switched off. Another z1, of zeta, answers now."
    assert fell_back(OLD, ELSEWHERE, "removed", refs=True) == "zeta/z1 was removed. alpha/z1 answers now."


def test_what_is_read_later_is_told_in_the_past() -> None:
    assert fell_back(OLD, None, "removed", refs=True, past=True) == "zeta/z1 was removed. Another model answered."
    assert fell_back(OLD, ModelName(4, "a", "b", removed=False), "disabled", past=True) == (
        "z1 was switched off. b answered."
    )
