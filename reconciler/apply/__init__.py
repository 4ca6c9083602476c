"""Execute a plan: update, create, delete, replace; verify, record, recover; store new secrets."""
