"""Commands beside those of `cli`, a module for each group of them."""
