"""Speed, measured: each file prints its figures beside a peer's or a limit's in the same run."""
