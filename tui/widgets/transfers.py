"""The transfers of a call, a row each: beside the conversation where there is room, else under it."""

from typing import Final

from textual.content import Content
from textual.widgets import Static

from actors.messages import Transfer
from tui.transfers import pick, row
from tui.words.catalogue import say

BESIDE_FROM: Final = 100  # cells of a screen
BESIDE_CELLS: Final = (44, 64)  # of the column, at least and at most
UNDER_ROWS: Final = 4
LOW_SCREEN: Final = 24  # lines; a lower one gives one row less


def column_cells(screen_cells: int) -> int:
    """Return the cells of the column beside the conversation; 0 where there is no room for one."""
    if screen_cells < BESIDE_FROM:
        return 0
    least, most = BESIDE_CELLS
    return max(least, min(most, screen_cells * 9 // 20))


class TransferList(Static):
    """Shows the transfers it is given; nothing where there are none."""

    def __init__(self) -> None:
        super().__init__(id="transfers", markup=False)
        self.display = False

    def show(self, transfers: list[Transfer], screen_cells: int, screen_lines: int) -> None:
        """Paint them again, if they say something else now."""
        self.display = bool(transfers)
        if not transfers:
            return
        column = column_cells(screen_cells)
        self.set_class(bool(column), "-beside")
        self.styles.width = column or "1fr"
        width = (column - 3) if column else screen_cells - 2
        rows = screen_lines if column else UNDER_ROWS - (screen_lines < LOW_SCREEN)
        chosen, more = pick(transfers, max(1, rows - 6) if column else rows)
        number_cells = max(len(str(transfer.id)) for transfer in chosen) if chosen else 1
        lines = [Content.assemble(*row(transfer, width, number_cells)) for transfer in chosen]
        if column:
            lines.insert(0, Content.styled(say("transfers-title"), "bold"))
        if more:
            lines.append(Content(say("transfers-more", count=more)))
        content = Content("\n").join(lines)
        if content != self.content:
            self.update(content)
