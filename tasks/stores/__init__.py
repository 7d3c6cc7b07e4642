"""The tables: ports, rows, and their two implementations, on DynamoDB and in memory.

This module is light; `tasks.stores.dynamodb` and `tasks.stores.memory` are imported by who needs them.
"""

from tasks.stores.bundle import Stores

__all__ = ["Stores"]
