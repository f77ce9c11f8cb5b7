"""Who asks, and for what: options, commands, and the words for times."""
