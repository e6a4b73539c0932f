"""Who proposes edits, how they are ordered and tried, and how the good ones reach the disk."""
