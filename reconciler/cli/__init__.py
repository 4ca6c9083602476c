"""The command line: parse options, make one call, print its result. The only place with an environment."""
