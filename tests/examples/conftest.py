"""What the tests share: no network, no user's cache, and small IDX files."""

from tests.workloads.fixtures import idx, isolated, mnist_arrays, mnist_folder, real_mnist

__all__ = ["idx", "isolated", "mnist_arrays", "mnist_folder", "real_mnist"]
