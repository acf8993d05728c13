"""Shows what a terminal or browser would act on: no name may move the cursor or turn the reading direction."""


def visible(text: str, lines: bool = False) -> str:
    r"""The text with every character that does not print shown as an escape, e.g. ``\x1b`` or ``\u202e``.

    That covers control characters, bidirectional marks, zero-width characters, unusual blanks and lone surrogates
    (Unicode categories C and Z but the plain space). With ``lines``, line breaks and tabs stay.
    """
    if text.isprintable():
        return text
    kept = "\n\t" if lines else ""
    return "".join(char if char.isprintable() or char in kept else _escape(char) for char in text)


def clipped(text: str, limit: int) -> str:
    """The text, or its beginning with the number of characters it has where it is longer than ``limit``."""
    if len(text) <= limit:
        return text
    return f"{text[:limit]}… ({len(text):,} characters)"


def _escape(char: str) -> str:
    code = ord(char)
    if code <= 0xFF:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"
