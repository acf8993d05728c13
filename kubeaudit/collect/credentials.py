"""What looks like a credential, and what stands in its place (CHK-37).

Two kinds of evidence count: the shape of a value (a private key, a JWT, ``user:password@`` in a URL), and a name beside
it (``DB_PASSWORD``, ``--api-key=``). References (``$(PASSWORD)``), names of files and switches are no credentials and
stay readable. Every pattern takes time linear in the length of the text: who writes objects may write them to be slow.
"""

import base64
import binascii
import hashlib
import re
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache, partial

_PRIVATE_KEY = re.compile(
    r"-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY[A-Z ]{0,10}-----.*?(?:-----END [^-]{0,60}-----|\Z)", re.DOTALL
)
_SHAPES: tuple[tuple[str, re.Pattern[str]], ...] = (
    ("private-key", _PRIVATE_KEY),
    ("jwt", re.compile(r"(?<![\w\-])eyJ[\w\-]{6,}\.[\w\-]*\.[\w\-]*")),
    ("aws-access-key", re.compile(r"(?<![A-Z0-9])A[KS]IA[A-Z0-9]{16}(?![A-Z0-9])")),
    ("url-password", re.compile(r"(?P<keep>://[^\s/:@\"'<>]{0,256}:)[^\s/\"'<>]+(?=@)")),
    ("password", re.compile(r"(?P<keep>(?<![\w.\-])[\w.\-]{1,64}:)[^\s/\"'@]{1,256}(?=@(?:tcp|unix)\()")),
    ("authorization", re.compile(r"(?P<keep>\b(?:[Bb]earer|[Bb]asic) )(?=\S{0,256}[\d=])[\w.~+/\-]{8,}=*")),
    ("api-token", re.compile(r"(?<![A-Za-z0-9])(?:ghp_|github_pat_|glpat-|xox[a-z]-)[\w\-]{16,}")),
)
_MARKS = ("-----BEGIN ", "eyJ", "AKIA", "ASIA", "earer ", "asic ", "ghp_", "github_pat_", "glpat-", "xox")
_AT_MARKS = ("://", "@tcp(", "@unix(")
"""In every text that a shape matches stands one of the marks above or, with an at sign, one of these."""

_LABEL = re.compile(r"""(?<![\w.\-])(?P<name>[\w.\-]{2,128})(?P<separator>\\*["']?[ \t]*[=:][ \t]*|\s+)""")
_QUOTED = re.compile(r"""(?P<quote>\\*["'])(?P<value>(?:(?!(?P=quote))(?:\\.|[^\\]))*)(?P=quote)""")
_BLOCK = re.compile(r"""[|>][+\-]?[ \t]*\n[ \t]+(?P<value>[^\n]+(?:\n[ \t]+[^\n]*)*)""")
_LINE = re.compile(r"""(?P<value>(?:\$\{[^{}\n]*\}|[^\s"',}])(?:\$\{[^{}\n]*\}|[^\n"',}]|(?<=\w)'(?=\w))*)""")
_WORD = re.compile(r"""(?:\\*["'])?(?P<value>[^\s"'&]+)""")
_USER = re.compile(r"""["']?[^\s:="']{1,64}:(?P<value>[^\s"']+)""")
_USER_FLAGS = ("-u", "--user")
_HINTS = ("pass", "pwd", "secret", "token", "key", "cred", "auth", "-u")
"""In every text with the name of a credential, or a flag of the line above, stands one of these in lower case."""

_PARTS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+")
_KINDS: tuple[tuple[str, re.Pattern[str]], ...] = (
    ("password", re.compile(r"\b(?:pass|passphrase|passcode)\b|passw|pwd\b")),
    ("secret", re.compile(r"secret")),
    ("token", re.compile(r"token(?!iz)")),
    ("credential", re.compile(r"credential|\bcreds?\b")),
    ("key", re.compile(r"\bkeys?\b|(?:api|access|account|auth|encryption|license|private|signing)keys?\b")),
    ("authorization", re.compile(r"\bauthorization$")),
    ("basic-auth", re.compile(r"^auth$")),
)
_HARMLESS = re.compile(
    "(?:age|alg|algorithm|audience|class|count|dir|directory|domain|enabled|endpoint|expiration|expire|expiry|file"
    "|folder|format|header|host|hour|interval|issuer|kind|length|limit|location|minute|mode|name|namespace|path|period"
    "|policy|port|prefix|provider|ref|region|rotation|second|server|service|size|store|suffix|threshold|timeout|ttl"
    "|type|ur[il]|version)s?|(?:key|token) id"
)
"""How names end that speak about a credential, such as ``TOKEN_URL``."""
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
    words = [word.lower() for word in _PARTS.findall(name)]
    while words and words[-1].isdigit():
        words.pop()
    if not words or "public" in words or _HARMLESS.fullmatch(words[-1]) or _HARMLESS.fullmatch(" ".join(words[-2:])):
        return ""
    text = " ".join(words)
    return next((kind for kind, pattern in _KINDS if pattern.search(text)), "")


