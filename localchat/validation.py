"""What a provider and a model may be made of. Everything refused is InvalidInput that names it and what to do instead.

Nothing here reads the store. What may be a key that was pasted by mistake is never repeated in a message.
"""

from __future__ import annotations

import contextlib
import ipaddress
import json
import os
import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import SplitResult, unquote, urlsplit

from localchat.errors import InvalidInput, Remedy, Way
from localchat.records import BUILT_IN_MODEL, KINDS, LOCAL_KINDS, KeySource
from localchat.text import one_line, storable

NAME_LENGTH = 64
MODEL_LENGTH = 200
URL_LENGTH = 2000
PATH_LENGTH = 4000
MOST_TOKENS = 100_000_000
HOTTEST = 5.0  # vendors stop at 1 or 2, local servers take more

_SLUG = re.compile(r"[a-z0-9._-]{1,64}")
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_KEY_BEGINS = re.compile(r"(sk|pk|gsk|hf|xai|r8|ghp|pplx|nvapi)[-_]|AIza")
_HOST = re.compile(r"[a-z0-9]([a-z0-9._-]*[a-z0-9])?\.?")
_KEY_SOURCES = ("none", "env", "keyring")


def quoted(text: str) -> str:
    """The text as an error names it: on one line, nothing in it that a terminal obeys, not endless."""
    return f"“{one_line(text, 80)}”"


def _shown(value: object) -> str:
    try:
        return quoted(str(value)[:40])
    except ValueError:  # Python does not write out a whole number of thousands of digits
        return "a number that long"


def folded(name: str) -> str:
    """Two names are the same to a person where these are equal: whatever their case and Unicode form."""
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", name).casefold())


def provider_name(name: str) -> str:
    if _SLUG.fullmatch(name):
        return name
    rule = f"1 to {NAME_LENGTH} of a-z 0-9 . _ -"
    suggestion = slug(name)
    if not name:
        raise InvalidInput("A provider needs a name.", f"Use {rule}.")
    raise InvalidInput(
        f"{quoted(name)} cannot be the name of a provider.",
        f"Use {rule}" + (f", for example {suggestion}." if suggestion else "."),
    )


def slug(name: str) -> str:
    """A valid provider name near to this text, or nothing where there is none."""
    plain = unicodedata.normalize("NFKD", name[:500]).lower()
    plain = "".join(c for c in plain if not unicodedata.combining(c))
    return re.sub(r"[^a-z0-9._]+", "-", plain).strip("-._")[:NAME_LENGTH].rstrip("-._")


def kind(name: str) -> str:
    if name not in KINDS:
        raise InvalidInput(f"{quoted(name)} is no kind of provider.", f"Kinds: {', '.join(KINDS)}.")
    return name


def model_name(name: str) -> str:
    """In NFC: the same letters typed on another system are the same name."""
    name = unicodedata.normalize("NFC", name[: MODEL_LENGTH * 4])
    if not name:
        raise InvalidInput("A model needs a name.", "Use the name that the provider gives it.")
    if len(name) > MODEL_LENGTH:
        raise InvalidInput(f"A model's name has at most {MODEL_LENGTH} characters.", "Use the provider's name for it.")
    if not name.isprintable():
        raise InvalidInput(
            f"The model name {quoted(name)} holds a character that cannot be seen.",
            "Control, zero-width and text-direction characters are not allowed in names.",
        )
    if name != name.strip():
        raise InvalidInput(f"The model name {quoted(name)} begins or ends with a space.", "Leave it out.")
    return name


@dataclass(frozen=True, slots=True)
class ReplayFile:
    """Where a provider of kind ``replay`` has its replies from; kept in the store as a ``file:`` URL.

    ``in_order``: the next reply answers, whatever is asked. ``at_once``: without the pauses of then.
    """

    path: Path
    in_order: bool = False
    at_once: bool = False

    @classmethod
    def parse(cls, text: str) -> ReplayFile:
        """From a path or such a URL. Raises InvalidInput."""
        parts = text.partition("?") if text.startswith("file:") else (text, "", "")
        given = unquote(parts[0].removeprefix("file://")) if text.startswith("file:") else text
        if os.name == "nt" and text.startswith("file:"):
            given = given.removeprefix("/")
        if not given or not given.isprintable() or given != storable(given) or len(given) > PATH_LENGTH:
            raise InvalidInput(
                "A provider of kind replay needs the file of an exported chat.",
                "Give its path, in visible characters.",
                remedy=Remedy(Way.EXPORT_CHAT),
            )
        try:
            path = Path(given).expanduser().absolute()
        except RuntimeError:  # ~somebody who does not exist
            raise InvalidInput(f"{quoted(given)} cannot be found.", "Write the path in full.") from None
        flags = parts[2].split("&")
        return cls(path, "in-order" in flags, "at-once" in flags)

    @property
    def url(self) -> str:
        flags = [name for name, on in (("in-order", self.in_order), ("at-once", self.at_once)) if on]
        return self.path.as_uri() + (f"?{'&'.join(flags)}" if flags else "")


