"""Which indicator-based strategies are watched, where their bars come from, and how often each has entered."""
