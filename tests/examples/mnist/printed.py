"""What the program prints and keeps, for tests to read."""

import re

import numpy as np

EPOCH_LINE = re.compile(
    r"^epoch (\d+)/(\d+)   loss (\d+\.\d{4}|nan|inf)   test accuracy (\d+\.\d\d)%, "
    r"of averaged weights (\d+\.\d\d)%   \d+\.\d\d s$",
    re.MULTILINE,
)
SMALL = ["--hidden", "8"]


def epochs_in(text):
    return [(int(number), int(last)) for number, last, *_ in EPOCH_LINE.findall(text)]


def assert_same_files(one, other):
    with np.load(one) as expected, np.load(other) as found:
        assert expected.files == found.files
        for name in expected.files:
            np.testing.assert_array_equal(found[name], expected[name], err_msg=name)
