"""The original's way of sound, for bench.sound: a microphone read in blocks of 1024 samples, sent over TCP as it comes,
and written to the speaker as it comes.

    python -m bench.sound_original hear PORT        prints "ready" when it listens
    python -m bench.sound_original speak PORT
"""

import socket
import sys

import pyaudio

from relay import wire

BLOCK = 1024
RATE = 16_000


def speak(port: int) -> None:
    """Send what the microphone gives."""
    audio = pyaudio.PyAudio()
    microphone = audio.open(rate=RATE, channels=1, format=pyaudio.paInt16, input=True, frames_per_buffer=BLOCK)
    with socket.create_connection(("127.0.0.1", port)) as connection:
        while True:
            data = microphone.read(BLOCK, exception_on_overflow=False)
            connection.sendall(wire.encode(wire.AUDIO, data))


def hear(port: int) -> None:
    """Play what comes."""
    audio = pyaudio.PyAudio()
    speaker = audio.open(rate=RATE, channels=1, format=pyaudio.paInt16, output=True, frames_per_buffer=BLOCK)
    with socket.create_server(("127.0.0.1", port)) as listener:
        print("ready", flush=True)
        connection, _ = listener.accept()
        with connection, connection.makefile("rb") as stream:
            while head := stream.read(wire.HEADER.size):
                _, size = wire.HEADER.unpack(head)
                speaker.write(stream.read(size))


if __name__ == "__main__":
    {"speak": speak, "hear": hear}[sys.argv[1]](int(sys.argv[2]))
