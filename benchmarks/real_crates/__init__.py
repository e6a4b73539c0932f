"""Real crates, broken the way people break them: what share each repairer brings back."""
