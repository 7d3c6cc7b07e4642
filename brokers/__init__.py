"""Brokers: one protocol, one package per broker.

`brokers.model` holds the value types that travel between a broker and the platform, `brokers.errors` what
can go wrong when one *reads* from a broker, `brokers.protocol` what every adapter promises. What can go wrong
when one *writes* (places, modifies, cancels) is a value, never an exception: see `brokers.model.PlaceOutcome`.
"""
