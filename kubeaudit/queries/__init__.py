"""Questions to a world, one module each: reach, the whole relation, who can do what. Pure; the command line prints."""
