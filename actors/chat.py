"""The chat channel: what people write, in order, once, with marks that tell where it is."""

import time
from typing import Final, Protocol

import trio

from actors.messages import (
    CommandRefused,
    Emit,
    Hang,
    PeerNamed,
    PeerTyped,
    SendText,
    SetName,
    SetTyping,
    TextDelivered,
    TextQueued,
    TextReceived,
    TextRefused,
    TextSent,
)
from actors.news import ChatNews, Delivered, PeerTyping, Sent, Taken
from actors.peer import Message, Name, Text
from actors.reliable import OutboxFullError
from relay import limits

ChatCommand = SendText | SetTyping | SetName | Hang
_PEER: Final = "peer-"  # begins the ids of the peer's lines; ours must not


class Voice(Protocol):
    """What the chat needs of a session."""

    def say(self, message: Message) -> int:
        """Accept a message, return its number. Raises `OutboxFullError`."""

    def set_typing(self, typing: bool) -> None:
        """Tell the peer, if it is there."""

    def hang(self) -> None:
        """End the call for both sides, after everything said before."""


async def chat(inbox: trio.MemoryReceiveChannel[ChatCommand | ChatNews], voice: Voice, emit: Emit) -> None:
    """Turn commands into messages and the session's news into events, until `inbox` is closed.

    Takes SendText, SetTyping, SetName, Hang from the engine and Sent, Delivered, Taken, PeerTyping from the session,
    all through `inbox`, in the order in which they came. Answers each SendText with TextQueued or TextRefused; later
    TextSent, then TextDelivered, each once and in order. Emits TextReceived, PeerNamed and PeerTyped for the peer's.
    It waits for nothing but its inbox, so neither a screen nor the link can hold it. Closes nothing; cancelled, it
    leaves what is in the inbox. Raises nothing of its own.
    """
    ids: dict[int, str] = {}  # of our texts that are not delivered yet, by number
    used: set[str] = set()
    sent = 0  # up to this number TextSent was said
    typing = False
    async for item in inbox:
        match item:
            case SendText(id=line_id, text=text):
                cause = refusal(text)
                if not cause and (line_id in used or line_id.startswith(_PEER)):
                    cause = "repeated"
                if not cause:
                    try:
                        ids[voice.say(Text(text))] = line_id
                    except OutboxFullError:
                        cause = "queue-full"
                if cause:
                    emit(TextRefused(id=line_id, cause=cause))
                else:
                    used.add(line_id)
                    emit(TextQueued(id=line_id, text=text, at=time.time()))
            case SetTyping():
                voice.set_typing(item.typing)
            case SetName():
                try:
                    voice.say(Name(item.name))
                except OutboxFullError:
                    emit(CommandRefused(cause="queue-full"))
            case Hang():
                voice.hang()
            case Sent(number=number) | Delivered(number=number):
                # That a text was sent may be told late, or be lost with the connection; later news imply it.
                for earlier in range(sent + 1, number + 1):
                    if earlier in ids:
                        emit(TextSent(id=ids[earlier]))
                sent = max(sent, number)
                if isinstance(item, Delivered) and number in ids:
                    emit(TextDelivered(id=ids.pop(number)))
            case Taken(number=number, message=Text(text=text)):
                if typing:
                    typing = False
                    emit(PeerTyped(typing=False))
                emit(TextReceived(id=f"{_PEER}{number}", text=text, at=time.time()))
            case Taken(message=Name(name=name)):
                emit(PeerNamed(name=name))
            case Taken():
                pass  # a kind of message of a later version
            case PeerTyping():
                if typing != item.typing:
                    typing = item.typing
                    emit(PeerTyped(typing=typing))


def refusal(text: str) -> str:
    """Tell why a text can't be sent: "empty", "too-long" (over 64 KiB of UTF-8); "" if it can."""
    if not text:
        return "empty"
    return "too-long" if len(text.encode()) > limits.CHAT_BYTES else ""
