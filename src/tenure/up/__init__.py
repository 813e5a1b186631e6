"""`tenure up`: the one who starts a house's processes, keeps them running, and ends them.

Nothing here decides about leadership. If `up` dies, its children end with it: they hold the other
end of a pipe from it as their stdin.
"""
