"""Handwritten digits, and a perceptron in NumPy that learns them."""
