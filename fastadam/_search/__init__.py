"""One search for a minimum: its memory, an iteration, how it begins and ends, its loops."""
