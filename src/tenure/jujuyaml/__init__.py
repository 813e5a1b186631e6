"""YAML as Juju 3.6 reads and writes it: the one reader and the one writer of all of Tenure.

Juju is built with a fork of Go's yaml.v2 in which some numbers are texts (`scalars`). Whoever reads
YAML here reads it through `reader`, and whoever writes it writes it through `writer`: a charm's
files, an action's parameters, what hook tools print. A second dialect would mangle what the first
wrote.
"""
