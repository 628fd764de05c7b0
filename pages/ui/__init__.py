"""What the pages share: the router, the run manager and widgets."""
