"""Where a simulated link can't be made, tests that need one skip and say what is missing; with CI set they fail if it
is a package, which CI could have installed."""

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from tests.net.linksim import Link, link
from tests.net.namespaces import NamespaceError, why_not


@pytest.fixture
def make_link() -> Iterator[Callable[..., Link]]:
    """Make a link with these settings, until the test ends (tests that use it are marked `device`)."""
    if missing := why_not():
        (pytest.fail if os.environ.get("CI") and "apt" in missing else pytest.skip)(missing)
    with ExitStack() as stack:

        def make(**settings: Any) -> Link:
            try:
                return stack.enter_context(link(**settings))
            except NamespaceError as error:
                pytest.skip(f"this machine makes no namespaces: {error}")

        yield make
