"""E-mail by Amazon SES."""

from __future__ import annotations

from dataclasses import dataclass
from email.message import EmailMessage
from typing import Any


@dataclass(frozen=True, slots=True)
class SesMail:
    """`client` is boto3's for SES, `sender` the verified address that mail comes from; "" sends nothing."""

    client: Any
    sender: str

    def send(self, message: EmailMessage) -> str:
        """The message's id at SES, "" where the platform has no sender."""
        if not self.sender:
            return ""
        message["From"] = self.sender
        answer = self.client.send_raw_email(
            Source=self.sender,
            Destinations=[message["To"]],
            RawMessage={"Data": message.as_bytes()},
        )
        return str(answer["MessageId"])
