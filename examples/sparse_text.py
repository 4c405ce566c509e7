"""Learn to tell the topics of texts, word by word: ``python -m examples.sparse_text``.

Softmax regression on bags of words. A document has a few dozen of 300,000 words, so a batch has a
gradient for one row of weights in two hundred. The same training runs with dense steps, with exact
steps of rows (the same weights, but for rounding) and with lazy ones; a table and a picture tell
what each took and how well it does on documents that were left out.

The texts are generated, so that no network is needed: words follow Zipf's law, and each topic
prefers a part of them.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from typing import Any, NamedTuple

import numpy as np
import scipy.sparse
from numpy.typing import NDArray

import fastadam

from ._shared import plots
from ._shared.command import picture_parser, positive_int, run_command, seed

#: Pixels.
SIZE = (1600, 640)
DPI = 160

TOPICS = 16
#: Words of a document, on average, and how many times as often a topic's own words come.
LENGTH = 40
PREFERENCE = 8.0
BATCH = 64
LR = 0.01
#: Looks at the documents that were left out, in an epoch.
LOOKS = 5


class Corpus(NamedTuple):
    """Bags of words, a row for each document, and the topics of the documents."""

    words: Any  # a scipy.sparse.csr_array of float32
    topics: NDArray[np.int64]


class Batch(NamedTuple):
    """Some documents, as a matrix of the words that are in them, and which words those are."""

    words: Any
    rows: NDArray[np.int64]
    topics: NDArray[np.int64]


@dataclass(frozen=True)
class Contender:
    """A way of taking steps, and how it is drawn."""

    label: str
    #: Of `fastadam.Adam`; None for dense steps.
    sparse: str | None
    colour: str
    dashes: Any


CONTENDERS = (
    Contender("dense steps", None, plots.ORANGE, "-"),
    Contender("exact steps of rows", "exact", plots.BLUE, (0, (4, 2))),
    Contender("lazy steps of rows", "lazy", plots.GREEN, (0, (1, 1))),
)


@dataclass(frozen=True)
class Training:
    """What came of a contender's training."""

    contender: Contender
    weights: NDArray[np.float32]
    #: At each look: the steps taken, the seconds that they took, and the mean loss.
    steps: list[int]
    seconds: list[float]
    losses: list[float]
    accuracy: float
    #: Of the optimiser alone, for a step.
    step_seconds: float


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the program; return its exit status."""
    return run_command(_parser(), arguments, _work)


def _work(options: argparse.Namespace) -> None:
    rng = np.random.default_rng(options.seed)
    count = options.documents
    corpus = generate(rng, options.words, count + max(1, count // 10))
    trainings = [train(each, corpus, count, options.epochs) for each in CONTENDERS]
    print(format_table(trainings))
    draw(trainings, options.output)
    print(f"\nDrawn to {options.output}")


def _parser() -> argparse.ArgumentParser:
    parser = picture_parser(
        "sparse_text", "Train a classifier of generated texts with dense and with sparse steps."
    )
    for name, default, what in (
        ("words", 300_000, "different words there are"),
        ("documents", 10_000, "documents to learn from"),
        ("epochs", 2, "times each is seen"),
    ):
        parser.add_argument(
            f"--{name}", type=positive_int, metavar="N", default=default, help=f"{what} ({default})"
        )
    parser.add_argument("--seed", type=seed, metavar="N", default=0, help="of the texts (0)")
    return parser


def generate(rng: np.random.Generator, words: int, documents: int) -> Corpus:
    """Draw documents; in each also the word 0, whose weights are the biases."""
    frequency = 1.0 / (np.arange(words) + 2.7) ** 1.07
    prefers = rng.integers(0, TOPICS, words)
    topics = rng.integers(0, TOPICS, documents)
    lengths = rng.poisson(LENGTH, documents)
    drawn = np.empty(lengths.sum(), np.int64)
    owners = np.repeat(np.arange(documents), lengths)
    for topic in range(TOPICS):
        share = np.cumsum(np.where(prefers == topic, PREFERENCE, 1.0) * frequency)
        places = np.flatnonzero(topics[owners] == topic)
        drawn[places] = np.searchsorted(share, rng.uniform(0.0, share[-1], places.size))
    ones = np.ones(drawn.size + documents, np.float32)
    rows = np.concatenate([owners, np.arange(documents)])
    columns = np.concatenate([drawn, np.zeros(documents, np.int64)])
    bags = scipy.sparse.coo_array((ones, (rows, columns)), shape=(documents, words)).tocsr()
    bags.data = np.log1p(bags.data)  # the tenth time a word says less than the first
    return Corpus(bags, topics)


def train(contender: Contender, corpus: Corpus, count: int, epochs: int) -> Training:
    """Learn from the first ``count`` documents, and look at the others now and then."""
    weights = np.zeros((corpus.words.shape[1], TOPICS), np.float32)
    step, catch_up = make_steps(contender, weights)
    test = make_batch(corpus, slice(count, None))
    per_epoch = -(-count // BATCH)
    looks = set(np.linspace(0, epochs * per_epoch, epochs * LOOKS + 1).astype(int)[1:].tolist())
    training = Training(contender, weights, [0], [0.0], [evaluate(test, weights)[0]], 0.0, 0.0)
    clock = step_seconds = 0.0
    for number, batch in enumerate(_batches(corpus, count, epochs), start=1):
        begin = perf_counter()
        catch_up(batch.rows)
        ready = perf_counter()
        error = find_error(batch, weights)
        gradient = batch.words.T @ error
        middle = perf_counter()
        step(batch.rows, gradient)
        end = perf_counter()
        step_seconds += ready - begin + end - middle
        clock += end - begin
        if number in looks:
            catch_up(test.rows)
            training.steps.append(number)
            training.seconds.append(clock)
            training.losses.append(evaluate(test, weights)[0])
    catch_up(None)
    accuracy = evaluate(test, weights)[1]
    return Training(
        contender,
        weights,
        training.steps,
        training.seconds,
        training.losses,
        accuracy,
        step_seconds / number,
    )


def make_steps(
    contender: Contender, weights: NDArray[np.float32]
) -> tuple[Callable[..., None], Callable[..., None]]:
    """Make what takes a step of some rows, and what brings rows up to date."""
    if contender.sparse is not None:
        optimizer: Any = fastadam.Adam(weights, lr=LR, sparse=contender.sparse)  # type: ignore[arg-type]
        return optimizer.step_rows, optimizer.catch_up
    optimizer = fastadam.Adam(weights, lr=LR)
    gradient = np.zeros_like(weights)

    def step(rows: NDArray[np.int64], grads: NDArray[np.float32]) -> None:
        gradient[rows] = grads
        optimizer.step(gradient)
        gradient[rows] = 0.0

    return step, lambda rows: None


def _batches(corpus: Corpus, count: int, epochs: int) -> Iterator[Batch]:
    """Give the batches of all epochs, which are there already: their making is not timed."""
    batches = [
        make_batch(corpus, slice(start, min(start + BATCH, count)))
        for start in range(0, count, BATCH)
    ]
    for _ in range(epochs):
        yield from batches


def make_batch(corpus: Corpus, documents: slice) -> Batch:
    """Take some documents, and of all words those that are in them."""
    bags = corpus.words[documents]
    rows, columns = np.unique(bags.indices, return_inverse=True)
    shape = (bags.shape[0], rows.size)
    words = scipy.sparse.csr_array((bags.data, columns, bags.indptr), shape=shape)
    return Batch(words, rows.astype(np.int64), corpus.topics[documents])


def find_error(batch: Batch, weights: NDArray[np.float32]) -> NDArray[np.float32]:
    """Compute the gradient of the mean loss by the scores."""
    error = _find_shares(batch, weights)
    error[np.arange(error.shape[0]), batch.topics] -= 1.0
    return error / np.float32(error.shape[0])


def evaluate(batch: Batch, weights: NDArray[np.float32]) -> tuple[float, float]:
    """Compute the mean loss, and the share of documents whose topic is found."""
    shares = _find_shares(batch, weights)
    right = shares[np.arange(shares.shape[0]), batch.topics]
    found = shares.argmax(axis=1) == batch.topics
    return float(-np.log(np.maximum(right, 1e-30)).mean()), float(found.mean())


def _find_shares(batch: Batch, weights: NDArray[np.float32]) -> NDArray[np.float32]:
    scores = batch.words @ weights[batch.rows]
    shares: NDArray[np.float32] = np.exp(scores - scores.max(axis=1, keepdims=True))
    return shares / shares.sum(axis=1, keepdims=True)


def format_table(trainings: Sequence[Training]) -> str:
    """Return a table with a row a contender."""
    dense = trainings[0]
    header = (
        f"{'':<20}  {'ms a step':>9}  {'training, s':>11}  {'test loss':>9}  {'accuracy':>8}  "
        f"{'weights off by':>14}"
    )
    lines = [header, "-" * len(header)]
    for each in trainings:
        lines.append(
            f"{each.contender.label:<20}  {1e3 * each.step_seconds:>9.2f}  "
            f"{each.seconds[-1]:>11.2f}  {each.losses[-1]:>9.4f}  {each.accuracy:>8.1%}  "
            f"{np.abs(each.weights - dense.weights).max():>14.1e}"
        )
    lines += [
        "",
        f"A step is one of {dense.weights.size:,} weights, with a gradient for those of the words",
        f"in {BATCH} documents. 'off by' compares with the weights of dense steps.",
    ]
    return "\n".join(lines)


def draw(trainings: Sequence[Training], path: Path) -> None:
    """Draw the loss on documents that were left out, by steps and by seconds."""
    figure = plots.make_figure(*SIZE, DPI)
    left, right = figure.subplots(1, 2, sharey=True)
    for each in trainings:
        contender = each.contender
        style = {"color": contender.colour, "linestyle": contender.dashes, "linewidth": 2.0}
        left.plot(each.steps, each.losses, label=contender.label, **style)
        right.plot(each.seconds, each.losses, **style)
        right.plot(each.seconds[-1], each.losses[-1], "o", color=contender.colour)
    left.set(xlabel="steps", ylabel="loss on documents left out", xlim=(0, None), yscale="log")
    right.set(xlabel="seconds of training", xlim=(0, None))
    left.legend(frameon=False)
    for axes in (left, right):
        axes.grid(alpha=0.25, which="both")
        plots.open_frame(axes)
    plots.save_figure(figure, path)


if __name__ == "__main__":
    sys.exit(main())
