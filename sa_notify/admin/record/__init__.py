"""Pages of one record: details and edit form, each as a page and as a modal."""
