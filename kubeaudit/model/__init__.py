"""The typed cluster: objects as Structs, workload classes, selectors as masks, and what of it is incomplete."""
