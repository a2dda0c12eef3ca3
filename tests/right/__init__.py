"""Right results that the judge must not reject: random programs, confirmed by a channel that is not the judge."""
