"""The HTML of the page that a file's own fixture `page` gives."""

import pytest


@pytest.fixture(scope="module")
def html(page):
    return page.html()
