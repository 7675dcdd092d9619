import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { FakeObjects } from '../../test/fakes/kube-objects.js';
import { routeOf } from '../../test/fakes/route.js';
import type { Cluster } from '../kubernetes/client.js';
import { footprintKey } from './footprint.js';
import { disown } from './ownership.js';

const route = routeOf('istio');
const path = '/apis/networking.istio.io/v1/namespaces/shop/virtualservices/web';
const by = (manager: string, field: string): object => ({ manager, fieldsV1: { 'f:spec': { [field]: {} } } });
const user = by('argocd-controller', 'f:hosts');
const ours = by('sluice', 'f:http');

let kube: FakeObjects;
let cluster: Cluster;
beforeEach(async () => {
  kube = new FakeObjects();
  cluster = await kube.start();
  put([user, ours]);
});
afterEach(() => kube.stop());

function put(managedFields: object[], annotations: Record<string, string> = {}): void {
  kube.put(path, { metadata: { name: 'web', managedFields, annotations }, spec: { http: [] } });
}
const owners = (): unknown => kube.get(path).metadata.managedFields;
const give = () => disown(cluster, route, new AbortController().signal);

describe('giving up the rules of a route', () => {
  it('takes our name off, and only that, in a compare-and-set; again it does nothing', async () => {
    await give();
    expect(owners()).toEqual([user]);
    const { body } = kube.calls.at(-1)!;
    expect(Object.keys(body)).toEqual(['metadata']);
    expect(Object.keys(body['metadata'] as object)).toEqual(['resourceVersion', 'managedFields']);
    await give();
    expect(kube.count('PATCH')).toBe(1);
  });

  it('empties a list with nobody else in it', async () => {
    put([ours]);
    await give();
    expect(owners()).toEqual([{}]);
  });

  it('leaves a route alone that a release holds, and one that is gone', async () => {
    const note = { release: 'r2', seq: 1, gray: 'web-gray', left: 'x', origins: [] };
    put([user, ours], { [footprintKey(route)]: JSON.stringify(note) });
    await give();
    kube.remove(path);
    await give();
    expect(kube.count('PATCH')).toBe(0);
  });

  it('reads again when somebody was faster', async () => {
    const rival = by('kubectl-edit', 'f:http');
    kube.beforePatch = () => {
      kube.beforePatch = () => undefined;
      put([user, rival, ours]);
    };
    await give();
    expect(owners()).toEqual([user, rival]);
  });

  it('keeps no release from ending: what is refused stays as it is', async () => {
    kube.fail('PATCH', { status: 403, message: 'a webhook denied the request' });
    await give();
    expect(owners()).toEqual([user, ours]);
  });
});