def base_url(provider_kind: str, text: str | None) -> str | None:
    """The address without a slash at its end, scheme and host in lower case; None where the kind has a default."""
    text = (text or "").strip(" ")
    if provider_kind == "replay":
        return ReplayFile.parse(text).url
    if provider_kind in LOCAL_KINDS:
        if text:
            raise InvalidInput(f"A provider of kind {provider_kind} has no base URL.", "Leave it out.")
        return None
    if text:
        return _url(text)
    if provider_kind == "openai":
        raise InvalidInput(
            "A provider of kind openai needs a base URL.",
            "For example https://api.openai.com/v1, or http://localhost:11434/v1 for Ollama.",
        )
    return None


def _url(text: str) -> str:
    example = "For example https://api.openai.com/v1."
    if len(text) > URL_LENGTH:
        raise InvalidInput(f"A base URL has at most {URL_LENGTH} characters.", example)
    # urlsplit drops tabs and newlines in silence, and a backslash means a slash to some clients.
    if not text.isprintable() or " " in text or "\\" in text:
        raise InvalidInput("The base URL holds a space, a backslash or a character that cannot be seen.", example)
    if "@" in text.partition("://")[2].partition("/")[0]:  # before anything that would repeat the address
        raise InvalidInput(
            "The base URL holds a user name or a password.",
            "Keys are never kept in the store: name an environment variable, or use the keyring.",
        )
    if "?" in text or "#" in text:
        raise InvalidInput("A base URL has no query (?) and no fragment (#).", "End it with the path. " + example)
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        raise InvalidInput(f"{quoted(text)} is no address: host or port cannot be read.", example) from None
    if parts.scheme not in ("http", "https"):
        raise InvalidInput(f"{quoted(text)} does not begin with http:// or https://.", _with_scheme(text) or example)
    host = _host(parts, text)
    if port == 0:
        raise InvalidInput(f"{quoted(text)} has the port 0, where nothing can listen.", "Ports are 1 to 65535.")
    return f"{parts.scheme}://{host}{f':{port}' if port else ''}{parts.path.rstrip('/')}"


def _host(parts: SplitResult, text: str) -> str:
    host = parts.hostname or ""
    problem = InvalidInput(f"{quoted(text)} has no host that can be reached.", "For example http://localhost:11434/v1.")
    if parts.netloc.startswith("["):
        try:
            return f"[{ipaddress.IPv6Address(host)}]"
        except ValueError:
            raise problem from None
    if not host.isascii():
        try:
            host = host.encode("idna").decode("ascii")
        except UnicodeError:
            raise problem from None
    if not _HOST.fullmatch(host) or ".." in host or len(host) > 253:
        raise problem
    return host


def _with_scheme(text: str) -> str:
    """A guess at what was meant by ``localhost:11434/v1``."""
    bare = text.removeprefix("//")
    if "://" in bare or not re.match(r"[A-Za-z0-9.\[]", bare):
        return ""
    near = bare.lower().startswith(("localhost", "127.", "[::1]"))
    return f"Perhaps {'http' if near else 'https'}://{one_line(bare, 80)}"


def key(source: str, name: str | None, provider: str) -> tuple[KeySource, str | None]:
    """Where the key comes from. In the keyring it lies under ``name``, else under the provider's name."""
    if source not in _KEY_SOURCES:
        raise InvalidInput(f"{quoted(source)} is no source of keys.", "Sources: none, env, keyring.")
    if source == "none":
        if name:
            raise InvalidInput(
                "The name of a key was given, but not where the key lies.", "Say whether: env or keyring."
            )
        return "none", None
    if name is not None and looks_like_a_key(name):
        raise InvalidInput(
            "That looks like a key itself; nothing was stored.",
            "Give the name of the environment variable that holds it (such as OPENAI_API_KEY), or use the keyring.",
        )
    if source == "env":
        if name and _may_be_a_key(name):
            raise InvalidInput(
                "That may be a key itself: it is long for a name, has no _, and no variable of that name is set here."
                " Nothing was stored.",
                "If it is the name of a variable, set it first; a key goes into the keyring.",
                remedy=Remedy(Way.KEY_IN_KEYRING),
            )
        if not name or not _VARIABLE.fullmatch(name) or len(name) > MODEL_LENGTH:
            raise InvalidInput(
                "That is no name of an environment variable" + (" (none was given)." if not name else "."),
                "Letters, digits and _ only, such as OPENAI_API_KEY. The key itself is never stored.",
            )
        return "env", name
    entry = name or provider
    if not entry.isprintable() or len(entry) > MODEL_LENGTH:
        raise InvalidInput("That cannot be the name of a keyring entry.", f"At most {MODEL_LENGTH} visible characters.")
    return "keyring", entry


