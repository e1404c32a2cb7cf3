"""What is kept of an answer of QAD's for ever: enough for a person to see what came, without what nobody may keep.

Of JSON the words of the envelope, and of everything else the shape alone: names of fields, numbers, how long a text
was. Of a page the text. Whatever looks like a secret, or is one of ours, is struck out; and it is cut in length.
"""

import re
from collections.abc import Iterable, Sequence
from typing import Any
from urllib.parse import quote, quote_plus

import msgspec

from adapters.qad.asking.complaints import shown

# As much as shows what it was; the log keeps it for ever.
_LENGTH_MAX = 2_000
_PAGE_LENGTH_MAX = 300
_ROWS_MAX, _DEPTH_MAX = 20, 6
# The words that envelopes have for people: nothing of a record.
_WORDS = frozenset(
    {
        "code",
        "error",
        "error_description",
        "errorid",
        "faultcode",
        "faultstring",
        "fieldlabel",
        "fieldname",
        "message",
        "messagetext",
        "result",
        "severity",
        "status",
        "title",
        "tt_msg_context",
        "tt_msg_desc",
        "tt_msg_field",
        "tt_msg_nbr",
        "tt_msg_sev",
        "type",
    }
)
# Shorter secrets are found in ordinary words: striking those out would tell what they are.
_SECRET_MIN = 12
_STRUCK = "***"
_LOOKS_SECRET = re.compile(
    # JSON web tokens; what stands behind the name of a secret; addresses of people.
    r"eyJ[\w-]{8,}(?:\.[\w-]*){0,2}"
    r"|(?<=bearer )\S+"
    r"|(?i:\b(?:jsessionid|access_token|refresh_token|password|client_secret|api_?key)\b\s*[=:]\s*\S+)"
    r"|[\w.+-]{1,64}@[\w.-]{1,255}",
    re.IGNORECASE,
)
_NOT_SHOWN = re.compile(r"<(script|style)\b.*?</\1\s*>", re.IGNORECASE | re.DOTALL)
_TAG = re.compile(r"<[^<>]*>")


def scrubbed(status: int, body: bytes, *, secrets: Sequence[str] = (), words: Iterable[str] = ()) -> str:
    """Return what is kept of an answer.

    Args:
        status: HTTP status.
        body: As it came, whatever it is.
        secrets: What was sent and must not be told, should the answer repeat it.
        words: What this tenant's envelope calls its words for people, beside the usual names.
    """
    told = f"HTTP {status}, {len(body)} bytes"
    text = _text_of(body, _WORDS | {word.casefold() for word in words})
    # Our own secrets first, wherever they stand; what only looks like one is looked for in what may be kept.
    kept = _LOOKS_SECRET.sub(_STRUCK, without_secrets(text, secrets)[: 2 * _LENGTH_MAX])[:_LENGTH_MAX]
    return f"{told}: {kept}" if text else told


def _text_of(body: bytes, words: frozenset[str]) -> str:
    try:
        answer = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return _page(body)
    return msgspec.json.encode(_shape(answer, words, depth=0)).decode()


def _page(body: bytes) -> str:
    """Return the words of a page; of JSON that is cut, how it began would be words of a record: none of it."""
    text = body[: 50 * _LENGTH_MAX].decode(errors="replace")
    if text.lstrip()[:1] in ("{", "["):
        return "JSON that is cut"
    return " ".join(_TAG.sub(" ", _NOT_SHOWN.sub(" ", text)).split())[:_PAGE_LENGTH_MAX]


def _shape(value: Any, words: frozenset[str], *, depth: int, name: str = "") -> Any:
    if isinstance(value, str):
        return shown(value) if name.casefold() in words else f"({len(value)} characters)" if value else ""
    if isinstance(value, dict | list) and depth >= _DEPTH_MAX:
        return "…"
    if isinstance(value, dict):
        return {
            str(key): _shape(part, words, depth=depth + 1, name=str(key)) for key, part in list(value.items())[:100]
        }
    if isinstance(value, list):
        return [_shape(part, words, depth=depth + 1) for part in value[:_ROWS_MAX]]
    return value


def without_secrets(text: str, secrets: Sequence[str]) -> str:
    """Return a text in which what was sent as a secret is struck out."""
    for secret in secrets:
        if len(secret) >= _SECRET_MIN:
            for form in (secret, quote(secret, safe=""), quote_plus(secret)):
                text = text.replace(form, _STRUCK)
    return text
