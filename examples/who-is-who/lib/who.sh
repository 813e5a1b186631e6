# What the hooks share: say who we are, gather the roster if we lead, show it.

set -euo pipefail
cd "$JUJU_CHARM_DIR"

unit=$JUJU_UNIT_NAME
app=${unit%/*}

# All hooks end here. Each step is right for what it finds, so any hook may run twice.
tell() {
    local relation leads
    # Nothing before the relation was created, and nothing after it was broken.
    relation=$(relation-ids peers)
    if [ -z "$relation" ]; then return; fi
    # In a line of its own: a belief that is not known ends the hook, which is then retried.
    leads=$(is-leader)
    introduce "$relation" "$leads"
    if [ "$leads" = True ]; then gather "$relation"; fi
    show "$relation"
}

# Our own bag: our name, whether we believe to lead, and since when.
introduce() {
    if [ "$2" != True ]; then
        rm -f led-since
        relation-set -r "$1" name="$unit" leads=False since=
        return
    fi
    if [ ! -e led-since ]; then date -u +%H:%M:%S >led-since; fi
    relation-set -r "$1" name="$unit" leads=True since="$(cat led-since)"
}

# The application's bag, which the leader alone may write: all names, its own as the leader's.
gather() {
    local roster
    roster=$(members "$1" | sed '/^$/d' | sort -V | paste -s -d ' ')
    relation-set -r "$1" --app roster="$roster" leader="$unit" since="$(cat led-since)"
}

# Whoever has said its name, one in a line.
members() {
    local other others
    echo "$unit"
    others=$(relation-list -r "$1")
    for other in $others; do
        relation-get -r "$1" name "$other"
    done
}

# A minion may read its own application's bag: among peers it is everybody's.
show() {
    local roster leader since
    roster=$(relation-get -r "$1" --app roster "$app")
    leader=$(relation-get -r "$1" --app leader "$app")
    since=$(relation-get -r "$1" --app since "$app")
    if [ -z "$leader" ]; then
        status-set waiting "nobody has told who leads"
    else
        status-set active "$leader leads since $since: $roster"
    fi
}
