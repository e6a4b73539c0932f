"""What became of an offer, and what developers write themselves: decided from texts alone."""
