"""What every process of a run needs, imported once for all of them by the server that forks them."""

from reconciler.model.collector import kept_for_good

with kept_for_good():  # looking for garbage in new modules takes 5 % of its start
    import reconciler.api.transport
    import reconciler.cli.execution
    import reconciler.pipeline.processes  # noqa: F401
