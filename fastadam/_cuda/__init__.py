"""Parameter arrays and searches on an NVIDIA GPU, and its driver."""
