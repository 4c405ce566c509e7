"""The repository itself: its commands, its documents, its imports."""
