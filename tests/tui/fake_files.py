"""The transfers of a fake engine: believable, without a single byte moved."""

import os
from collections.abc import Callable, Sequence
from typing import Any

from msgspec.structs import replace

from actors.messages import (
    AnswerOffer,
    CancelTransfer,
    Event,
    ListOffer,
    OfferEntry,
    OfferFiles,
    OfferListed,
    PutFirst,
    Transfer,
    TransferChanged,
    TransferProgressed,
)

DOWNLOADS = "/home/me/Downloads"


class Entries(Sequence):
    """A list of any length that is made as it is read."""

    def __init__(self, count: int, make: Callable[[int], OfferEntry]) -> None:
        self.count, self.make = count, make

    def __len__(self) -> int:
        return self.count

    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, slice):
            return [self.make(number) for number in range(*index.indices(self.count))]
        return self.make(index)


def notes(count: int, prefix: str = "notes") -> Entries:
    """A folder with so many files in it, the folder itself first."""

    def make(index: int) -> OfferEntry:
        if index == 0:
            return OfferEntry(1, prefix, None, folder=True)
        return OfferEntry(index + 1, f"{prefix}/page {index:07}.pdf", 1000 * index)

    return Entries(count + 1, make)


class FakeTransfers:
    """Keeps transfers as an engine does, and says with `emit` what becomes of them."""

    def __init__(self, emit: Callable[[Event], None]) -> None:
        self.all: dict[int, Transfer] = {}
        self.lists: dict[int, Sequence[OfferEntry]] = {}
        self.listed_so_far: dict[int, int] = {}  # entries, where a list still comes
        self._emit = emit

    def keep(self, event: TransferChanged | TransferProgressed) -> None:
        """Take what was said into what is kept."""
        if isinstance(event, TransferChanged):
            self.all[event.transfer.id] = event.transfer
        else:
            facts = {name: getattr(event, name) for name in event.__struct_fields__ if name not in ("seq", "id")}
            self.all[event.id] = replace(self.all[event.id], **facts)

    def put(self, number: int, **facts: Any) -> Transfer:
        """Have a transfer that is like this from now on."""
        old = self.all.get(number)
        base = {"id": number, "mine": False, "state": "offered", "name": "file.bin", "files": 1}
        transfer = replace(old, **facts) if old else Transfer(**{**base, **facts})
        self._emit(TransferChanged(transfer=transfer))
        return transfer

    def theirs(self, number: int, name: str = "lecture.mp4", size: int = 1_200_000_000, **facts: Any) -> Transfer:
        """The peer offers one file."""
        self.lists[number] = [OfferEntry(1, name, size)]
        return self.put(number, **{"name": name, "size": size, "names": (name,), **facts})

    def folder(self, number: int, files: int = 318, size: int = 12_000_000, **facts: Any) -> Transfer:
        """The peer offers a folder called notes."""
        self.lists[number] = notes(files)
        names = tuple(entry.path for entry in self.lists[number][:100])
        base = {"name": "notes", "files": files, "folders": 1, "size": size, "names": names}
        return self.put(number, **{**base, **facts})

    def progress(self, number: int, moved: int, **facts: Any) -> None:
        """So many bytes are on the receiver's disk."""
        base = {"moved_files": 0, "rate": 41e6, "seconds_left": 12.0}
        self._emit(TransferProgressed(id=number, moved=moved, **{**base, **facts}))

    def ours(self, command: OfferFiles) -> int:
        """Offer what a screen asked for."""
        number = max([-1, *(number for number in self.all if number % 2)]) + 2
        first = command.paths[0]
        name = os.path.basename(first)
        self.put(number, mine=True, state="listing", request=command.id, name=name, files=0)
        sizes = [os.path.getsize(path) for path in command.paths if os.path.isfile(path)]
        folders = sum(os.path.isdir(path) for path in command.paths)
        names = tuple(os.path.basename(path) for path in command.paths)
        self.put(number, state="offered", files=len(sizes), folders=folders, size=sum(sizes), names=names)
        return number

    def obey(self, command: AnswerOffer | CancelTransfer | PutFirst) -> None:
        """Do what a screen asked of a transfer that is open."""
        number = command.transfer
        match command:
            case AnswerOffer(accept=False):
                self.put(number, state="refused", cause="refused")
            case AnswerOffer():
                folder = command.folder or DOWNLOADS
                path = f"{folder}/{self.all[number].name}"
                part = {"files": len(command.only), "folders": 0} if command.only else {}
                self.put(number, state="waiting", place=1, folder=folder, path=path, **part)
                self.put(number, state="moving")
            case CancelTransfer():
                self.put(number, state="cancelled", cause="cancelled", detail="here")
            case PutFirst():
                mine = self.all[number].mine
                line = sorted(
                    (one for one in self.all.values() if one.mine == mine and one.place),
                    key=lambda one: (one.id != number, one.place),
                )
                for place, transfer in enumerate(line, start=1):
                    if transfer.place != place:
                        self.put(transfer.id, place=place)

    def listed(self, command: ListOffer) -> OfferListed:
        """Return a page of a list."""
        entries = self.lists[command.transfer]
        total = self.listed_so_far.get(command.transfer, len(entries))
        first = command.first - 1
        return OfferListed(
            transfer=command.transfer,
            entries=tuple(entries[first : min(total, first + command.count)]),
            total=total,
            whole=total == len(entries),
        )
