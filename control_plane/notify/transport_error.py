"""How a transport says that a message was not taken."""

from __future__ import annotations

from datetime import timedelta


class TransportError(Exception):
    """The receiver did not take it, or could not be reached. The message is shown to the tenant: no secret in it.

    `permanent`: trying this message again cannot help. `gone`: no message will ever arrive there again (the person
    blocked the bot, the subscription ended), so the channel is disabled with the message as its reason. `bounced`: a
    mail server says for good that there is no such mailbox.
    """

    def __init__(
        self,
        message: str,
        *,
        permanent: bool = False,
        gone: bool = False,
        bounced: bool = False,
        retry_after: timedelta | None = None,
        http_status: int | None = None,
        response: str | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.permanent = permanent or gone
        self.gone = gone
        self.bounced = bounced
        self.retry_after = retry_after
        self.http_status = http_status
        self.response = response
