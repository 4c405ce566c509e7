import re

import numpy as np
import pytest

from examples.sparse_text import (
    BATCH,
    CONTENDERS,
    TOPICS,
    evaluate,
    find_error,
    generate,
    main,
    make_batch,
    train,
)

WORDS, DOCUMENTS = 2_000, 640


@pytest.fixture(scope="module")
def corpus():
    return generate(np.random.default_rng(0), WORDS, DOCUMENTS + 100)


def test_words_follow_zipf_and_topics_prefer_some(corpus):
    assert corpus.words.shape == (DOCUMENTS + 100, WORDS)
    counts = (corpus.words > 0).sum(axis=0)
    assert counts[0] == DOCUMENTS + 100  # the bias
    first, last = counts[1 : WORDS // 10].sum(), counts[-WORDS // 10 :].sum()
    assert first > 20 * last
    of_topic = np.stack([corpus.words[corpus.topics == k].mean(axis=0) for k in range(TOPICS)])
    assert np.median(of_topic.max(axis=0) / of_topic.mean(axis=0).clip(1e-9)) > 2


def test_the_gradient_is_that_of_the_loss(corpus):
    batch = make_batch(corpus, slice(0, BATCH))
    weights = np.random.default_rng(1).standard_normal((WORDS, TOPICS)).astype(np.float32)
    gradient = np.zeros_like(weights)
    gradient[batch.rows] = batch.words.T @ find_error(batch, weights)
    direction = np.random.default_rng(2).standard_normal(weights.shape).astype(np.float32)
    losses = [evaluate(batch, weights + h * direction)[0] for h in (-0.01, 0.01)]
    slope = (losses[1] - losses[0]) / 0.02
    assert slope == pytest.approx(np.sum(gradient * direction), rel=0.02)


@pytest.mark.slow
def test_exact_steps_learn_what_dense_ones_do_and_lazy_ones_nearly(corpus):
    dense, exact, lazy = (train(each, corpus, DOCUMENTS, 4) for each in CONTENDERS)
    np.testing.assert_allclose(exact.weights, dense.weights, rtol=0, atol=1e-5)
    assert np.abs(lazy.weights - dense.weights).max() > 1e-3
    assert dense.accuracy > 0.5
    for each in (dense, exact, lazy):
        assert each.steps[-1] == 4 * DOCUMENTS // BATCH
        assert each.losses[0] == pytest.approx(np.log(TOPICS), rel=1e-6)
        assert each.losses[-1] < 0.8 * each.losses[0]
        assert abs(each.losses[-1] / dense.losses[-1] - 1) < 0.2


@pytest.mark.slow
def test_the_program_prints_the_table_and_draws(capsys, tmp_path):
    path = tmp_path / "picture.png"
    arguments = ["--words", "500", "--documents", "200", "--epochs", "1", "--output", str(path)]
    assert main(arguments) == 0
    out, err = capsys.readouterr()
    assert err == ""
    for contender in CONTENDERS:
        assert re.search(rf"^{contender.label} +[\d.]+ ", out, re.MULTILINE)
    assert out.endswith(f"Drawn to {path}\n")
    assert path.read_bytes().startswith(b"\x89PNG")
