"""Class -> keywords, versioned: curated here (`lists/`), published in a notebook, or asked of a model."""
