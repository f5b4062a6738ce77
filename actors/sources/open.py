"""Opens a source by what is asked for; each loads only the libraries that it needs."""

from actors.children.orders import OpenSource
from actors.sources.source import Source


def open_source(order: OpenSource) -> Source:
    """Return the source. Raises `SourceError`."""
    match order.kind:
        case "card":
            from actors.sources.card import Card

            return Card(order.width, order.height, order.rate)
        case "image":
            from actors.sources.image import StillImage

            return StillImage(order.what)
        case "file":
            from actors.sources.video_file import VideoFile

            return VideoFile(order.what)
        case "camera":
            from actors.sources.camera import open_camera

            return open_camera(order.what, order.width, order.height, order.rate)
