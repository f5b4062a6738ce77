"""Where a simulated link can't be made, tests that need one skip and say what is missing; with CI set they fail."""

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from tests.net.linksim import Link, link
from tests.net.namespaces import why_not


@pytest.fixture
def make_link() -> Iterator[Callable[..., Link]]:
    """Make a link with these settings, until the test ends (tests that use it are marked `device`)."""
    if missing := why_not():
        (pytest.fail if os.environ.get("CI") else pytest.skip)(missing)
    with ExitStack() as stack:
        yield lambda **settings: stack.enter_context(link(**settings))
