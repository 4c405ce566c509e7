"""Error bars: what is known of the parameters at a minimum."""
