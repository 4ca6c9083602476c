"""Values that flow through the pipeline, and what their parts mean. Frozen; nothing here does I/O."""
