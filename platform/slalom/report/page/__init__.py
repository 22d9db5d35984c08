"""A study as one web page: what is shown, as frozen values (`data/`), its drawing, and the page itself."""
