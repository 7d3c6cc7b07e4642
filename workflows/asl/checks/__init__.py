"""Everything that is checked when a machine is built."""
