"""Train a NumPy perceptron on MNIST with fastadam: ``python -m examples.mnist``."""
