"""What looks like a credential, and what stands in its place (CHK-37).

Two kinds of evidence count: the shape of a value (a private key, a JWT, ``user:password@`` in a URL), and a name beside
it (``DB_PASSWORD``, ``--api-key=``). References (``$(PASSWORD)``), names of files and switches are no credentials and
stay readable. Time is linear in the length of the text.
"""

import base64
import binascii
import hashlib
import re
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache, partial

_SHAPES: tuple[tuple[str, re.Pattern[str]], ...] = (
    ("private-key", re.compile(r"-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY[A-Z ]{0,10}-----[^-]*(?:-----END [^-]*-----)?")),
    ("jwt", re.compile(r"eyJ[\w\-]{6,}\.[\w\-]*\.[\w\-]*")),
    ("aws-access-key", re.compile(r"(?<![A-Z0-9])A[KS]IA[A-Z0-9]{16}(?![A-Z0-9])")),
    ("url-password", re.compile(r"(?P<keep>://[^\s/:@\"'<>]{0,256}:)[^\s/\"'<>]+(?=@)")),
    ("password", re.compile(r"(?P<keep>(?<![\w.\-])[\w.\-]{1,64}:)[^\s/\"'@]{1,256}(?=@(?:tcp|unix)\()")),
    ("authorization", re.compile(r"(?P<keep>\b(?:[Bb]earer|[Bb]asic) )(?=\S{0,256}[\d=])[\w.~+/\-]{8,}=*")),
    ("api-token", re.compile(r"(?<![A-Za-z0-9])(?:ghp_|github_pat_|glpat-|xox[a-z]-)[\w\-]{16,}")),
)
_MARKS = ("-----BEGIN ", "eyJ", "AKIA", "ASIA", "earer ", "asic ", "ghp_", "github_pat_", "glpat-", "xox")
_AT_MARKS = ("://", "@tcp(", "@unix(")
"""In every text that a shape matches stands one of the marks above or, with an at sign, one of these."""

_LABEL = re.compile(r"""(?<![\w.\-])(?P<name>[\w.\-]{2,64})(?P<separator>\\*["']?[ \t]*[=:][ \t]*|\s+)""")
_QUOTED = re.compile(r"""(?P<quote>\\*["'])(?P<value>(?:(?!(?P=quote))(?:\\.|[^\\]))*)(?P=quote)""")
_OPEN = re.compile(r"""(?:\\*["'])?(?P<value>[^\s"'&]+)""")
_LINE = re.compile(r"""(?P<value>[^\s"',}][^\n"',}]*)""")
_HINTS = ("pass", "pwd", "secret", "token", "key", "cred", "auth", "-u")
"""One of these stands, in lower case, in every name that :func:`secret_kind` knows."""

_WORDS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+")
_KINDS: tuple[tuple[str, re.Pattern[str]], ...] = (
    ("password", re.compile(r"\b(?:pass|pwd|passphrase|passcode)\b|passw|pwd\b")),
    ("secret", re.compile(r"secret")),
    ("token", re.compile(r"token(?!iz)")),
    ("credential", re.compile(r"credential|\bcreds?\b")),
    ("key", re.compile(r"\bkeys?\b|(?:api|access|account|auth|encryption|license|private|signing)keys?\b")),
    ("authorization", re.compile(r"\bauthorization$")),
    ("basic-auth", re.compile(r"^auth$")),
)
_HARMLESS = re.compile(
    "age|alg|algorithm|audience|class|count|dir|directory|domain|enabled|endpoint|expiration|expires|expiry|files?|folder"
    "|format|header|host|hours|interval|issuer|kind|length|limit|location|minutes|mode|names?|namespace|paths?|period"
    "|policy|port|prefix|provider|refs?|region|rotation|seconds|server|service|size|store|suffix|threshold|timeout|ttl"
    "|type|ur[il]s?|version"
)
"""Last words of names that speak about a credential, such as ``TOKEN_URL``."""
_SWITCH = re.compile("true|false|yes|no|on|off|enabled|disabled|required|none|null|nil", re.IGNORECASE)
_REFERENCE = re.compile(r"(?:[A-Za-z]+ )?(?:\$\([^()]*\)|\$\{[^{}]*\}|\$[A-Za-z_]\w*)")
_FILE = re.compile(
    r"/(?:app|config|data|etc|home|keys?|mnt|opt|pki|root|run|secrets?|srv|tls|tmp|usr|var|vault)/[\w.\-/]+"
)
_MASK = re.compile(r"redacted:[a-z\-]+,len=[0-9]+,sha256=[0-9a-f]{2}")


