"""The page's plots, a file for each kind, from frozen values to SVG. Matplotlib is imported here alone."""
