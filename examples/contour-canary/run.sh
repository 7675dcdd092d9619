#!/usr/bin/env bash
# Scenario 4: the weights of a child HTTPProxy move step by step, and go back in one write.
set -euo pipefail

answers() { # which versions answer 60 requests through the root
  ask -n 60 "$ENTRY/" 'host: www.example.com'
}
expect() { # expect WANTED COMMAND...
  local got
  got=$("${@:2}")
  echo "  ${*:2}: $got"
  [[ $got == "$1" ]] || { echo "expected: $1" >&2; exit 1; }
}
field() { # the first field of that name in JSON
  sed -n "0,/\"$1\"/s/.*\"$1\": \"\([^\"]*\)\".*/\1/p"
}
until_weight() {
  for _ in {1..120}; do
    [[ $(sluice status "$1" -o json | grep -c "\"grayWeight\": $2\$") -gt 0 ]] && return
    sleep 0.2
  done
  echo "release $1 did not get to $2 % in time" >&2
  exit 1
}
say() { printf '\n%s\n' "$*"; }

say 'The team declares its application. The root in namespace edge sends everything to the child in namespace shop.'
sluice apply -f applications.yaml
expect 'shop v1' answers

say 'v2 gets 5 %, and somebody sets 50 %. Then it is aborted: the weights go back in one write.'
release=$(sluice release shop@v2 --reason 'scenario 4' -o json | field id)
until_weight "$release" 5
sluice weight "$release" 50 --reason 'nobody complains'
until_weight "$release" 50
expect 'shop v1, shop v2' answers
sluice abort "$release" --reason 'a customer complains'
sluice watch "$release" && exit 1 || true
expect 'shop v1' answers

say 'Again. At 5 % somebody is in a hurry and promotes.'
release=$(sluice release shop@v2 --reason 'mended' -o json | field id)
until_weight "$release" 5
sluice promote "$release" --reason 'it was no fault of ours'
sluice watch "$release"
expect 'shop v2' answers

say 'And back to v1, after the end.'
sluice rollback shop --reason 'after all' --wait
expect 'shop v1' answers
