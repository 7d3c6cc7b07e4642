"""A thin hand on one DynamoDB table: the few calls the stores make, with every failure named.

A refused condition is an answer. Throttling and outages are `StoreUnavailable`: the call may be made again.
What is left (a missing table, a refused permission, a malformed request) is a fault of ours and stays
botocore's own error.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError, HTTPClientError
from botocore.exceptions import ConnectionError as NoConnection

from tasks.stores.ports import StoreUnavailable
from tasks.stores.wire import attribute

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_dynamodb.type_defs import TransactWriteItemTypeDef

    from tasks.stores.wire import Attribute, Stored

    Item = dict[str, Stored]

_UNAVAILABLE = frozenset(
    {
        "InternalServerError",
        "ProvisionedThroughputExceededException",
        "RequestLimitExceeded",
        "RequestTimeout",
        "ServiceUnavailable",
        "ThrottlingException",
        "TransactionConflictException",
        "TransactionInProgressException",
    }
)
_BATCH = 100
_TRIES = 8


@contextmanager
def named_errors(table: str) -> Iterator[None]:
    """Turns throttling and outages into `StoreUnavailable`."""
    try:
        yield
    except ClientError as error:
        code = error.response["Error"]["Code"]
        if code in _UNAVAILABLE:
            raise StoreUnavailable(f"{table}: {code}") from error
        raise
    except (HTTPClientError, NoConnection) as error:
        raise StoreUnavailable(f"{table}: {type(error).__name__}") from error


def backoff(attempt: int) -> float:
    """Seconds to pause before try number `attempt` (from 0): 0.01, 0.02, 0.04, … at most 0.32."""
    return min(0.01 * 2.0**attempt, 0.32)


@dataclass(frozen=True, slots=True)
class DynamoTable:
    """One table. `pause` waits between tries of what DynamoDB left undone."""

    client: DynamoDBClient
    name: str
    pause: Callable[[float], None] = field(default=time.sleep, repr=False)

    def get(self, **key: str) -> Item | None:
        """Strongly consistent."""
        with named_errors(self.name):
            answer = self.client.get_item(TableName=self.name, Key=_key(key), ConsistentRead=True)
        return answer.get("Item")

    def get_item(self, key: Mapping[str, Attribute]) -> Item | None:
        """As `get`, for a key that is not all text."""
        with named_errors(self.name):
            return self.client.get_item(TableName=self.name, Key=key, ConsistentRead=True).get("Item")

    def get_many(self, keys: Iterable[Mapping[str, str]]) -> list[Item]:
        """Strongly consistent, in no order; keys that are not there are left out."""
        wanted = [dict(pairs) for pairs in dict.fromkeys(tuple(sorted(key.items())) for key in keys)]
        found: list[Item] = []
        for start in range(0, len(wanted), _BATCH):
            found += self._batch([_key(key) for key in wanted[start : start + _BATCH]])
        return found

    def put(
        self, item: Mapping[str, Attribute], *, condition: str = "", values: Mapping[str, object] | None = None
    ) -> bool:
        """False if the condition was refused."""
        arguments: dict[str, Any] = {"TableName": self.name, "Item": item}
        return self._write(self.client.put_item, arguments, condition, values)

    def update(
        self,
        key: Mapping[str, str],
        changes: Mapping[str, object],
        *,
        remove: Sequence[str] = (),
        copy: Mapping[str, str] | None = None,
        add: str = "",
        condition: str,
        values: Mapping[str, object] | None = None,
    ) -> bool:
        """Set attributes (see `expression`). False if the condition was refused."""
        arguments = {"TableName": self.name, "Key": _key(key)}
        arguments |= expression(changes, remove=remove, copy=copy or {}, add=add)
        return self._write(self.client.update_item, arguments, condition, values)

    def delete(self, key: Mapping[str, str], *, condition: str, values: Mapping[str, object]) -> bool:
        arguments: dict[str, Any] = {"TableName": self.name, "Key": _key(key)}
        return self._write(self.client.delete_item, arguments, condition, values)

    def query(self, condition: str, values: Mapping[str, object], *, index: str = "") -> Iterator[Item]:
        """All pages. Consistent on the table itself, eventually so on an index."""
        arguments: dict[str, Any] = {"IndexName": index} if index else {"ConsistentRead": True}
        names = {f"#{name}": name for name in _names_in(condition)}
        if names:
            arguments["ExpressionAttributeNames"] = names
        pages = self.client.get_paginator("query").paginate(
            TableName=self.name,
            KeyConditionExpression=condition,
            ExpressionAttributeValues=_values(values),
            **arguments,
        )
        with named_errors(self.name):
            for page in pages:
                yield from page["Items"]

    def scan(self) -> Iterator[Item]:
        """Every item: for what compares or rebuilds a whole table, never for a question somebody waits for."""
        pages = self.client.get_paginator("scan").paginate(TableName=self.name, ConsistentRead=True)
        with named_errors(self.name):
            for page in pages:
                yield from page["Items"]

    def _batch(self, keys: list[dict[str, Attribute]]) -> list[Item]:
        """One batch; DynamoDB may leave keys unprocessed under load, and they are asked again."""
        request: Any = {self.name: {"Keys": keys, "ConsistentRead": True}}
        found: list[Item] = []
        for attempt in range(_TRIES):
            with named_errors(self.name):
                answer = self.client.batch_get_item(RequestItems=request)
            found += answer["Responses"].get(self.name, [])
            request = answer.get("UnprocessedKeys")
            if not request:
                return found
            self.pause(backoff(attempt))
        raise StoreUnavailable(f"{self.name}: keys still unprocessed after {_TRIES} tries")

    def _write(
        self,
        call: Callable[..., Any],
        arguments: dict[str, Any],
        condition: str,
        values: Mapping[str, object] | None,
    ) -> bool:
        with named_errors(self.name):
            try:
                call(**with_condition(arguments, condition, values))
            except self.client.exceptions.ConditionalCheckFailedException:
                return False
        return True


def transact(
    client: DynamoDBClient,
    items: Sequence[TransactWriteItemTypeDef],
    *,
    table: str,
    pause: Callable[[float], None],
) -> bool:
    """All or nothing. False if a condition was refused."""
    return not transact_refused(client, items, table=table, pause=pause)


def transact_refused(
    client: DynamoDBClient,
    items: Sequence[TransactWriteItemTypeDef],
    *,
    table: str,
    pause: Callable[[float], None],
) -> tuple[int, ...]:
    """All or nothing. The places of the items whose condition was refused; empty if all is written.

    Legs of one basket check the same item at the same moment, and DynamoDB then cancels one of them for the
    conflict alone: nothing happened, so it is tried again.
    """
    for attempt in range(_TRIES):
        with named_errors(table):
            try:
                client.transact_write_items(TransactItems=items)
            except client.exceptions.TransactionCanceledException as cancelled:
                codes = [reason.get("Code", "None") for reason in cancelled.response["CancellationReasons"]]
                refused = tuple(n for n, code in enumerate(codes) if code == "ConditionalCheckFailed")
                if refused:
                    return refused
                if not set(codes) <= {"None", "TransactionConflict", "ThrottlingError"}:
                    raise
            else:
                return ()
        pause(backoff(attempt))
    raise StoreUnavailable(f"{table}: the transaction conflicted {_TRIES} times")


def expression(
    changes: Mapping[str, object],
    *,
    remove: Sequence[str] = (),
    copy: Mapping[str, str] | None = None,
    add: str = "",
) -> dict[str, Any]:
    """An UpdateExpression with its names and values.

    None and empty text in `changes` remove the attribute, as `remove` does. `copy` sets an attribute to what
    another one holds, `add` counts one up by 1.
    """
    kept = {name: value for name, value in changes.items() if value is not None and value != ""}
    gone = [*remove, *(name for name in changes if name not in kept)]
    copied = copy or {}
    sets = [f"#{name} = :{name}" for name in kept] + [f"#{to} = #{of}" for to, of in copied.items()]
    clauses = [f"SET {', '.join(sets)}"] if sets else []
    clauses += [f"REMOVE {', '.join(f'#{name}' for name in gone)}"] if gone else []
    clauses += [f"ADD #{add} :one"] if add else []
    names = [*kept, *gone, *copied, *copied.values(), *([add] if add else [])]
    values: dict[str, object] = {**kept, **({"one": 1} if add else {})}
    return {
        "UpdateExpression": " ".join(clauses),
        "ExpressionAttributeNames": {f"#{name}": name for name in names},
        **({"ExpressionAttributeValues": _values(values)} if values else {}),
    }


def with_condition(
    arguments: dict[str, Any], condition: str, values: Mapping[str, object] | None = None
) -> dict[str, Any]:
    """`arguments` with a condition. In it, `#name` is an attribute and `:name` a value."""
    if not condition:
        return arguments
    names = {**arguments.get("ExpressionAttributeNames", {}), **{f"#{n}": n for n in _names_in(condition)}}
    given = {**arguments.get("ExpressionAttributeValues", {}), **_values(values or {})}
    added: dict[str, Any] = {"ConditionExpression": condition}
    added |= {"ExpressionAttributeNames": names} if names else {}
    added |= {"ExpressionAttributeValues": given} if given else {}
    return arguments | added


def _names_in(condition: str) -> list[str]:
    words = condition.replace("(", " ").replace(")", " ").replace(",", " ").split()
    return [word[1:] for word in words if word.startswith("#")]


def _key(key: Mapping[str, str]) -> dict[str, Attribute]:
    return {name: attribute(value) for name, value in key.items()}


def _values(values: Mapping[str, object]) -> dict[str, Attribute]:
    return {f":{name}": attribute(value) for name, value in values.items()}
