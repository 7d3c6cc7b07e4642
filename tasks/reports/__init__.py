"""What a day came to: an account's profit beside the broker's, and the report people open after the close.

`day.py` is the report as data, `page.py` the same as one HTML file; both are pure. `records.py` reads what they
are made from.
"""
