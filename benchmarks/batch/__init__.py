"""The `batch` suite: `fastadam.minimize_batch` and `fastadam.multistart` beside others."""
