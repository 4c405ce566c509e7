"""The `training` suite: what a training has beside the step, and state in fewer bits."""
