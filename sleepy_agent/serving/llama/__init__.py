"""The engine that runs a GGUF model with llama.cpp: prompts read, answers written, states kept."""
