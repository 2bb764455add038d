"""What the first system called events, beside what ours find in the same market."""
