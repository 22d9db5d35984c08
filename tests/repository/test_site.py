"""`make docs`: the site is built without a warning, its links lead somewhere, it needs no network, dead links fail."""

from __future__ import annotations

import shutil
import subprocess
import sys
from html.parser import HTMLParser
from urllib.parse import unquote, urlsplit

import pytest

from tests.repository.tree import ROOT


def build(source, target):
    """What `make docs` runs."""
    command = [sys.executable, "-m", "sphinx", "-q", "-n", "-W", "--keep-going", "-c", "docs"]
    command += ["-d", str(target / "cache"), ".", str(target / "site")]
    return subprocess.run(command, cwd=source, capture_output=True, check=False, text=True)


class Links(HTMLParser):
    """The addresses of a page: those to go to, and those that it loads; and the names within it."""

    def __init__(self, text):
        super().__init__()
        self.gone_to, self.loaded, self.names = [], [], set()
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        attributes = dict(attrs)
        self.names |= {attributes[name] for name in ("id", "name") if attributes.get(name)}
        if tag == "a" and attributes.get("href"):
            self.gone_to.append(attributes["href"])
        elif tag in ("script", "img", "iframe") and attributes.get("src"):
            self.loaded.append(attributes["src"])
        elif tag == "link" and attributes.get("href") and attributes.get("rel") in ("stylesheet", "icon"):
            self.loaded.append(attributes["href"])


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    target = tmp_path_factory.mktemp("site")
    done = build(ROOT, target)
    assert (done.returncode, done.stderr) == (0, "")
    pages = {page: Links(page.read_text(encoding="utf-8")) for page in (target / "site").rglob("*.html")}
    return target / "site", pages


def test_every_page_is_there(site):
    folder, pages = site
    made = {page.relative_to(folder).as_posix() for page in pages}
    sources = [*(ROOT / "docs").glob("*.md"), ROOT / "deploy" / "README.md", ROOT / "CHANGELOG.md"]
    assert {file.relative_to(ROOT).with_suffix(".html").as_posix() for file in sources} <= made
    assert (folder / "index.html").exists(), "who opens the folder is sent on"


def test_every_link_within_the_site_leads_somewhere(site):
    _, pages = site
    lost = []
    for page, links in pages.items():
        for address in [*links.gone_to, *links.loaded]:
            parts = urlsplit(address)
            if parts.scheme or parts.netloc:
                continue
            target = (page.parent / unquote(parts.path)).resolve() if parts.path else page
            known = pages[target].names if target in pages else None
            if not target.exists() or (parts.fragment and known is not None and unquote(parts.fragment) not in known):
                lost.append((page.name, address))
    assert lost == []


def test_no_page_loads_anything_from_a_network(site):
    _, pages = site
    assert [address for links in pages.values() for address in links.loaded if urlsplit(address).netloc] == []


@pytest.mark.parametrize("link", ["gone.md", "index.md#no-such-part", "../studies/gone.yaml", "images/gone.png"])
def test_a_dead_link_fails(link, tmp_path):
    docs = tmp_path / "docs"
    docs.mkdir()
    shutil.copy(ROOT / "docs" / "conf.py", docs)
    shutil.copytree(ROOT / "docs" / "site", docs / "site")
    mark = "!" if link.endswith(".png") else ""
    (docs / "index.md").write_text(f"# Title\n\n{mark}[a link]({link})\n")
    done = build(tmp_path, tmp_path / "build")
    assert done.returncode != 0
    assert link.rpartition("#")[2].rpartition("/")[2].split(".")[0] in done.stderr
