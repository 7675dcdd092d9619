#!/usr/bin/env bash
# Scenario 3: a calls b, b calls c. Each goes through test, pre and prod by releases of its own; a and c are gray in prod at once.
set -euo pipefail

answers() { # answers PATH: what answers a request through a
  ask "$ENTRY$1" 'host: spring-cloud-a.appstack.local'
}
release() { # starts a release; its id
  sluice release "$@" -o json | field id
}
tags() { # of the pods in prod
  pods appstack-prod msePilotCreateAppName msePilotAutoEnable alicloud.service.tag
}

say 'Three applications are made of one template.'
for app in a b c; do
  sluice new "spring-cloud-$app" --template ./spring-cloud.yaml --values "$app.yaml" --apply
done

say 'The first version of each goes through test, pre and prod. Nothing stands there, so nobody is asked.'
first=()
for app in a b c; do first+=("$(release "spring-cloud-$app@v1" --reason 'the first')"); done
for id in "${first[@]}"; do sluice watch "$id"; done
expect 'spring-cloud-a v1 -> spring-cloud-b v1 -> spring-cloud-c v1' answers /
expect 'nacos.test:8848' pods appstack-test env:spring.cloud.nacos.discovery.server-addr
expect 'nacos.prod:8848' pods appstack-prod env:spring.cloud.nacos.discovery.server-addr

say 'v2 may not go to prod at once.'
refused sluice release spring-cloud-a@v2 -e prod

say 'So it goes through test and pre, that of a and that of c. In prod both come up gray, and each waits for its own people.'
a=$(release spring-cloud-a@v2 --reason 'team a')
c=$(release spring-cloud-c@v2 --reason 'team c')
until_status "$a" '"phase": "waiting_for_approval"'
until_status "$c" '"phase": "waiting_for_approval"'
expect 'spring-cloud-a v1 -> spring-cloud-b v1 -> spring-cloud-c v1' answers /
expect 'spring-cloud-a v2 -> spring-cloud-b v1 -> spring-cloud-c v2' answers '/?group=gray'

say 'What runs where, and the labels that MSE reads: the tag is on gray pods only.'
sluice env pre
sluice env prod
expect 'spring-cloud-a on -, spring-cloud-a on gray, spring-cloud-b on -, spring-cloud-c on -, spring-cloud-c on gray' tags

say 'Only ann may approve a.'
refused sluice approve "$a" --as ben
sluice approve "$a" --as ann --reason 'looks good'
sluice watch "$a"
expect 'spring-cloud-a v2 -> spring-cloud-b v1 -> spring-cloud-c v1' answers /
expect 'spring-cloud-a v2 -> spring-cloud-b v1 -> spring-cloud-c v2' answers '/?group=gray'

say 'chris rejects c: in prod all is as it was, and the lane is gone.'
sluice reject "$c" --as chris --reason 'wrong totals'
sluice watch "$c" && exit 1 || true
expect 'spring-cloud-a v2 -> spring-cloud-b v1 -> spring-cloud-c v1' answers '/?group=gray'
expect 'spring-cloud-a on -, spring-cloud-b on -, spring-cloud-c on -' tags

say 'b is changed in batches: one pod, and after a look all.'
b=$(release spring-cloud-b@v2 --reason 'team b')
until_status "$b" '"phase": "waiting_for_approval"'
sluice status "$b"
sluice approve "$b" --as ben --reason 'looks good'
sluice watch "$b"
expect 'spring-cloud-a v2 -> spring-cloud-b v2 -> spring-cloud-c v1' answers /
