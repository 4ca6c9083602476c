"""What the commands do between parsed options and printed results."""
