"""What endpoints say, in every dialect that we know, and in our words."""

from __future__ import annotations

import pytest

from localchat.errors import ContextTooLong
from localchat.providers import failures
from localchat.providers.failures import Place

HERE = Place("acme", "localhost:1", local=True, key_hint="", key="sk-secret")


@pytest.mark.parametrize(
    ("body", "limit", "tokens"),
    [
        ({"message": "This model's maximum context length is 8192 tokens. However, your messages resulted in 9000 "
          "tokens.", "code": "context_length_exceeded"}, 8192, 9000),
        ({"message": "Input tokens exceed the configured limit of 272000 tokens. Your messages resulted in 300000 "
          "tokens. Please reduce the length of the messages.", "code": "context_length_exceeded"}, 272000, 300000),
        ({"error": {"message": "This model's maximum context length is 4096 tokens. However, you requested 5000 tokens "
          "(4500 in the messages, 500 in the completion). Please reduce the length of the messages."}}, 4096, 4500),
        ({"error": {"message": "This endpoint's maximum context length is 8192 tokens. However, you requested about "
          "9000 tokens (8900 of text input)."}}, 8192, 9000),
        ({"type": "error", "error": {"type": "invalid_request_error",
          "message": "prompt is too long: 210000 tokens > 200000 maximum"}}, 200000, 210000),
        ({"error": {"message": "input length and `max_tokens` exceed context limit: 199000 + 8192 > 200000"}},
         200000, 199000),
        ({"error": {"code": 400, "status": "INVALID_ARGUMENT",
          "message": "The input token count (1200000) exceeds the maximum number of tokens allowed (1048576)."}},
         1048576, 1200000),
        ({"code": 400, "message": "request (6031 tokens) exceeds the available context size (4096 tokens)",
          "type": "exceed_context_size_error", "n_prompt_tokens": 6031, "n_ctx": 4096}, 4096, 6031),
        ({"error": "Trying to keep the first 5000 tokens when context the overflows. However, the model is loaded with "
          "context length of only 4096 tokens, which is not enough."}, 4096, 5000),
        ({"message": "Prompt contains 40000 tokens, too large for model with 32768 maximum context length"},
         32768, 40000),
        ({"error": "This model's maximum prompt length is 131072 but the request contains 200000 tokens."},
         131072, 200000),
        ({"error": {"message": "the input length exceeds the context length"}}, None, None),
        ("Please reduce the length of the messages or completion.", None, None),
    ],
)  # fmt: skip
def test_an_overflow_is_known_in_every_dialect(body: object, limit: int | None, tokens: int | None) -> None:
    for status in (400, 413, 500):
        error = failures.refusal(HERE, status, body)
        assert isinstance(error, ContextTooLong)
        assert (error.limit, error.tokens) == (limit, tokens)


@pytest.mark.parametrize("body", ["bad request", {"error": {"message": "context must be a string"}}, None, [], 5, ""])
def test_other_refusals_are_no_overflow(body: object) -> None:
    assert failures.refusal(HERE, 400, body).code == "provider_rejected"


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({"error": {"message": "one"}}, "one"),
        ({"error": "two"}, "two"),
        ({"message": "three"}, "three"),
        ({"detail": "four"}, "four"),
        ({"detail": [{"loc": ["body"], "msg": "five"}]}, "five"),
        ([{"error": {"message": "six"}}], "six"),
        (b'{"error": {"message": "seven"}}', "seven"),
        ('{"error": {"message": "{\\"error\\": {\\"message\\": \\"eight\\"}}"}}', "eight"),
        ("<!DOCTYPE html><html><head><title>nine &amp; ten</title></head></html>", "nine & ten"),
        ("<html><body>no title</body></html>", ""),
        ("plain", "plain"),
        ("{broken", "{broken"),
        ("[" * 100_000, "[" * 100_000),
        (None, ""),
        ({}, ""),
        ([], ""),
        (17, ""),
        ({"error": {}}, ""),
        ({"error": None}, ""),
    ],
)
def test_the_words_for_people_are_found_in_any_body(body: object, words: str) -> None:
    assert failures.said(body) == words


def test_what_is_quoted_is_one_short_line_without_key_or_control_characters() -> None:
    quoted = HERE.quote("no\n\x1b]0;title\x07 sk-secret \u202ehere" + " and so on" * 100)
    assert quoted.startswith("no ]0;title … here and so on")
    assert len(quoted) <= 300


@pytest.mark.parametrize(
    ("status", "code"),
    [(400, "provider_rejected"), (401, "provider_rejected"), (402, "provider_rejected"), (403, "provider_rejected"),
     (404, "provider_rejected"), (408, "provider_unavailable"), (409, "provider_rejected"), (418, "provider_rejected"),
     (422, "provider_rejected"), (429, "rate_limited"), (451, "provider_rejected"), (500, "provider_unavailable"),
     (502, "provider_unavailable"), (503, "provider_unavailable"), (504, "provider_unavailable"),
     (529, "provider_unavailable"), (599, "provider_unavailable")],
)  # fmt: skip
def test_every_status_has_its_code(status: int, code: str) -> None:
    assert failures.refusal(HERE, status, {"error": {"message": "no"}}).code == code


def test_google_says_400_where_the_key_is_wrong() -> None:
    body = {"error": {"code": 400, "message": "API key not valid.", "details": [{"reason": "API_KEY_INVALID"}]}}
    error = failures.refusal(HERE, 400, body)
    assert error.message == "acme refused the key (400): API key not valid."


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0, "1 s"), (0.2, "1 s"), (7, "7 s"), (7.1, "8 s"), (90, "90 s"), (91, "2 min"), (3600, "60 min"), (7200, "2 h")],
)
def test_a_wait_is_told_rounded_up(seconds: float, words: str) -> None:
    assert failures.wait_words(seconds) == words
