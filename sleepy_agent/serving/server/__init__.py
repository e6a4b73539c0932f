"""The process of `sleepy serve`: who may ask, who is answered next, and in which shape."""
