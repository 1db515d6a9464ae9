"""HHIRChat: clips of two people as conversations about three videos, as a table and as the paper's JSON."""
