"""What the examples share: the command line, files and pictures."""
