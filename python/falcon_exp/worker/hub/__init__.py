"""The model hub: fetching a model's files, in a process of its own and before any clock runs."""
