"""Any data set on disk -> manifest, protocols and their audit. A data set is one small file in `adapters/`."""
