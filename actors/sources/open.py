"""Opens a source by what is asked for; each loads only the libraries that it needs."""

from actors.children.orders import OpenSource
from actors.runfolder import RunFolderError, run_folder
from actors.sources.source import Source, SourceError


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
            from actors.sources.sharing import SharedCamera

            what = order.what or "0"
            try:
                folder = run_folder()
            except RunFolderError as error:
                raise SourceError("camera-failed", f"{what}, {error.path}") from None
            return SharedCamera(what, order.width, order.height, order.rate, open_camera, folder)
