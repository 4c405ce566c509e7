"""Gradients of some rows: the lazy rule, the exact one, SciPy's CSR, and what is refused."""

import numpy as np
import pytest
import scipy.sparse
from hypothesis import given, settings
from hypothesis import strategies as st

import fastadam
from benchmarks.harness.reference import Reference
from fastadam import Rows
from fastadam.schedules import Cosine, Step, Warmup
from tests.api.optimizers.optimizers import NAMES, make
from tests.api.optimizers.refused import NAN, assert_refused, row_name

N, WIDTH = 12, 3
DEFAULTS = {
    "Adam": {"betas": (0.9, 0.999), "eps": 1e-8},
    "SGD": {"momentum": 0.9},
}


def draw(rng, count=None, most=N, dtype=np.float32):
    """Return some rows, several times some of them, and gradients."""
    count = rng.integers(0, 5) if count is None else count
    return rng.integers(0, most, count), rng.standard_normal((count, WIDTH)).astype(dtype)


def dense(rows, grads, shape=(N, WIDTH)):
    """Return the gradient of all rows."""
    full = np.zeros(shape, grads.dtype)
    np.add.at(full, rows, grads)
    return full


def state_of(optimizer):
    return {
        key: value for key, value in optimizer.state_dict().items() if isinstance(value, np.ndarray)
    }


@pytest.mark.parametrize("name", ["Adam", pytest.param("SGD", marks=pytest.mark.slow)])
def test_a_lazy_step_is_the_rule_on_the_rows_given(name):
    rng = np.random.default_rng(0)
    table = rng.standard_normal((N, WIDTH))
    reference = Reference(name, table, lr=0.1, **DEFAULTS[name])
    optimizer = make(name, table, lr=0.1)
    for _ in range(30):
        rows, grads = draw(rng, dtype=np.float64)
        optimizer.step_rows(rows, grads)
        before = {key: getattr(reference, key).copy() for key in "pmvb"}
        reference.step(dense(rows, grads))
        others = np.setdiff1d(np.arange(N), rows)
        for key, array in before.items():
            getattr(reference, key)[others] = array[others]
    np.testing.assert_allclose(table, reference.p, rtol=1e-12)
    assert optimizer.step_count == 30


@pytest.mark.parametrize("eps", [1e-30, 1e-8])
def test_the_lazy_rule_is_that_of_torch(eps):
    torch = pytest.importorskip("torch")
    rng = np.random.default_rng(1)
    table = rng.standard_normal((N, WIDTH))
    tensor = torch.nn.Parameter(torch.from_numpy(table.copy()))
    theirs = torch.optim.SparseAdam([tensor], lr=0.01, eps=eps)
    optimizer = fastadam.Adam(table, lr=0.01, eps=eps)
    for _ in range(30):
        rows, grads = draw(rng, 4, dtype=np.float64)
        grads = 0.5 + abs(grads)  # so that v is nowhere near 0
        tensor.grad = torch.sparse_coo_tensor(rows[None], grads, (N, WIDTH), check_invariants=True)
        theirs.step()
        optimizer.step_rows(rows, grads)
    ours, theirs = table, tensor.detach().numpy()
    # As eps is added elsewhere, a move differs by less than eps/sqrt(v) of its size.
    least = np.sqrt(optimizer.state_dict()["group0/0/v"].min())
    np.testing.assert_allclose(ours, theirs, rtol=0, atol=1e-13 + 30 * 0.02 * eps / least)
    assert eps < 1e-20 or not np.allclose(ours, theirs, rtol=0, atol=1e-13)


def test_several_gradients_of_a_row_are_summed_in_the_order_given():
    table, other = np.zeros((2, N, 1))
    rows = np.array([5, 2, 5, 5, 2, 7, 7, 7], np.int32)
    grads = np.array([1e16, 1.0, 1.0, -1e16, 2.0, 1e16, -1e16, 1.0])[:, None]
    fastadam.Adam(table).step_rows(rows, grads)
    fastadam.Adam(other).step_rows([2, 5, 7], np.array([[3.0], [0.0], [1.0]]))
    np.testing.assert_array_equal(table, other)


