"""The programs here need packages that the tests do not: they are no tests."""

collect_ignore_glob = ["make_*.py"]
