"""A study as one self-contained web page: what is shown as frozen values (`data/`), its drawing, and the page itself."""
