"""The parts of the page, from the findings and the object with all numbers to HTML."""
