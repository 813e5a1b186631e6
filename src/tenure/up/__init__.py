"""`tenure up`: the one who starts all processes on this machine, keeps them running, ends them.

Nothing here decides about leadership. If `up` dies, its children end with it: they hold the other
end of a pipe from it as their stdin.
"""
