"""From desired and live objects to a plan, its limits and its saved file."""
