"""The local model, served: its speed beside llama.cpp's own, what its server holds and how soon it answers."""
