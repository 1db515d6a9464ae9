"""What makes a cell ask again that had errors: each data set's counts of them, at nought before anything is asked."""
