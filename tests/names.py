"""Names of parametrised tests: the same in every process, so without addresses."""

import re


def shown(value):
    """Return a value as it is written, without its address."""
    return re.sub(r" at 0x[0-9a-f]+", "", repr(value))
