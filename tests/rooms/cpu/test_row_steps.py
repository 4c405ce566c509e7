"""The record of learning rates of an exact optimiser has an end."""

import numpy as np

import fastadam


def test_rows_that_missed_many_steps_take_them_in_between(monkeypatch):
    monkeypatch.setattr("fastadam._forms.clocks.MOST_MISSED", 7)
    table, other = np.ones((2, 5, 2), np.float32)
    exact, plain = fastadam.Adam(table, sparse="exact"), fastadam.Adam(other)
    for step in range(40):
        gradient = np.zeros((5, 2), np.float32)
        gradient[step % 3 * (step < 20)] = 1.0
        exact.step_rows([step % 3 * (step < 20)], np.ones((1, 2), np.float32))
        plain.step(gradient)
    exact.catch_up()
    np.testing.assert_array_equal(table, other)
