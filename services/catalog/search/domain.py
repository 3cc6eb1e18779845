"""What a search asks for, and in which order its hits come. Plain Python."""

import re
from dataclasses import dataclass
from typing import Literal

from catalog.domain import fold, words

_WORD = re.compile(r"\w+(?:\.\w+)*")
_CODE_PREFIX = re.compile(r"\d\.\d{1,5}", re.ASCII)
_CODE = re.compile(r"\d\.\d{6}(\.\w+)*", re.ASCII)

Tier = Literal[0, 1, 2, 3, 4]
"""0: the code itself; 1: the whole name; 2: the name's beginning; 3: the words one after another within the name;
4: the words somewhere."""
Rank = tuple[int, int, str]
"""(tier, how often it is used, negated, code): the smallest comes first."""


def title_of(name: str) -> str:
    """A name's folded words, each as often as it comes."""
    return " ".join(_WORD.findall(fold(name)))


@dataclass(frozen=True, slots=True)
class Typed:
    """What somebody typed, as it is looked for: every word, in any order, the beginning of a word being enough."""

    words: tuple[str, ...]
    title: str

    @classmethod
    def of(cls, text: str) -> "Typed":
        return cls(words(text), title_of(text))

    @property
    def code(self) -> str | None:
        """The code that was typed, national or local, whole."""
        return self.words[0] if len(self.words) == 1 and _CODE.fullmatch(self.words[0]) else None

    @property
    def code_prefix(self) -> str | None:
        """The beginning of a code that was typed: so many codes share one that only they are looked at."""
        return self.words[0] if len(self.words) == 1 and _CODE_PREFIX.fullmatch(self.words[0]) else None

    @property
    def is_letter(self) -> bool:
        """A single letter begins some word of almost everything: it is only looked for where a name begins."""
        return len(self.words) == 1 and len(self.words[0]) == 1


def rank(tier: int, uses: int, code: str) -> Rank:
    return tier, -uses, code
