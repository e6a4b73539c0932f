"""Models as their clients see them: the local server, started where none runs, and other endpoints."""
