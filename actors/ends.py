"""How a connection, a session, a transfer is over, or never begins: with a code and what goes into its sentence."""


class NamedEnd(Exception):  # noqa: N818 - an end is not always an error
    """Something is over. `cause` is a code of docs/engine.md, `detail` what goes into the sentence for it."""

    def __init__(self, cause: str, detail: str = "") -> None:
        super().__init__(f"{cause} {detail}".rstrip())
        self.cause = cause
        self.detail = detail
