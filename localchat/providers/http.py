"""The one way to a server, for every client: what may be sent, and how much may come back.

To be imported on first use (``loading.preload``): httpx2 takes a tenth of a second.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from typing import Any

import httpx2

from localchat import __version__
from localchat.errors import ProviderRejected
from localchat.providers import failures
from localchat.providers.failures import Place
from localchat.providers.limits import Breath, Budgets

Rewrite = Callable[[AsyncIterator[bytes], Place], AsyncIterator[bytes]]

_PART = 64 * 1024  # bytes that decompression yields at once
# What of an SDK's own headers is sent on. The rest tells about this machine, or comes from environment variables that
# are meant for another endpoint (organisation, project, token).
_KEPT_HEADERS = frozenset({
    "host", "accept", "connection", "content-type", "content-length", "transfer-encoding",
    "anthropic-version", "anthropic-beta",
})  # fmt: skip


def open_http(
    base_url: str,
    headers: Mapping[str, str],
    place: Place,
    budgets: Budgets,
    *,
    silence: float | None = None,
    rewrite: Rewrite | None = None,
) -> httpx2.AsyncClient:
    """A client that sends ``headers`` and no other secret, follows no one elsewhere, and reads no more than the budgets
    allow, whoever reads through it.

    ``silence``: seconds without a byte that end a request; None leaves that to the clock of the reply. ``rewrite`` is
    put between a reply and whoever reads it. Reading raises ``failures.Unreadable`` beyond the budgets, and
    ProviderRejected for a redirect or a web page.
    """

    async def only_ours(request: httpx2.Request) -> None:
        for name in [name for name in request.headers if name.lower() not in _KEPT_HEADERS]:
            del request.headers[name]
        request.headers.update({
            "user-agent": f"localchat/{__version__}", "accept-encoding": "gzip, deflate", **headers,
        })  # fmt: skip

    async def no_more(response: httpx2.Response) -> None:
        _refuse_elsewhere(response, place)
        response.stream = _bounded(response, place, budgets, rewrite)
        response.headers.pop("content-encoding", None)  # the bounded stream has undone it

    return httpx2.AsyncClient(
        timeout=httpx2.Timeout(silence, connect=budgets.connect),
        event_hooks={"request": [only_ours], "response": [no_more]},
        follow_redirects=False,
        trust_env=not place.local,  # a proxy does not lead to this machine
        verify=base_url.startswith("https"),
    )


def _refuse_elsewhere(response: httpx2.Response, place: Place) -> None:
    status = response.status_code
    if 300 <= status < 400:
        there = place.quote(response.headers.get("location", "elsewhere"))
        raise ProviderRejected(
            f"{place.name} at {place.address} points elsewhere ({status}: {there}).",
            "If you trust that, set its address to it.",
            remedy=place.edit,
        )
    if status < 300 and media_type(response) == "text/html":
        raise ProviderRejected(
            f"At {place.address} there is a web page, not a model server.",
            f"The address of {place.name} may need a path such as /v1.",
            remedy=place.edit,
        )


def media_type(response: httpx2.Response) -> str:
    """The media type without its parameters, in lower case."""
    return str(response.headers.get("content-type", "")).partition(";")[0].strip().lower()


def _bounded(response: httpx2.Response, place: Place, budgets: Budgets, rewrite: Rewrite | None) -> _Bounded:
    assert isinstance(response.stream, httpx2.AsyncByteStream)
    encoding = response.headers.get("content-encoding", "").strip().lower()
    if response.status_code >= 400:
        what = f"an error ({response.status_code}) longer than {failures.size_words(budgets.error)}"
        return _Bounded(response.stream, encoding, place, budgets.error, what)
    if media_type(response) == "text/event-stream":
        what = f"more than {failures.size_words(budgets.stream)} for one reply"
        return _Bounded(response.stream, encoding, place, budgets.stream, what, budgets.line, rewrite)
    what = f"more than {failures.size_words(budgets.reply)}"
    return _Bounded(response.stream, encoding, place, budgets.reply, what, rewrite=rewrite)


class _Bounded(httpx2.AsyncByteStream):
    """A body, decompressed piece by piece and counted as it grows, so that what would fill the memory never stands in
    it. ``most`` bytes in all, ``line`` in one line."""

    def __init__(
        self,
        stream: httpx2.AsyncByteStream,
        encoding: str,
        place: Place,
        most: int,
        what: str,
        line: int | None = None,
        rewrite: Rewrite | None = None,
    ) -> None:
        self._stream = stream
        self._decode = _decoder(encoding, place)
        self._place = place
        self._most = most
        self._what = what
        self._line = line
        self._rewrite = rewrite

    async def __aiter__(self) -> AsyncIterator[bytes]:
        counted = self._counted()
        async for part in counted if self._rewrite is None else self._rewrite(counted, self._place):
            yield part

    async def _counted(self) -> AsyncIterator[bytes]:
        total, open_line, breath = 0, 0, Breath()
        async for raw in self._stream:
            for part in self._decode(raw):
                await breath.taken()
                total += len(part)
                if total > self._most:
                    raise failures.exceeded(self._place, self._what)
                if self._line is not None:
                    open_line = self._measured(open_line, part, self._line)
                yield part

    def _measured(self, before: int, part: bytes, most: int) -> int:
        """How long the last line is now, ``before`` bytes of which came earlier."""
        last = max(part.rfind(b"\n"), part.rfind(b"\r"))
        if before + len(part) > most:
            first, *others = map(len, part.splitlines())
            if max(before + first, *others, 0) > most:
                raise failures.exceeded(self._place, f"a line longer than {failures.size_words(most)}")
        return len(part) - last - 1 if last >= 0 else before + len(part)

    async def aclose(self) -> None:
        await self._stream.aclose()


def _decoder(encoding: str, place: Place) -> Callable[[bytes], Iterator[bytes]]:
    """Undoes what ``content-encoding`` says, a little at a time."""
    if encoding in ("", "identity"):
        return lambda raw: iter((raw,))
    if encoding not in ("gzip", "x-gzip", "deflate"):
        raise failures.not_understood(place)
    return _Inflated(encoding, place)


class _Inflated:
    def __init__(self, encoding: str, place: Place) -> None:
        self._place = place
        self._gzip = encoding != "deflate"
        self._engine = zlib.decompressobj(zlib.MAX_WBITS | 16 if self._gzip else zlib.MAX_WBITS)
        self._fresh = True

    def __call__(self, raw: bytes) -> Iterator[bytes]:
        while True:
            try:
                part = self._engine.decompress(raw, _PART)
            except zlib.error as error:
                if not self._fresh or self._gzip:
                    raise failures.not_understood(self._place) from error
                self._engine = zlib.decompressobj(-zlib.MAX_WBITS)  # without its header, as some send it
                self._fresh = False
                continue
            self._fresh = False
            if part:
                yield part
            raw = self._engine.unconsumed_tail
            if self._engine.eof:
                if not self._gzip or not self._engine.unused_data:
                    return
                raw = self._engine.unused_data  # gzip may go on with another member
                self._engine = zlib.decompressobj(zlib.MAX_WBITS | 16)
            elif not raw and len(part) < _PART:
                return


async def get_json(http: httpx2.AsyncClient, url: str, place: Place) -> tuple[int, Any]:
    """Status and body of a GET: JSON where it is some, else its text. Raises ProviderUnavailable, also beyond the
    budgets."""
    try:
        response = await http.get(url)
    except httpx2.TimeoutException as error:
        raise failures.no_answer(place, "no answer in time") from error
    except (httpx2.HTTPError, httpx2.InvalidURL) as error:
        raise failures.no_answer(place, failures.reason_of(error)) from error
    return response.status_code, parsed(response.content)


def parsed(body: str | bytes) -> Any:
    """JSON where it is some, else the text as it is."""
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return body if isinstance(body, str) else body.decode("utf-8", "replace")
