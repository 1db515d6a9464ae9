"""Stage: clips -> keyframes; the only room that knows Katna."""
