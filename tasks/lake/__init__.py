"""The lake: every domain event and every order update as Parquet, by kind and trading date.

pyarrow is imported here and in the functions that write the lake, never on the order path.
"""
