"""Studies at set times: what is due, who runs it, and what came of it."""
