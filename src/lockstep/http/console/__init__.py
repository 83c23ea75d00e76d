"""The operator's pages: rendered here, live, without a script or style in a page itself. Templates lie beside this."""
