"""A stand-in for the services that tasks call: Lambda's invoke protocol, some DynamoDB, SQS and EventBridge.

Functions are Python functions; what they raise comes out as Lambda's FunctionError, as on AWS.
"""

from __future__ import annotations

import json
import sys
import threading
import traceback
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import unquote

Handler = Callable[[Any], Any]
REGION = "ap-south-1"
ACCOUNT = "000000000000"


def function_arn(name: str) -> str:
    return f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{name}"


class _Server(ThreadingHTTPServer):
    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that was killed hears no answer: that is no error of ours."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)


class Throttled(Exception):
    """Raised by a function's stand-in: Lambda answers 429 before the function runs."""


class Broken(Exception):
    """Lambda itself answers 500."""


class HungUp(Exception):
    """The connection is closed without an answer."""


@dataclass
class FakeAws:
    functions: dict[str, Handler] = field(default_factory=dict)
    invocations: list[tuple[str, Any]] = field(default_factory=list)
    items: dict[str, dict[str, Any]] = field(default_factory=dict)
    messages: list[dict[str, Any]] = field(default_factory=list)
    events: list[dict[str, Any]] = field(default_factory=list)
    url: str = ""
    _server: ThreadingHTTPServer | None = None

    def start(self) -> None:
        fake = self

        class Requests(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                try:
                    status, headers, answer = fake.answer(self.path, dict(self.headers), body)
                except HungUp:
                    self.close_connection = True
                    return
                self.send_response(status)
                for name, value in {**headers, "Content-Length": str(len(answer))}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(answer)

            def log_message(self, format: str, *args: object) -> None:
                pass

        self._server = _Server(("127.0.0.1", 0), Requests)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def stop(self) -> None:
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()

    def calls_of(self, name: str) -> list[Any]:
        return [payload for function, payload in self.invocations if function == name]

    def answer(self, path: str, headers: dict[str, str], body: bytes) -> tuple[int, dict[str, str], bytes]:
        if path.startswith("/2015-03-31/functions/"):
            name = unquote(path.split("/")[3]).rsplit(":", 1)[-1]
            return self._invoke(name, json.loads(body or b"null"))
        target = headers.get("X-Amz-Target", headers.get("x-amz-target", ""))
        request = json.loads(body or b"{}")
        return self._service(target.rsplit(".", 1)[-1], request)

    def _invoke(self, name: str, payload: Any) -> tuple[int, dict[str, str], bytes]:
        self.invocations.append((name, payload))
        function = self.functions.get(name)
        if function is None:
            return _refused(404, "ResourceNotFoundException", f"Function not found: {function_arn(name)}")
        try:
            result = function(payload)
        except Throttled:
            return _refused(429, "TooManyRequestsException", "Rate Exceeded.")
        except Broken:
            return _refused(500, "ServiceException", "ServiceException")
        except HungUp:
            raise
        except Exception as wrong:  # noqa: BLE001  (whatever a function raises becomes its error)
            trace = traceback.format_tb(wrong.__traceback__)
            error = {"errorMessage": str(wrong), "errorType": type(wrong).__name__, "stackTrace": trace}
            return 200, {"X-Amz-Function-Error": "Unhandled"}, json.dumps(error).encode()
        return 200, {"X-Amz-Executed-Version": "$LATEST"}, json.dumps(result).encode()

    def _service(self, operation: str, request: dict[str, Any]) -> tuple[int, dict[str, str], bytes]:
        if operation == "SendMessage":
            return self._send(request)
        if operation == "PutItem":
            key = json.dumps(request["Item"]["id"])
            if "ConditionExpression" in request and key in self.items:
                return _refused(400, "ConditionalCheckFailedException", "The conditional request failed")
            self.items[key] = request["Item"]
            return _json({})
        if operation == "GetItem":
            item = self.items.get(json.dumps(request["Key"]["id"]))
            return _json({"Item": item} if item else {})
        if operation == "PutEvents":
            self.events.extend(request["Entries"])
            return _json({"FailedEntryCount": 0, "Entries": [{"EventId": "1"} for _ in request["Entries"]]})
        return _refused(400, "ValidationException", f"{operation} is not known here")

    def _send(self, request: dict[str, Any]) -> tuple[int, dict[str, str], bytes]:
        if request["QueueUrl"].endswith("/gone"):
            status, headers, body = _refused(400, "com.amazonaws.sqs#QueueDoesNotExist", "No such queue.")
            older = {"x-amzn-query-error": "AWS.SimpleQueueService.NonExistentQueue;Sender"}
            return status, {**headers, **older}, body
        self.messages.append(request)
        return _json({"MessageId": f"message-{len(self.messages)}", "MD5OfMessageBody": "0" * 32})


def _json(answer: Any) -> tuple[int, dict[str, str], bytes]:
    return (
        200,
        {"Content-Type": "application/x-amz-json-1.0", "x-amzn-RequestId": "req-1"},
        json.dumps(answer).encode(),
    )


def _refused(status: int, code: str, message: str) -> tuple[int, dict[str, str], bytes]:
    headers = {"x-amzn-ErrorType": code, "x-amzn-RequestId": "req-1"}
    return status, headers, json.dumps({"__type": code, "message": message, "Message": message}).encode()
