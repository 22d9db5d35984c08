"""Training a pack: slots, optimizer groups, epochs, and what is recorded of them."""
