"""One table says how searches end."""

import numpy as np
import pytest

from fastadam import minimize_batch
from fastadam._search import outcomes
from tests.api.minimize.helpers import MineError


def test_each_code_is_in_the_table_once():
    codes = {name: code for name, code in vars(outcomes).items() if isinstance(code, int)}
    assert len(set(codes.values())) == len(codes)
    assert set(outcomes.OUTCOMES) == set(codes.values()) - {outcomes.RUNNING, outcomes.WAITING}
    assert outcomes.RUNNING == 0  # what a record of zeros says


def test_the_messages_are_distinct_sentences():
    messages = [message for _, message in outcomes.OUTCOMES.values()]
    assert len(set(messages)) == len(messages)
    assert all(message.endswith(".") for message in messages)


def test_an_exception_has_one_status_alone_and_among_others():
    def fails(x, k):
        if k == 1:
            raise MineError
        return x[0] ** 2

    result = minimize_batch(
        fails, np.ones((3, 1)), (), np.arange(3), options={"on_error": "nan", "maxiter": 1}
    )
    status, message = outcomes.OUTCOMES[outcomes.RAISED]
    assert result.status.tolist() == [1, status, 1]
    assert f"1 of 3: {message}" in result.message
    assert outcomes.describe_exception(MineError()) == (status, "Ended by MineError.")
    with pytest.raises(MineError) as caught:
        minimize_batch(fails, np.ones((3, 1)), (), np.arange(3), options={"maxiter": 1})
    assert caught.value.result.status.tolist() == [1, status, status]
