"""Other libraries, one file each: its adapter, and the conventions by which its numbers relate to ours."""
