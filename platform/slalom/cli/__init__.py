"""Groups of subcommands, a file each: its parser and its handlers."""
