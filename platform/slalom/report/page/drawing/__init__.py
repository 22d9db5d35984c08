"""The page's plots, a file for each kind, from frozen values to SVG. Slalom imports matplotlib in this package alone."""
