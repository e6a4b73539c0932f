"""What an editor shows of what is known: code actions, hints, explanations."""
