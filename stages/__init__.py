"""All code of the study, one room a stage; see README.md for the graph."""
