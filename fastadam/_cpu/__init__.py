"""Parameter arrays in the host's memory, their kernels, and the threads that run them."""
