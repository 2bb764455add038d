"""No tests here: these modules import what only their own environments have."""

collect_ignore_glob = ["*.py"]
