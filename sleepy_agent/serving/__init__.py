"""The local model and its adapters: what asks it, what serves it, and the files it is made of."""