def suspicious(texts: Iterable[str]) -> bool:
    """Whether :func:`in_text` or :func:`arguments` finds something in one of the texts; wrong only in saying yes."""
    text = "\n".join(texts)
    # A flag and its value may be two words of a command line: the line end stands for the blank between them.
    return _marked(text) or next(_beside_names(text), None) is not None


def by_shape(text: str) -> str:
    """The text with every value masked that is a credential by its shape."""
    if _marked(text):
        for kind, pattern in _SHAPES:
            text = pattern.sub(partial(_masked, kind), text)
    return text


def in_text(text: str) -> str:
    """The text with every value masked that is a credential by its shape or by the name beside it."""
    if "-----BEGIN " in text:
        # Before names are looked at: a name's value may end with the line, a private key does not.
        text = _PRIVATE_KEY.sub(partial(_masked, "private-key"), text)
    parts: list[str] = []
    done = 0
    for kind, start, end in _beside_names(text):
        parts += text[done:start], mask(kind, text[start:end])
        done = end
    return by_shape("".join(parts) + text[done:])


def named(name: str, value: str) -> str:
    """The value of a variable or key of this name: masked whole if the name says so, else what is found in it."""
    kind = secret_kind(name)
    return mask(kind, value) if kind and not _plain(kind, value) else in_text(value)


def arguments(words: Sequence[str]) -> list[str]:
    """A command line with the credentials in it masked, also those that follow their flag as a word of their own."""
    found: list[str] = []
    flag = ""
    for word in words:
        name, equals, value = word.partition("=")
        if flag in _USER_FLAGS and (pair := _USER.fullmatch(word)) and not _plain("key", pair["value"]):
            found.append(word[: pair.start("value")] + mask("password", pair["value"]))
        elif flag and not word.startswith("-"):
            found.append(named(flag, word))
        elif name.startswith("-") and equals:
            found.append(f"{name}={named(name, value)}")
        else:
            found.append(in_text(word))
        flag = word if word.startswith("-") and not equals else ""
    return found


def _marked(text: str) -> bool:
    return any(map(text.__contains__, _MARKS)) or ("@" in text and any(map(text.__contains__, _AT_MARKS)))


def _masked(kind: str, found: re.Match[str]) -> str:
    keep = found.groupdict().get("keep") or ""
    value = found[0][len(keep) :]
    return found[0] if _plain(kind, value) else keep + mask(kind, value)


def _beside_names(text: str) -> Iterator[tuple[str, int, int]]:
    """Kind, start and end of every value with the name of a credential beside it."""
    if not any(map(text.lower().__contains__, _HINTS)):
        return
    variable = ""
    done = 0
    for label in _LABEL.finditer(text):
        if label.start() < done:
            continue
        name, separator = label["name"], label["separator"]
        kind = variable if name == "value" else "key" if name in _USER_FLAGS else secret_kind(name)
        if (separator.isspace() and not name.startswith("-")) or (not kind and name != "name") or name == "key":
            continue
        value = _value(text, label)
        if value is None:
            continue
        done = value.end()
        if name == "name":
            # An entry of env, in a manifest that an annotation quotes: {"name": "PASSWORD", "value": "..."}.
            variable = secret_kind(value["value"])
        elif not _plain(kind, value["value"]) and not _MASK.match(text, value.start("value")):
            yield "password" if name in _USER_FLAGS else kind, value.start("value"), value.end("value")


def _value(text: str, label: re.Match[str]) -> re.Match[str] | None:
    """What belongs to a label: a quoted string, a block of YAML, the rest of a line or a word; no list or mapping."""
    if label["name"] in _USER_FLAGS:
        return _USER.match(text, label.end())
    start = text[label.end() : label.end() + 1]
    if start in ("[", "{") or (start == "-" and label["separator"].isspace()):
        return None
    if (quoted := _QUOTED.match(text, label.end())) is not None:
        return quoted
    if label["separator"].endswith((": ", ":\t")):
        return _BLOCK.match(text, label.end()) or _LINE.match(text, label.end())
    return _WORD.match(text, label.end())


def _plain(kind: str, value: str) -> bool:
    """Whether a value cannot be a credential of this kind."""
    text = value.strip()
    bare = text.rstrip("}]);,")
    if not bare or _SWITCH.fullmatch(bare) or _REFERENCE.fullmatch(text) or _FILE.fullmatch(text):
        return True
    if _MASK.fullmatch(text) or (kind in ("key", "token") and bare.isdigit()):
        return True
    return kind == "basic-auth" and not _pair(text)


def _pair(text: str) -> bool:
    """Whether base64 holds a user and a password."""
    try:
        return b":" in base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return False
