#!/usr/bin/env bash
# Scenario 1: a calls b, b calls c. a and c get a new version, b does not, and no request ever meets a mixture.
set -euo pipefail

answers() { # what answers a request through a, with more headers if given
  ask "$ENTRY/" 'host: a.shop.local' "$@"
}
users() { # send requests all the time, and do not mind errors
  while true; do answers -n 100 >/dev/null 2>&1 || true; done
}

say 'The three teams declare their applications.'
sluice apply -f applications.yaml
expect 'a v1 -> b v1 -> c v1' answers

say 'a and c are released together; b is left alone. What is not approved goes back, and nothing is left of it.'
sluice plan a@v2 c@v2 --lane gray
release=$(sluice release a@v2 c@v2 --lane gray --reason 'not yet' -o json | field id)
until_status "$release" '"phase": "waiting_for_approval"'
sluice reject "$release" --reason 'not today'
until_status "$release" '"phase": "rolled_back"'
expect 'a v1 -> b v1 -> c v1' answers 'x-lane: gray'

say 'v3 of c fails now and then. Nobody sees it before the approval; at the first share the metrics do, and all goes back.'
users & trap "kill $!" EXIT
release=$(sluice release a@v2 c@v3 --lane gray --reason 'looks good, but is not' -o json | field id)
until_status "$release" '"phase": "waiting_for_approval"'
sluice approve "$release" --reason 'looks good'
sluice watch "$release" && exit 1 || true
expect 'a v1 -> b v1 -> c v1' answers -n 20

say 'With v2 of c instead.'
release=$(sluice release a@v2 c@v2 --lane gray --reason 'scenario 1' -o json | field id)
until_status "$release" '"phase": "waiting_for_approval"'

say 'Gray stands. A request without the tag takes the old way, one with the tag the new one, through the same b.'
expect 'a v1 -> b v1 -> c v1' answers
expect 'a v2 -> b v1 -> c v2' answers 'x-lane: gray'

say 'Somebody approves, and the share of the lane grows at the entry.'
sluice approve "$release" --reason 'looks good'
sluice watch "$release"

say 'Both are promoted, c before a, and the lane is gone.'
expect 'a v2 -> b v1 -> c v2' answers
expect 'a v2 -> b v1 -> c v2' answers 'x-lane: gray'
