"""The globs of IAM policies: `*` is any run of characters, also none; `?` is exactly one; all else is literal.

There is no escape character and there are no character classes. A glob is run as a bit-parallel automaton: bit i says
that the first i tokens have been matched. So matching takes time proportional to the text, whatever the pattern.

Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_resource.html
"""

import re
from collections import deque
from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import NamedTuple, TypeAlias

MAX_STEPS = 300_000
"""Steps that one proof may take, about half a second; some need exponentially many, and strangers write policies."""


class TooComplexError(Exception):
    """A proof about globs was given up, see `MAX_STEPS`. Nothing is known of the answer."""


def matches(pattern: str, text: str, *, ignore_case: bool = False) -> bool:
    """Whether the whole text is in the language of the pattern."""
    if ignore_case:
        pattern, text = pattern.lower(), text.lower()
    automaton = _compile(pattern)
    state = automaton.start
    for character in text:
        state = automaton.step(state, character)
        if not state:
            return False
    return automaton.accepts(state)


def suffixes(pattern: str, text: str) -> frozenset[int]:
    """Where the ends of a text begin that match the pattern, the whole text and the empty end among them.

    Found in one walk from the back, so in time proportional to the text.
    """
    automaton = _compile(pattern[::-1])
    state, found = automaton.start, set()
    for place in range(len(text), -1, -1):
        if automaton.accepts(state):
            found.add(place)
        state = automaton.step(state, text[place - 1 : place])
        if not state:
            break
    return frozenset(found)


def includes(wide: str, narrow: str) -> bool:
    """Whether every text that matches `narrow` matches `wide` too.

    Exact, but for pairs whose proof would be too long (see `MAX_STEPS`): for these it says False. So True is always
    proven.
    """
    if surely_includes(wide, narrow):
        return True
    if "*" not in narrow and "?" not in narrow:
        return False  # of one text that was exact
    try:
        return witness(narrow, (wide,)) is None
    except TooComplexError:
        return False


def surely_includes(wide: str, narrow: str) -> bool:
    """Whether every text that matches `narrow` matches `wide` too: quick and sound, but incomplete.

    The tokens of `narrow` are matched as text: its `*` by a star of `wide` only, its `?` by a star or a `?`. So this
    does not see that `???*` includes `*abc`.
    """
    automaton = _compile(_normalise(wide))
    state = automaton.start
    for character in _normalise(narrow):
        if character == "*":
            state &= automaton.stars
        elif character == "?":
            state = (state & automaton.stars) | ((state & automaton.any_character) << 1)
        else:
            state = automaton.step(state, character)
    return automaton.accepts(state)


def intersects(a: str, b: str) -> bool:
    """Whether some text matches both globs. Always exact."""
    pending, seen = [(0, 0)], {(0, 0)}
    while pending:
        i, j = pending.pop()
        if i == len(a) and j == len(b):
            return True
        left, right = a[i : i + 1], b[j : j + 1]
        following: list[tuple[int, int]] = []
        if left == "*":
            following += [(i + 1, j)] + ([(i, j + 1)] if right else [])
        if right == "*":
            following += [(i, j + 1)] + ([(i + 1, j)] if left else [])
        if left and right and "*" not in (left, right) and (left == right or "?" in (left, right)):
            following.append((i + 1, j + 1))
        for pair in following:
            if pair not in seen:
                seen.add(pair)
                pending.append(pair)
    return False


def witness(inside: str | Iterable[str], outside: Iterable[str] = (), *, max_steps: int = MAX_STEPS) -> str | None:
    """A shortest text that matches every glob of `inside` and none of `outside`; None when there is none.

    `inside` is one glob or several. None is a proof: all that matches `inside` is covered by `outside`.

    Raises:
        TooComplexError: The search was given up; nothing is known.
    """
    demanded = [_compile(pattern) for pattern in ([inside] if isinstance(inside, str) else inside)]
    excluded = [_compile(pattern) for pattern in dict.fromkeys(outside)]
    alphabet = _alphabet([*demanded, *excluded])
    start = (_start(demanded), _start(excluded))
    pending, seen = deque([("", start)]), {start}
    steps = 0
    while pending:
        text, (inner, outer) = pending.popleft()
        if all(_accepted(demanded, inner)) and not any(_accepted(excluded, outer)):
            return text
        for character in alphabet:
            next_inner = _step(demanded, inner, character)
            steps += len(demanded)
            if not all(next_inner):
                continue  # no continuation matches all of `inside`
            next_outer = _step(excluded, outer, character)
            steps += len(excluded)
            if any(a.accepts_all(state) for a, state in zip(excluded, next_outer, strict=True)):
                continue  # every continuation matches one of `outside`
            following = (next_inner, next_outer)
            if following not in seen:
                seen.add(following)
                pending.append((text + character, following))
        if steps > max_steps:
            raise TooComplexError
    return None


_States: TypeAlias = tuple[int, ...]


class _Automaton(NamedTuple):
    """A glob without its stars: `tokens` are characters and `?`; bit i of `stars` is set for a star before token i."""

    tokens: str
    stars: int
    any_character: int
    literals: dict[str, int]

    @property
    def start(self) -> int:
        return 1

    def step(self, state: int, character: str) -> int:
        advanced = state & (self.literals.get(character, 0) | self.any_character)
        return (state & self.stars) | (advanced << 1)

    def accepts(self, state: int) -> bool:
        return bool(state >> len(self.tokens))

    def accepts_all(self, state: int) -> bool:
        """Whether every continuation is accepted: the pattern ends in a star, and that is reached."""
        return bool((state & self.stars) >> len(self.tokens))


@lru_cache(maxsize=4096)
def _compile(pattern: str) -> _Automaton:
    tokens = pattern.replace("*", "")
    stars = any_character = position = 0
    literals: dict[str, int] = {}
    for character in pattern:
        if character == "*":
            stars |= 1 << position
            continue
        if character == "?":
            any_character |= 1 << position
        else:
            literals[character] = literals.get(character, 0) | 1 << position
        position += 1
    return _Automaton(tokens, stars, any_character, literals)


def _alphabet(automata: Sequence[_Automaton]) -> list[str]:
    """One character of each kind that the globs can tell apart: each literal, and one that none of them names."""
    literals = sorted({character for automaton in automata for character in automaton.literals})
    # Letters first and a plain one if possible: witnesses are read by people.
    candidates = "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
    other = next((c for c in candidates if c not in literals), None)
    if other is None:
        other = next(c for c in map(chr, range(0xA1, 0x110000)) if c not in literals)
    return [other, *literals]


def _start(automata: Sequence[_Automaton]) -> _States:
    return tuple(automaton.start for automaton in automata)


def _step(automata: Sequence[_Automaton], states: _States, character: str) -> _States:
    return tuple(automaton.step(state, character) for automaton, state in zip(automata, states, strict=True))


def _accepted(automata: Sequence[_Automaton], states: _States) -> list[bool]:
    return [automaton.accepts(state) for automaton, state in zip(automata, states, strict=True)]


def _normalise(pattern: str) -> str:
    """The same language, each run of wildcards as its `?` and then at most one `*`."""
    return re.sub(r"[*?]{2,}", lambda run: "?" * run[0].count("?") + "*" * ("*" in run[0]), pattern)