def looks_like_a_key(text: str) -> bool:
    """Whether this is rather the key than the name of a variable: keys are long and mix letters with digits."""
    if _KEY_BEGINS.match(text):
        return True
    mixed = any(c.islower() for c in text) and any(c.isdigit() for c in text)
    return len(text) >= 20 and mixed and (any(c.isupper() for c in text) or "_" not in text)


def _may_be_a_key(name: str) -> bool:
    """Whether what is given as the name of a variable is rather a key, of a kind that looks like a word."""
    return len(name) >= 16 and "_" not in name and name not in os.environ


def context(tokens: int | None) -> int | None:
    if tokens is None:
        return None
    if isinstance(tokens, bool) or not isinstance(tokens, int) or not 1 <= tokens <= MOST_TOKENS:
        raise InvalidInput(
            f"{_shown(tokens)} is no size of a context.", f"A whole number of tokens, 1 to {MOST_TOKENS:,}."
        )
    return tokens


def parameters(given: Mapping[str, Any] | None, there: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Those that are set; a parameter that is None is left to the model. One that is ``there`` already as it is given
    stays, whatever it is: another program may have written it. Only those that localchat knows are checked for their
    range; any other is a field of the endpoint's request body, and the endpoint's to judge."""
    checked: dict[str, Any] = {}
    for name, value in (given or {}).items():
        if there and name in there and there[name] == value:
            checked[name] = value
            continue
        if value is None:
            continue
        if name not in PARAMETERS:
            checked[name] = _passed_on(name, value)
            continue
        low, high, whole = PARAMETERS[name]
        if (
            isinstance(value, bool)
            or not isinstance(value, int if whole else (int, float))
            or not low <= value <= high  # false for NaN too
        ):
            span = f"{low:g} to {high:g}" if not whole else f"{int(low):,} to {int(high):,}"
            raise InvalidInput(
                f"{name} cannot be {_shown(value)}.", f"{'A whole number' if whole else 'A number'}, {span}."
            )
        checked[name] = value
    return checked


def _passed_on(name: str, value: Any) -> Any:
    """A field of the request body that localchat does not use itself. Raises InvalidInput where it is one that every
    turn sets, or could not be sent."""
    if name == "think":
        if value not in THINK:
            raise InvalidInput(f"think cannot be {_shown(value)}.", f"One of {', '.join(THINK)}.")
        return value
    if not _FIELD.fullmatch(name):
        raise InvalidInput(f"{quoted(name)} is no parameter.", "A name has 1 to 64 letters, digits and _ . -")
    if name.lower() in PARAMETERS or name.lower() == "think":
        raise InvalidInput(f"{name} is no parameter.", f"Write {name.lower()}.")
    if name.lower() in _SECRET:
        raise InvalidInput(f"{name} is no parameter: keys are never kept in the store.", "A key belongs to a provider.")
    if name in _OURS:
        raise InvalidInput(f"{name} is set by every turn itself.", "Leave it out.")
    if isinstance(value, str) and len(value) >= 20 and _KEY_BEGINS.match(value):
        raise InvalidInput(f"The value of {name} looks like a key; it was not used.", "A key belongs to the provider.")
    try:
        fits = len(json.dumps(value, allow_nan=False)) <= VALUE_LENGTH
    except (ValueError, TypeError, RecursionError):
        raise InvalidInput(
            f"The value of {name} cannot be sent: it is no JSON.", "NaN and Infinity are none."
        ) from None
    if not fits:
        raise InvalidInput(f"The value of {name} is too long.", f"At most {VALUE_LENGTH:,} characters.")
    return value


def patched(there: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """The parameters with some of them set by name; None unsets one, and what is not named stays as it is."""
    kept = {name: value for name, value in there.items() if name not in changes}
    return {**kept, **parameters({name: value for name, value in changes.items() if value is not None}, there)}


THINK = ("off", "low", "medium", "high")  # how long a model that reasons may think
VALUE_LENGTH = 20_000
_FIELD = re.compile(r"[A-Za-z0-9_.-]{1,64}")
_SECRET = ("api_key", "api-key", "apikey", "authorization", "key", "password", "secret", "token")
_OURS = ("model", "messages", "stream", "stream_options")

# name: least, most, whole numbers only
PARAMETERS: dict[str, tuple[float, float, bool]] = {
    "temperature": (0, HOTTEST, False),
    "top_p": (0, 1, False),
    "seed": (-(2**53), 2**53, True),
    "max_tokens": (1, MOST_TOKENS, True),
}


# What a server may cost, by name: whether it is bytes (whole numbers) or seconds, and the most of it. What each of them
# bounds: ``providers.limits``.
LIMITS: dict[str, tuple[str, float]] = {
    **dict.fromkeys(("error", "line", "reply", "stream"), ("bytes", 2.0**40)),
    **dict.fromkeys(("connect", "first_word", "between", "whole", "listing"), ("seconds", 10.0**7)),
}


def limits(there: Mapping[str, float], changes: Mapping[str, float | None]) -> dict[str, float]:
    """Those that are ``there`` with some of them set by name; None takes one away."""
    set_now = {name: limit(name, str(value), f"{name}={value}") for name, value in changes.items() if value is not None}
    return {**{name: value for name, value in there.items() if name not in changes}, **set_now}


def limit(name: str, value: str, written: str) -> float:
    """The number. Raises InvalidInput for what is none, or for a name that is none; ``written``: how both stood."""
    unit, most = LIMITS.get(name, ("", 0.0))
    try:
        number = int(value) if unit == "bytes" else float(value)
    except (ValueError, OverflowError):
        number = 0
    if not 0 < number <= most:  # false for NaN too
        raise InvalidInput(
            f"{quoted(written)} is no limit.",
            f"Write NAME=NUMBER. In bytes: {_limits_in('bytes')}; in seconds: {_limits_in('seconds')}.",
        )
    return number


def _limits_in(unit: str) -> str:
    return ", ".join(name for name, (its, _) in LIMITS.items() if its == unit)


def limits_given(pairs: Iterable[str]) -> dict[str, float | None]:
    """What ``NAME=NUMBER`` sets by name; None where nothing stands after the ``=``. Raises InvalidInput."""
    found: dict[str, float | None] = {}
    for pair in pairs:
        name, equals, value = (part.strip() for part in pair.partition("="))
        if equals and not value and name in LIMITS:
            found[name] = None
        else:
            found[name] = limit(name, value, pair)
    return found


def sound_limits(stored: Mapping[str, Any]) -> dict[str, float]:
    """Those that are limits: another program may have written anything."""
    found: dict[str, float] = {}
    for name, value in stored.items():
        if isinstance(value, int | float) and not isinstance(value, bool):
            with contextlib.suppress(InvalidInput, ValueError):
                found[name] = limit(name, str(value), name)
    return found


def limit_words(limits: Mapping[str, float]) -> str:
    """As they are written: ``first_word=600 whole=7200``."""
    return " ".join(f"{name}={int(value) if value == int(value) else value}" for name, value in limits.items())


def weights(provider_kind: str, model: str, path: str | None) -> str | None:
    """The weights file, absolute. Needed by, and only by, a model of kind ``embedded`` that is not the built-in one.

    Whether there is a usable file is for those to check who open it.
    """
    if provider_kind != "embedded":
        if path:
            raise InvalidInput(
                f"A file belongs to models of kind embedded, not {provider_kind}.",
                "Add it to such a provider, for example local/NAME.",
            )
        return None
    if model == BUILT_IN_MODEL:
        if path:
            raise InvalidInput(
                f"{BUILT_IN_MODEL} is the built-in model; its file is not chosen.", "Give your model another name."
            )
        return None
    if not path:
        raise InvalidInput(
            f"{quoted(model)} needs its weights: a GGUF file.",
            f"Give its path, or add the built-in model: {BUILT_IN_MODEL}.",
        )
    if not path.isprintable() or path != storable(path) or len(path) > PATH_LENGTH:
        raise InvalidInput(
            f"{quoted(path)} cannot be the path of a weights file.", "Rename the file to visible characters."
        )
    try:
        return str(Path(path).expanduser().absolute())
    except RuntimeError:  # ~somebody who does not exist
        raise InvalidInput(f"{quoted(path)} cannot be found.", "Write the path in full.") from None
