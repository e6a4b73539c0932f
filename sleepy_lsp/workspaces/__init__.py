"""One cargo workspace each: when its worker is asked what, and what is known of its present text."""
