"""Cloud-supplied text, made safe to look at: whatever does not show is spelled out."""

import re
import unicodedata

_CATEGORIES = {"Cc", "Cf", "Cs", "Co", "Zl", "Zp"}
"""Controls, formats (bidi overrides, zero-width characters, tags), lone surrogates, private use, line separators."""

_BLANK = (
    *(0x034F, 0x115F, 0x1160, 0x17B4, 0x17B5, 0x2800, 0x3164, 0xFFA0),  # letters and marks that print nothing
    *range(0x180B, 0x1810),  # Mongolian variation selectors
    *range(0xFE00, 0xFE10),  # variation selectors
    *range(0xE0000, 0xE1000),  # tags and further variation selectors; the rest is reserved for such
    *(0x00A0, 0x1680, *range(0x2000, 0x200B), 0x202F, 0x205F),  # spaces that pass for the ordinary one
)
"""Characters of other categories that show nothing, or nothing that tells them from a space.

The default-ignorable ones are those of https://www.unicode.org/Public/UCD/latest/ucd/DerivedCoreProperties.txt.
"""

_SAFE = re.compile(r"[ -~]*\Z")
_BLANKS = frozenset(map(chr, _BLANK))


def visible(text: str) -> str:
    """Spell out each character that shows nothing or changes how others show, as in `acme[U+202E]cod.exe`.

    Control characters (line breaks and tabs too), escape sequences for terminals, bidi overrides, zero-width characters
    and lone surrogates can make a name look like another one, or a line like two. The result has none of them, so it
    can be encoded and printed anywhere.
    """
    if _SAFE.match(text):
        return text
    return "".join(f"[U+{ord(char):04X}]" if _is_invisible(char) else char for char in text)


def _is_invisible(char: str) -> bool:
    return unicodedata.category(char) in _CATEGORIES or char in _BLANKS
