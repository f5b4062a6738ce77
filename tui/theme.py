"""The colours: quiet, one accent, and the three that mean well, take care and wrong. None says anything alone."""

from typing import Final

from textual.theme import Theme

THEME: Final = Theme(
    name="visavis",
    primary="#4fa3a5",
    secondary="#7a8a99",
    accent="#6cc0b8",
    foreground="#d7dbe0",
    background="#121417",
    surface="#1a1d21",
    panel="#22272c",
    success="#7fb77e",
    warning="#d9b46a",
    error="#d9706f",
    variables={"footer-key-foreground": "#6cc0b8", "footer-description-foreground": "#8b949e"},
)
