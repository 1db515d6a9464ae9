"""The methods of a data set: records of params.yaml, and the list of them that travels with what is measured."""
