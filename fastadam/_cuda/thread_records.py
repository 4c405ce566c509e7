"""The record of a thread's search on a GPU: in registers, and word by word in the common memory."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from .._numba.options import register_jitable
from .._search.state import SCALARS

#: A record of a search whose fields are attributes in Python too. It says that they are aligned, as
#: they are: the GPU would read and write each of them byte by byte.
RECORD = np.dtype((np.record, np.dtype(SCALARS.descr, align=True)))
#: The number of its words.
RECORD_WORDS = SCALARS.itemsize // 8
#: The first word of `auto`, and the first behind these. Without it they stay as in a template.
_NAMES = list(RECORD.names or ())
_AUTO = _NAMES.index("eps"), _NAMES.index("part")


def make_word_copies(automatic: bool) -> tuple[Callable[..., None], Callable[..., None]]:
    """Make what copies a thread's search to a record of its own, and back to the common memory.

    Copied word by word it can be in registers; in place, each field of each thread would be in
    another part of memory. What only `auto` changes is not carried along without it.
    """
    first, behind = (0, 0) if automatic else _AUTO

    @register_jitable
    def load(own_words, words, template, t):
        for i in range(RECORD_WORDS):
            own_words[i] = template.words[i] if first <= i < behind else words[i, t]

    @register_jitable
    def save(own_words, words, t):
        for i in range(RECORD_WORDS):
            if not first <= i < behind:
                words[i, t] = own_words[i]

    return load, save
