"""What the tasks of the order path share: which orders a leg has, what the book says of one, moving it on."""
