"""The models of this user: known, fetched, chosen, removed."""