def mask(kind: str, value: str) -> str:
    """What stands in place of a credential: its kind, its length and two characters of its SHA-256."""
    digest = hashlib.sha256(value.encode("utf-8", "surrogatepass")).hexdigest()
    return f"redacted:{kind},len={len(value)},sha256={digest[:2]}"


@lru_cache(maxsize=4096)
def secret_kind(name: str) -> str:
    """The kind of credential that a variable, flag or key of this name holds; "" where its name promises none."""
    words = [word.lower() for word in _WORDS.findall(name)]
    if (
        not words
        or "public" in words
        or _HARMLESS.fullmatch(words[-1])
        or words[-2:] in (["key", "id"], ["token", "id"])
    ):
        return ""
    text = " ".join(words)
    return next((kind for kind, pattern in _KINDS if pattern.search(text)), "")


def suspicious(texts: Iterable[str]) -> bool:
    """Whether :func:`in_text` or :func:`arguments` finds something in one of the texts; wrong only in saying yes."""
    text = "\n".join(texts)
    if marked(text):
        return True
    # A flag and its value are two words of a command line: here the line end stands for the blank between them.
    return any(not _plain(kind, text[start:end]) for kind, start, end in _beside_names(text))


def marked(text: str) -> bool:
    """Whether :func:`by_shape` may find something."""
    return any(map(text.__contains__, _MARKS)) or ("@" in text and any(map(text.__contains__, _AT_MARKS)))


def by_shape(text: str) -> str:
    """The text with every value that is a credential by its shape masked."""
    if not marked(text):
        return text
    for kind, pattern in _SHAPES:
        text = pattern.sub(partial(_masked_shape, kind), text)
    return text


def in_text(text: str) -> str:
    """The text with every value masked that is a credential by its shape or by the name beside it."""
    text = by_shape(text)
    done = 0
    parts: list[str] = []
    for kind, start, end in _beside_names(text):
        if start >= done and not _plain(kind, text[start:end]):
            parts += text[done:start], mask(kind, text[start:end])
            done = end
    return "".join(parts) + text[done:]


def named(name: str, value: str) -> str:
    """The value of a variable or key of this name: masked whole if the name says so, else what is found in it."""
    kind = secret_kind(name)
    return mask(kind, value) if kind and not _plain(kind, value) else in_text(value)


def arguments(words: Sequence[str]) -> list[str]:
    """A command line with the credentials in it masked, also those that follow their flag as a word of their own."""
    found: list[str] = []
    before = ""
    for word in words:
        flag, equals, value = word.partition("=")
        if flag.startswith("-") and equals and secret_kind(flag):
            found.append(f"{flag}={named(flag, value)}")
        elif before.startswith("-") and "=" not in before and not word.startswith("-"):
            user, colon, _ = word.partition(":")
            pair = before in ("-u", "--user") and colon and not word[len(user) + 1 :].isdigit()
            found.append(f"{user}:{mask('password', word[len(user) + 1 :])}" if pair else named(before, word))
        else:
            found.append(in_text(word))
        before = word
    return found


def _masked_shape(kind: str, found: re.Match[str]) -> str:
    keep = found.groupdict().get("keep") or ""
    value = found[0][len(keep) :]
    return found[0] if _plain(kind, value) else keep + mask(kind, value)


def _beside_names(text: str) -> Iterator[tuple[str, int, int]]:
    """Kind, start and end of every value with the name of a credential beside it."""
    if not any(map(text.lower().__contains__, _HINTS)):
        return
    variable = ""
    for label in _LABEL.finditer(text):
        name, separator = label["name"], label["separator"]
        if separator.isspace() and not name.startswith("-"):
            continue
        kind = variable if name == "value" else secret_kind(name)
        if not kind and name != "name":
            continue
        pattern = _LINE if separator.endswith((": ", ":\t")) else _OPEN
        value = _QUOTED.match(text, label.end()) or pattern.match(text, label.end())
        if value is None or (separator.isspace() and value["value"].startswith("-")):
            continue
        if name == "name":
            # An entry of env, in a manifest that an annotation quotes: {"name": "PASSWORD", "value": "..."}.
            variable = secret_kind(value["value"])
        elif value["value"][:1] not in ("{", "["):
            yield kind, value.start("value"), value.end("value")


def _plain(kind: str, value: str) -> bool:
    """Whether a value cannot be a credential of this kind."""
    text = value.strip()
    if not text or _SWITCH.fullmatch(text) or _MASK.fullmatch(text):
        return True
    if _REFERENCE.fullmatch(text) or _FILE.fullmatch(text) or (kind in ("key", "token") and text.isdigit()):
        return True
    return kind == "basic-auth" and not _pair(text)


def _pair(text: str) -> bool:
    """Whether base64 holds a user and a password."""
    try:
        return b":" in base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return False
