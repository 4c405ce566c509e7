"""A folder for each room of the package: what only its own tests can tell."""
