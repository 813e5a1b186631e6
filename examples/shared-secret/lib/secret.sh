# What the hooks share. The secret is never printed or logged: the first digits of its hash are.

set -euo pipefail
cd "$JUJU_CHARM_DIR"

fingerprint() {
    printf %s "$1" | sha256sum | cut -c 1-8
}

# The leader makes the secret, unless an earlier leader did.
make_secret() {
    local secret
    # In a line of its own, because `[ -n "$(leader-get secret)" ]` would take a read that failed
    # for "there is none", and write over the secret.
    secret=$(leader-get secret)
    if [ -n "$secret" ]; then
        juju-log "kept the secret of an earlier leader"
        return
    fi
    secret=$(od -An -v -N 32 -t x1 /dev/urandom | tr -d ' \n')
    leader-set secret="$secret"
    juju-log "made secret $(fingerprint "$secret")"
}

# Every unit keeps the secret in a file of its own.
keep_secret() {
    local secret
    secret=$(leader-get secret)
    if [ -z "$secret" ]; then
        status-set waiting "for the leader to make the secret"
        return
    fi
    # Renamed into place, so that a reader never meets half of it.
    (umask 077 && printf %s "$secret" >secret.new)
    mv secret.new secret
    status-set active "has secret $(fingerprint "$secret")"
}
