"""Handlers of flags and of hooks, as charms.reactive runs them until no flag changes any more."""

import json
import os

from charmhelpers.core import hookenv, unitdata
from charms.reactive import hook, is_flag_set, set_flag, toggle_flag, when, when_not


def note(what, **more):
    with open("seen", "a") as file:
        file.write(json.dumps({"hook": hookenv.hook_name(), "what": what, **more}) + "\n")


@when_not("witness.installed")
def install():
    set_flag("witness.installed")
    note("installed")


@hook("config-changed")
def configured():
    note("configured", word=hookenv.config("word"))


@hook("leader-elected", "leader-settings-changed", "update-status")
def leadership():
    toggle_flag("leadership.is_leader", hookenv.is_leader())
    hookenv.log("leads" if is_flag_set("leadership.is_leader") else "waits")


@when("leadership.is_leader")
@when_not("witness.secret")
def make_secret():
    if not hookenv.leader_get("secret"):
        hookenv.leader_set(secret=os.urandom(8).hex())
    set_flag("witness.secret")
    note("made")


@when_not("leadership.is_leader")
def follow():
    unitdata.kv().set("secret", hookenv.leader_get("secret"))
    note("follows", secret=hookenv.leader_get("secret"))


@hook("ring-relation-joined", "ring-relation-changed")
def peers():
    hookenv.relation_set(name=hookenv.local_unit())
    names = [
        hookenv.relation_get("name", unit, rid)
        for rid in hookenv.relation_ids("ring")
        for unit in hookenv.related_units(rid)
    ]
    note("peers", names=names)


@when("witness.installed")
def report():
    leads = is_flag_set("leadership.is_leader")
    hookenv.status_set("active", "leads" if leads else "follows")
