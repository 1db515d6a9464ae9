"""Annotations of data sets whose labels are in lists: EPIC-KITCHENS-100, Something-Something, two people's."""
