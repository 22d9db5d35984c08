"""How `make docs` builds the documentation's site: by Sphinx, which is told to fail at a dead link.

Its source is the whole repository, so that links between pages are the same here and in the repository.
"""

project = "Slalom"
author = "the authors of Slalom"
html_title = "Slalom"

extensions = ["myst_parser"]
root_doc = "docs/index"
include_patterns = ["docs/*.md", "deploy/README.md", "CHANGELOG.md", "CONTRIBUTING.md"]
exclude_patterns = [".*", "build", "dist", "platform", "slalom-home", "studies", "test-output", "tests", "workers"]

myst_heading_anchors = 4  # links name headings as GitHub does

html_theme = "furo"
html_extra_path = ["site"]
html_copy_source = False
html_show_sphinx = False
