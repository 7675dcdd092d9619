#!/usr/bin/env bash
# Scenario 3: a calls b, b calls c. The teams of a and of c release on their own, each with its own approval, in one lane.
set -euo pipefail

answers() { # answers PATH: what answers a request through a
  ask "$ENTRY$1" 'host: a.teams.local'
}

say 'The teams declare their applications.'
sluice apply -f applications.yaml
expect 'a v1 -> b v1 -> c v1' answers /

say 'Both teams release, and know nothing of each other.'
first=$(sluice release a@v2 --reason 'team a' -o json | field id)
second=$(sluice release c@v2 --reason 'team c' -o json | field id)
until_status "$first" '"phase": "waiting_for_approval"'
until_status "$second" '"phase": "waiting_for_approval"'

say 'The lane has both: group=gray leads through the new a and the new c, everybody else comes to neither.'
expect 'a v1 -> b v1 -> c v1' answers /
expect 'a v2 -> b v1 -> c v2' answers '/?group=gray'

say 'Team a approves, and is done. Nobody has approved c: only group=gray comes to it, and still does.'
sluice approve "$first" --reason 'a looks good'
sluice watch "$first"
expect 'a v2 -> b v1 -> c v1' answers /
expect 'a v2 -> b v1 -> c v2' answers '/?group=gray'

say 'Team c approves. The last has left, and the lane is gone.'
sluice approve "$second" --reason 'c looks good'
sluice watch "$second"
expect 'a v2 -> b v1 -> c v2' answers /
expect 'a v2 -> b v1 -> c v2' answers '/?group=gray'