#: Whose steps hand on more than their state.
CARRYING = ["NAdam", "ScheduleFreeAdamW"]
LRS = {
    "constant": 0.01,
    "warm-up": Warmup(20, then=Cosine(0.1, steps=300)),
    "steps": Step(0.1, 30, 1e-3),
}


def compare_with_dense(name, seed, steps, **keywords):
    """Step rows exactly and all rows densely; most rows have no gradient for most of the time."""
    rng = np.random.default_rng(seed)
    ours = rng.standard_normal((N, WIDTH)).astype(np.float32)
    theirs = ours.copy()
    exact = make(name, ours, sparse="exact", **keywords)
    plain = make(name, theirs, **keywords)
    for step in range(steps):
        rows, grads = draw(rng, most=2 if step % 100 > 10 else N)
        exact.step_rows(rows, grads)
        plain.step(dense(rows, grads))
    exact.catch_up()
    return (ours, state_of(exact)), (theirs, state_of(plain))


@given(st.integers(0, 2**32), st.integers(0, 40), st.sampled_from(sorted(LRS)))
@settings(deadline=None, max_examples=12)
def test_exact_steps_are_dense_ones_to_the_bit_while_parameters_move(seed, steps, lr):
    (ours, state), (theirs, dense_state) = compare_with_dense("Adam", seed, steps, lr=LRS[lr])
    np.testing.assert_array_equal(ours, theirs)
    for key, array in dense_state.items():
        np.testing.assert_array_equal(state[key], array)


def test_a_row_at_rest_is_within_a_rounding_a_step():
    """Beyond the last step that moves it nothing is done to it one by one."""
    table, other = np.full((2, N, WIDTH), 0.5, np.float32)
    exact, plain = fastadam.Adam(table, lr=0.01, sparse="exact"), fastadam.Adam(other, lr=0.01)
    rows, grads = draw(np.random.default_rng(2), 4)
    steps = 1_000
    for step in range(steps):
        given = (rows, grads) if step == 0 else (rows[:0], grads[:0])
        exact.step_rows(*given)
        plain.step(dense(*given))
    exact.catch_up()
    np.testing.assert_array_equal(table, other)
    ours, theirs = state_of(exact), state_of(plain)
    for key in theirs:
        np.testing.assert_allclose(ours[key], theirs[key], rtol=steps * 2.0**-24, atol=0)
    assert not np.array_equal(ours["group0/0/v"], theirs["group0/0/v"])  # so it was at rest


@pytest.mark.slow
@pytest.mark.parametrize("name", [name for name in NAMES if name not in CARRYING])
@pytest.mark.parametrize("lr", LRS)
@pytest.mark.parametrize(
    "keywords", [{}, {"weight_decay": 0.1}, {"weight_decay": 0.0, "maximize": True}], ids=str
)
def test_every_rule_has_exact_steps(name, lr, keywords):
    own = {"amsgrad": True} if name == "AdamW" else {}
    steps = 1_500
    ours, theirs = compare_with_dense(name, 5, steps, lr=LRS[lr], **own, **keywords)
    np.testing.assert_allclose(ours[0], theirs[0], rtol=steps * 2.0**-24, atol=1e-5)
    for key, array in theirs[1].items():
        np.testing.assert_allclose(ours[1][key], array, rtol=steps * 2.0**-22, atol=1e-6)


def test_hyper_parameters_may_change_between_exact_steps():
    table, other = np.ones((2, N, WIDTH), np.float32)
    exact = fastadam.Adam(table, lr=0.01, sparse="exact")
    plain = fastadam.Adam(other, lr=0.01)
    rng = np.random.default_rng(3)
    changes = {5: ("lr", 0.1), 10: ("betas", (0.5, 0.9)), 15: ("weight_decay", 0.1), 20: ("lr", 0)}
    for step in range(25):
        for optimizer in (exact, plain):
            if step in changes:
                optimizer.param_groups[0].update([changes[step]])
        rows, grads = draw(rng)
        if step == 12:  # a gradient of all rows is for all of them
            exact.step(dense(rows, grads))
        else:
            exact.step_rows(rows, grads)
        plain.step(dense(rows, grads))
    assert not np.array_equal(table, other)
    exact.catch_up()
    np.testing.assert_array_equal(table, other)


