"""What would leave this machine by `git push` and `dvc push`: a list, and checks that refuse licensed material."""
