"""Where the command starts, under a name that is the project's own.

`ops`, `tasks`, `workers` and `weights` are names that other distributions use, too. This package
imports none of them before it has looked whether they are ours.
"""
