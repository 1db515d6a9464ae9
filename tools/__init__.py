"""What keeps the repository in shape; no stage imports it."""
