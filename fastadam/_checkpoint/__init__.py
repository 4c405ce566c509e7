"""What runs are taken up again from: files, and signals that wait until one is written."""
