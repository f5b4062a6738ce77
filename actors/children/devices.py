"""Says which sound devices there are, and ends: PortAudio looks for them only when it begins."""

from actors.children.orders import DevicesFound, Failed
from actors.children.pipe import Pipe
from actors.children.portaudio import DeviceError, list_devices


def main() -> None:
    """Look once."""
    pipe = Pipe()
    try:
        pipe.report(DevicesFound(tuple(list_devices("microphone")), tuple(list_devices("speaker"))))
    except DeviceError as error:
        pipe.report(Failed(error.cause, error.detail))


if __name__ == "__main__":
    main()
