"""What a step does beside its rule's update, in numbers: shared by the kernels of all places."""
