"""The texts that an editor has open, and the way between its positions and our bytes."""