def test_exact_state_is_saved_up_to_date_and_resumed():
    rng = np.random.default_rng(6)
    gradients = [draw(rng) for _ in range(20)]
    table, other = np.ones((2, N, WIDTH), np.float32)
    straight = fastadam.Adam(table, sparse="exact")
    for rows, grads in gradients:
        straight.step_rows(rows, grads)
    first = fastadam.Adam(other, sparse="exact")
    for rows, grads in gradients[:10]:
        first.step_rows(rows, grads)
    state, copy = first.state_dict(), other.copy()
    first.step_rows(*gradients[0])  # this goes nowhere
    other[...] = copy
    first.load_state_dict(state)
    for rows, grads in gradients[10:]:
        first.step_rows(rows, grads)
    first.catch_up()
    straight.catch_up([0, 1, 1])
    straight.catch_up()
    np.testing.assert_array_equal(table, other)


@pytest.mark.parametrize("kind", [scipy.sparse.csr_array, scipy.sparse.csr_matrix])
def test_csr_gradients_beside_dense_ones(kind):
    rng = np.random.default_rng(7)
    full = rng.standard_normal((N, WIDTH)) * (rng.random((N, 1)) < 0.3)
    full[2, 1:] = 0.0
    rows, bias = np.flatnonzero(full.any(axis=1)), rng.standard_normal(WIDTH)
    results = []
    for gradient in (kind(full), Rows(rows, full[rows])):
        params = {"table": np.ones((N, WIDTH)), "bias": np.ones(WIDTH), "one": np.ones(N)}
        optimizer = fastadam.Adam(params, lr=0.1)
        for _ in range(3):
            one = kind(full[:, :1]) if isinstance(gradient, kind) else Rows([0, 2], np.zeros(2))
            optimizer.step({"table": gradient, "bias": bias, "one": one})
        results.append((params, optimizer.state_dict()))
    (ours, state), (theirs, other) = results
    for key in ("table", "bias"):
        np.testing.assert_array_equal(ours[key], theirs[key])
        np.testing.assert_array_equal(state[f"group0/{key}/m"], other[f"group0/{key}/m"])
    assert np.all((ours["table"] == 1.0).all(axis=1) == (full == 0.0).all(axis=1))


def test_rows_in_groups_and_of_one_array_in_a_list():
    for params in ([np.ones((N, 2))], {"w": np.ones((N, 2))}, [{"params": [np.ones((N, 2))]}]):
        optimizer = fastadam.Adam(params, lr=0.5)
        optimizer.step_rows([3], np.ones((1, 2)))
        tree = optimizer.param_groups[0]["params"]
        (array,) = tree.values() if isinstance(tree, dict) else tree
        assert np.flatnonzero(array != 1.0).tolist() == [6, 7]


def test_gradients_in_the_memory_of_the_parameters_are_copied():
    table, other = np.arange(12.0).reshape(2, 3, 2)[[0, 0]].copy()
    for _ in range(2):
        fastadam.Adam(table, lr=1.0).step_rows([1, 0], table[:2])
        fastadam.Adam(other, lr=1.0).step_rows([1, 0], other[:2].copy())
    np.testing.assert_array_equal(table, other)


@pytest.mark.parametrize("sparse", ["lazy", "exact"])
def test_gradients_that_are_not_finite(snapshot, sparse):
    table = np.ones((N, 2))
    bad = Rows([1], np.array([[1.0, NAN]]))
    for word in ("raise", "skip"):
        optimizer = fastadam.Adam(table, nonfinite=word, sparse=sparse)
        before = snapshot(optimizer, [table])
        if word == "raise":
            assert_refused(["grads", "finite", "nan"], lambda: optimizer.step(bad))  # noqa: B023
        else:
            optimizer.step(bad)
        before.assert_unchanged()


