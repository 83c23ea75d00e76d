"""The operator's pages, templates beside them."""
