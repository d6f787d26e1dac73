"""The doors: Discord and the terminal, and the one place that puts the bar together."""
