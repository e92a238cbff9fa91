"""Answers from the prompt alone: for tests, demos and offline work on flows. What it understands: docs/echo.md."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncGenerator
from dataclasses import dataclass

from localchat.errors import (
    ASK_AGAIN,
    BY_CODE,
    ConfirmRemote,
    FallbackRefused,
    InvalidInput,
    LocalChatError,
    NoDefaultModel,
    NotFound,
    ProviderNotConfigured,
    ProviderUnavailable,
    RateLimited,
    ReplyCut,
)  # fmt: skip
from localchat.records import Finished, Piece, ReasoningPiece, RemoteModel, Request, TextPiece, Usage
from localchat.text import one_line

LONGEST_PAUSE = 3600.0  # seconds between two words
_NUMBER = re.compile(r"\d{1,9}(\.\d{1,9})?|\.\d{1,9}", re.ASCII)
_COUNT = re.compile(r"\d{1,9}", re.ASCII)
_HINT = "It understands `/echo slow SECONDS TEXT`, `fail CODE TEXT`, `cut N TEXT`, `think TEXT` and `markdown`."


def words_of(text: str) -> list[str]:
    """The text in pieces of one word each, with the white space before it; joined they are the text again."""
    return re.findall(r"\s*\S+(?:\s+\Z)?|\s+\Z", text)


@dataclass(frozen=True)
class _Script:
    """What the prompt asks for. ``cut``: break after so many words; ``pause``: seconds between two words."""

    text: str
    reasoning: str = ""
    pause: float = 0.0
    cut: int | None = None
    error: LocalChatError | None = None


class EchoClient:
    """The reply to TEXT is TEXT, word by word; a prompt that begins with ``/echo`` steers it."""

    async def stream(self, request: Request) -> AsyncGenerator[Piece, None]:
        """Raises InvalidInput for steering it does not understand, and whatever error the prompt asks for."""
        prompt = next((line.content for line in reversed(request.lines) if line.role == "user"), "")
        script = _script(prompt)
        if script.error is not None:
            raise script.error
        for word in words_of(script.reasoning):
            yield ReasoningPiece(word)
            await asyncio.sleep(script.pause)
        words = words_of(script.text)
        limit = request.parameters.get("max_tokens")
        most = limit if isinstance(limit, int) else len(words)
        for number, word in enumerate(words):
            if number == script.cut or number == most:
                break
            await asyncio.sleep(script.pause if number else 0)
            yield TextPiece(word)
        if script.cut is not None:
            raise _break_after(min(script.cut, len(words)))
        said = sum(len(line.content.split()) for line in request.lines) + len(request.system.split())
        answered = min(most, len(words))
        yield Finished("length" if answered < len(words) else "stop", Usage(said, answered))

    async def models(self) -> list[RemoteModel]:
        """Three names for the same thing, so that flows between models can be tried."""
        return [RemoteModel("echo"), RemoteModel("parrot"), RemoteModel("mirror")]

    async def aclose(self) -> None:
        """Nothing is held."""


def _break_after(words: int) -> LocalChatError:
    if words == 0:
        return ProviderUnavailable("echo broke off before the first word, as it was told.", remedy=ASK_AGAIN)
    count = "1 word" if words == 1 else f"{words} words"
    return ReplyCut(f"The reply broke off after {count}, as echo was told.", remedy=ASK_AGAIN)


def _script(prompt: str) -> _Script:
    """Read the steering. Raises InvalidInput naming what is wrong with it."""
    if prompt != "/echo" and not re.match(r"/echo\s", prompt):
        return _Script(prompt)
    verb, rest = _first_word(prompt[len("/echo") :].lstrip())
    match verb:
        case "slow":
            seconds, text = _first_word(rest)
            if not _NUMBER.fullmatch(seconds) or float(seconds) > LONGEST_PAUSE:
                raise _not_understood(f"slow needs seconds from 0 to {LONGEST_PAUSE:.0f}", seconds)
            return _Script(text, pause=float(seconds))
        case "fail":
            code, text = _first_word(rest)
            return _Script("", error=_error(code, text))
        case "cut":
            count, text = _first_word(rest)
            if not _COUNT.fullmatch(count):
                raise _not_understood("cut needs a whole number of words, 0 or more", count)
            return _Script(text, cut=int(count))
        case "think":
            return _Script(rest, reasoning=f"I was told {len(rest.split())} words. I will say them again.\n")
        case "markdown":
            return _Script(SAMPLE)
    raise _not_understood("no such instruction", verb)


def _first_word(text: str) -> tuple[str, str]:
    """The first word, and what follows the one white-space character behind it, untouched."""
    found = re.match(r"(\S*)\s?", text)
    return (found[1], text[found.end() :]) if found else ("", text)


def _not_understood(what: str, word: str) -> InvalidInput:
    shown = f"not “{one_line(word, 60)}”" if word else "and there is nothing"
    return InvalidInput(f"echo does not understand this /echo prompt: {what}, {shown}.", _HINT)


def _error(code: str, text: str) -> LocalChatError:
    """The error of this code, saying TEXT; where the message is fixed by the contract, TEXT becomes the hint."""
    kind = BY_CODE.get(code)
    if kind is None:
        raise _not_understood(f"fail needs one of {', '.join(BY_CODE)}", code)
    said = text.strip()
    if issubclass(kind, (ProviderNotConfigured, NoDefaultModel)):
        return kind(said) if said else kind()
    if issubclass(kind, NotFound):
        return kind(hint=said) if said else kind()
    if issubclass(kind, ConfirmRemote):
        return kind("echo", said or "another model", "another machine")
    if issubclass(kind, FallbackRefused):
        return kind("echo", said or "another model", "was removed")
    message = said or f"echo failed with {code}, as it was told."
    if issubclass(kind, RateLimited):
        return kind(message, "Wait a second.", retry_after=1.0, remedy=ASK_AGAIN)
    return kind(message, remedy=ASK_AGAIN)


SAMPLE = """\
# Everything at once

