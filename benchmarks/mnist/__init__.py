"""The `mnist` suite: a perceptron, trained by four libraries."""
