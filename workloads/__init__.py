"""Work that examples show and benchmarks time: a perceptron on MNIST, and decay curves to fit.

Neither imports the other: what both need is here.
"""
