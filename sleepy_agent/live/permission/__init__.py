"""Where nothing may be done in the background, and why."""