def ones(*shape, dtype=float):
    return np.ones(shape, dtype)


CSR = scipy.sparse.csr_array(ones(N, 2))
BAD = [
    ([-1], ones(1, 2), ["grads.rows", "0 to 11", "-1"]),
    ([0, N], ones(2, 2), ["grads.rows", "0 to 11", "12"]),
    (np.array([2**64 - 1], np.uint64), ones(1, 2), ["grads.rows", "18446744073709551615"]),
    ([0.0], ones(1, 2), ["grads.rows", "[0.0]"]),
    ([True], ones(1, 2), ["grads.rows", "[True]"]),
    ([[0]], ones(1, 2), ["grads.rows", "[[0]]"]),
    (0, ones(2), ["grads.rows", "0"]),
    (None, ones(1, 2), ["grads.rows", "None"]),
    (np.ma.array([0]), ones(1, 2), ["grads.rows", "masked"]),
    ([0], ones(2, 2), ["grads", "(1, 2)", "(2, 2)"]),
    ([0], ones(2), ["grads", "(1, 2)", "(2,)"]),
    ([0], ones(1, 2, dtype=np.float32), ["grads", "float64", "float32"]),
    ([0], ones(1, 2, dtype=int), ["grads", "int64"]),
    ([0], [[1.0, 1.0]], ["grads.grads", "[[1.0, 1.0]]"]),
    ([0], np.ma.ones((1, 2)), ["grads.grads", "masked"]),
]


@pytest.mark.parametrize("row", BAD, ids=row_name)
def test_bad_rows_are_refused(row, snapshot):
    rows, grads, words = row
    table = np.ones((N, 2))
    optimizer = fastadam.Adam(table)
    optimizer.step_rows([0], np.ones((1, 2)))
    before = snapshot(optimizer, [table])
    assert_refused(words, lambda: optimizer.step_rows(rows, grads))
    before.assert_unchanged()


@pytest.mark.parametrize(
    ("gradient", "words"),
    [
        (CSR.tocsc(), ["grads", "CSR", "tocsr"]),
        (CSR.tocoo(), ["grads", "CSR"]),
        (CSR[:5], ["grads", "(12, 2)", "(5, 2)"]),
        (CSR.astype(np.float32), ["grads", "float64", "float32"]),
    ],
    ids=["csc", "coo", "shape", "dtype"],
)
def test_other_sparse_gradients_are_refused(gradient, words):
    assert_refused(words, lambda: fastadam.Adam(np.ones((N, 2))).step(gradient))


def test_what_does_not_go_together():
    rows = Rows([0], np.ones((1, 2)))
    two = fastadam.Adam([np.ones((N, 2)), np.ones((N, 2))])
    refusals = [
        (["step_rows", "one array", "2"], lambda: two.step_rows([0], np.ones((1, 2)))),
        (["rows", "2 arrays"], lambda: two.catch_up([0])),
        (["sparse", "nadam"], lambda: fastadam.NAdam(np.ones((N, 2)), sparse="exact")),
        (["sparse", "'eager'"], lambda: fastadam.Adam(np.ones(3), sparse="eager")),
        (["params", "contiguous"], lambda: fastadam.Adam(np.ones((2, N)).T).step(rows)),
        (["params", "contiguous"], lambda: fastadam.Adam(np.ones(())).step(rows)),
    ]
    for keywords in (
        {"clip_norm": 1.0},
        {"clip_value": 1.0},
        {"average": "equal"},
        {"state_dtype": "uint8"},
    ):
        optimizer = fastadam.Adam(np.ones((N, 2), np.float32), **keywords)
        refusals.append(([*keywords, "grads"], lambda optimizer=optimizer: optimizer.step(rows)))
    for words, call in refusals:
        assert_refused(words, call)
    exact = fastadam.Adam(np.ones((N, 2)), sparse="exact")
    for bad in ([N], [-1], [0.5]):
        assert_refused(["rows", str(bad[0])], lambda bad=bad: exact.catch_up(bad))
