"""Published and rendered annotations of data sets whose labels are in lists: kitchens, hands and things, two people."""
