"""One module for each way in which people's labels are kept on disk."""
