"""Values that flow through the pipeline. Frozen; nothing here does I/O."""
