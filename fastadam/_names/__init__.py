"""Parameters by name: vectors from mappings, results by name, and reports."""
