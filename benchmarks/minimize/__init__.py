"""The `minimize` suite: `fastadam.minimize` beside others."""