This is what a long answer may hold: **bold**, *italic*, ***both***, ~~struck~~, `inline code`, a
[link](https://example.org/a?b=c#d), a bare address <https://example.org>, and a line that ends  \
with a hard break.

## Lists

1. First, with a line that is long enough to be wrapped in any terminal that is not very wide, so that the indentation \
of the second line can be seen.
2. Second
   - nested once
     - nested twice, with `code`
       - nested three times
   - and back
3. Third

   A paragraph inside an item.

- [ ] open
- [x] done

## A table

| Language | Typing  | Year | Note                         |
|:---------|:-------:|-----:|------------------------------|
| Python   | dynamic | 1991 | `print("hello")`             |
| Rust     | static  | 2015 | **ownership**                |
| SQL      | static  | 1974 | wide 漢字 cells and a \\| pipe |

## Code

```python
from collections.abc import Iterator


def primes(limit: int) -> Iterator[int]:
    \"\"\"All primes below the limit.\"\"\"
    sieve = bytearray([1]) * limit
    for n in range(2, limit):
        if sieve[n]:
            yield n
            sieve[n * n :: n] = bytes(len(range(n * n, limit, n)))
```

```sql
begin immediate;
update accounts set balance = balance - 10 where id = 1;
update accounts set balance = balance + 10 where id = 2;
commit;
```

```rust
fn main() {
    let words = ["calm", "dense", "airy"];
    println!("{}", words.join(", ")); // a long comment at the end of a line, to see what happens to it
}
```

    indented code, without a language

## A quote

> Models come and go. Chats stay.
>
> > And a quote in a quote,
> > of two lines.
>
> - with a list

---

### Scripts

- Emoji: 🙂 👩‍🚀 👍🏽 🇵🇹 ✅
- Chinese: 数据库被锁定了。再试一次。
- Japanese: 会話は残ります。モデルは去ります。
- Korean: 대화는 남습니다.
- Arabic: المحادثات تبقى والنماذج تذهب.
- Hebrew: השיחות נשארות.
- Greek and Cyrillic: Καλημέρα, доброе утро.
- Combining: e\u0301 a\u0308 n\u0303 Z͑a̍l͖g̣o

#### Not markup

[/] [/foo] [@click=app.quit]click[/] [b]not bold[/b] <b>not bold</b> &amp; &lt; \\*not italic\\*

##### The end

That was all of it.
"""
