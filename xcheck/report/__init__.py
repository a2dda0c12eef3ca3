"""Reports: results to the terminal; nothing here runs mathematics."""
