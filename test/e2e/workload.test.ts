import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Deployment } from '../../activities/kubernetes/objects.js';
import { applyObjects } from '../../infra/local/apply.js';
import type { KubeObject } from '../../infra/local/kube.js';
import { until } from '../../infra/local/parts.js';
import { sampleObjects } from '../../infra/local/sample.js';
import { failureOf, Shop } from './shop.js';

const namespace = 'workload-test';
const shop = new Shop(namespace);
const absent = (path: string) => expect(shop.kube.get(path)).rejects.toMatchObject({ status: 404 });

beforeAll(async () => {
  await Promise.all([
    shop.push('v1'),
    shop.push('v2'),
    shop.push('v3'),
    shop.push('slow', { NEVER_READY: '1' }),
    shop.push('crash', { CRASH: 'cannot reach the database with PASSWORD=hunter2' }),
  ]);
});
afterAll(() => shop.remove());

describe('gray beside stable', () => {
  it('is a clone that becomes ready, and no baseline Service ever finds it', async () => {
    const stable = await shop.install('clone');
    const stop = new AbortController();
    const found: string[] = [];
    const watching = (async () => {
      const { metadata } = await shop.kube.get<{ metadata: { resourceVersion: string } }>(shop.paths.slices);
      const query = `${shop.paths.slices}?labelSelector=kubernetes.io%2Fservice-name%3Dclone`;
      for await (const { object } of shop.kube.watch(query, metadata.resourceVersion, stop.signal)) {
        const { endpoints } = object as { endpoints?: { targetRef?: { name: string } }[] };
        found.push(...(endpoints ?? []).map((e) => e.targetRef?.name ?? ''));
      }
    })().catch(() => undefined);
    const begun = Date.now();
    const { changed, findings } = await shop.run('deployGray', shop.target('clone', 'v2'));
    const took = Date.now() - begun;
    const requests = await shop.requestsSince(begun);
    console.log(`gray of 2 pods: ${took} ms, ${requests.length} requests: ${requests.join(', ')}`);
    expect(changed).toBe(true);
    expect(findings.map((f) => f.kind)).toEqual(['manifest', 'pods']);
    expect(findings[1]?.data).toMatchObject([
      { ready: true, digest: shop.digests.get('v2') },
      { ready: true, digest: shop.digests.get('v2') },
    ]);

    const gray = await shop.deployment('clone-gray');
    const [container] = gray.spec.template.spec?.containers ?? [];
    expect({ ...container, image: shop.tagged('v1') }).toEqual(stable.spec.template.spec?.containers?.[0]);
    expect({ ...gray.spec.template.spec, containers: [] }).toEqual({
      ...stable.spec.template.spec,
      containers: [],
    });
    const pods = await shop.items(shop.paths.pods('sluice.dev/lane=gray,sluice.dev/application=clone'));
    expect(pods).toHaveLength(2);
    await until('the gray Service finds them', async () => {
      const own = await shop.items(
        `${shop.paths.slices}?labelSelector=kubernetes.io%2Fservice-name%3Dclone-gray`,
      );
      const { endpoints } = own[0] as unknown as { endpoints: { targetRef: { name: string } }[] };
      const behind = endpoints.map((e) => e.targetRef.name);
      expect(behind.sort()).toEqual(pods.map((p) => p.metadata.name).sort());
    });
    stop.abort();
    await watching;
    expect(found.filter((name) => name.includes('-gray-'))).toEqual([]);
  });

  it('is left as it is when asked for again, and only made larger', async () => {
    const before = await shop.deployment('clone-gray');
    expect(await shop.run('deployGray', shop.target('clone', 'v2'))).toMatchObject({ changed: false });
    expect((await shop.deployment('clone-gray')).metadata.generation).toBe(before.metadata.generation);
    const begun = Date.now();
    expect(await shop.run('deployGray', shop.target('clone', 'v2'), { replicas: 4 })).toMatchObject({
      changed: true,
    });
    console.log(`scaled: ${(await shop.requestsSince(begun)).join(', ')}`);
    const scaled = await shop.deployment('clone-gray');
    expect({ ...scaled.spec, replicas: 2 }).toEqual(before.spec);
    expect(scaled.status?.availableReplicas).toBe(4);
    expect(await shop.run('deployGray', shop.target('clone', 'v2'), { replicas: 1 })).toMatchObject({
      changed: false,
    });
    expect((await shop.deployment('clone-gray')).spec.replicas).toBe(4);
  });

  it('takes the place of what an earlier release left', async () => {
    const { metadata } = await shop.deployment('clone-gray');
    await until('a second has passed since it was made', async () =>
      expect(Date.now()).toBeGreaterThan(Date.parse(String(metadata['creationTimestamp'])) + 1_000),
    );
    await shop.run('deployGray', shop.target('clone', 'v3'), { release: 'r2', replicas: 1 });
    const gray = await shop.deployment('clone-gray');
    expect(gray.metadata.uid).not.toBe(metadata.uid);
    expect(gray.metadata.labels?.['sluice.dev/release']).toBe('r2');
    const pods = await shop.items(shop.paths.pods('sluice.dev/application=clone'));
    expect(pods.map((p) => p.metadata.labels?.['sluice.dev/release'])).toEqual(['r2']);
  });

  it('is removed without a trace, twice, and stable is what it was', async () => {
    const stable = await shop.deployment('clone');
    const last = lastOf('clone-gray');
    expect(await shop.run('removeGray', shop.target('clone', 'v3'), { release: 'r2' })).toMatchObject({
      changed: true,
    });
    // Its Service was there until its last pod had gone.
    expect(await last).toMatchObject({ spec: { replicas: 0 }, status: { observedGeneration: 2 } });
    expect((await last).status?.replicas ?? 0).toBe(0);
    await absent(shop.paths.deployment('clone-gray'));
    await absent(`${shop.paths.services}/clone-gray`);
    expect(await shop.items(shop.paths.pods('sluice.dev/application=clone'))).toEqual([]);
    expect(await shop.items(shop.paths.replicaSets('sluice.dev/application=clone'))).toEqual([]);
    expect(await shop.run('removeGray', shop.target('clone', 'v3'), { release: 'r2' })).toEqual({
      changed: false,
      findings: [],
    });
    const after = await shop.deployment('clone');
    expect({
      spec: after.spec,
      labels: after.metadata.labels,
      annotations: after.metadata.annotations,
    }).toEqual({
      spec: stable.spec,
      labels: stable.metadata.labels,
      annotations: stable.metadata.annotations,
    });
  });

  it('neither takes nor removes what is not of Sluice', async () => {
    await shop.kube.create(shop.paths.services, {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name: 'clone-gray', namespace },
      spec: { ports: [{ port: 80 }], selector: { app: 'mine' } },
    });
    const failure = await failureOf(shop.run('deployGray', shop.target('clone', 'v2')));
    expect(failure).toMatchObject({
      code: 'gray_name_taken',
      message: expect.stringContaining('Service "clone-gray"'),
    });
    await shop.run('removeGray', shop.target('clone', 'v2'));
    await expect(shop.kube.get(`${shop.paths.services}/clone-gray`)).resolves.toBeDefined();
    await shop.kube.delete(`${shop.paths.services}/clone-gray`);
  });
});

/** A Deployment as it was when it went. */
async function lastOf(name: string): Promise<Deployment> {
  const path = shop.paths.deployment('').slice(0, -1);
  const { metadata } = await shop.kube.get<{ metadata: { resourceVersion: string } }>(path);
  const stop = new AbortController();
  return new Promise((resolve, reject) => {
    const follow = async (): Promise<void> => {
      for await (const { type, object } of shop.kube.watch(path, metadata.resourceVersion, stop.signal)) {
        if (type !== 'DELETED' || object.metadata.name !== name) continue;
        resolve(object as unknown as Deployment);
        stop.abort();
      }
    };
    follow().catch(reject);
  });
}

describe('a version that does not become ready', () => {
  const cases: [string, string, RegExp, number][] = [
    [
      'crashes: named with its last words, secrets masked',
      'crash',
      /(CrashLoopBackOff|terminated again and again).*cannot reach the database with PASSWORD=\*\*\*/,
      15_000,
    ],
    ['does not exist: named with the answer of the registry', 'absent', /ImagePullBackOff.*404/, 15_000],
  ];
  it.each(cases)('%s', async (_, version, expected, withinMs) => {
    await shop.install('broken', { replicas: 1 });
    if (version === 'absent') shop.digests.set(version, `sha256:${'0'.repeat(64)}`);
    const begun = Date.now();
    const failure = await failureOf(shop.run('deployGray', shop.target('broken', version), { replicas: 1 }));
    console.log(`${version}: ${Date.now() - begun} ms: ${failure.message}`);
    expect(failure).toMatchObject({ code: 'workload_not_ready', retryable: false });
    expect(failure.message).toMatch(expected);
    expect(Date.now() - begun).toBeLessThan(withinMs);
    await shop.run('removeGray', shop.target('broken', version));
  });

  it('finds no node: said at once, failed when the time is over', async () => {
    await shop.install('huge', { replicas: 1 });
    const stable = await shop.deployment('huge');
    const { containers } = stable.spec.template.spec!;
    const resources = { requests: { cpu: '1000' } };
    await shop.kube.patch(shop.paths.deployment('huge'), 'merge', {
      spec: { template: { spec: { containers: [{ ...containers?.[0], resources }] } } },
    });
    const begun = Date.now();
    const working = failureOf(
      shop.run('deployGray', shop.target('huge', 'v2', { progressDeadlineMs: 6_000 }), { replicas: 1 }),
    );
    await until('the status says so', async () => expect(shop.beats.at(-1)).toMatch(/Insufficient cpu/));
    expect(Date.now() - begun).toBeLessThan(5_000);
    expect((await working).message).toMatch(/not available within 6 s: .*Unschedulable.*Insufficient cpu/);
    await shop.run('removeGray', shop.target('huge', 'v2'));
  });

  it('exceeds a quota: named at once', async () => {
    await shop.install('quota', { replicas: 1 });
    const pods = (await shop.items(shop.paths.pods(''))).length;
    const quotas = `/api/v1/namespaces/${namespace}/resourcequotas`;
    await shop.kube.create(quotas, {
      apiVersion: 'v1',
      kind: 'ResourceQuota',
      metadata: { name: 'tight', namespace },
      spec: { hard: { pods: String(pods) } },
    });
    await until('the quota counts', async () =>
      expect(await shop.kube.get(`${quotas}/tight`)).toHaveProperty('status.used.pods'),
    );
    const begun = Date.now();
    const failure = await failureOf(shop.run('deployGray', shop.target('quota', 'v2'), { replicas: 2 }));
    console.log(`quota: ${Date.now() - begun} ms: ${failure.message}`);
    expect(failure.message).toMatch(/exceeded quota: tight/);
    expect(Date.now() - begun).toBeLessThan(10_000);
    await shop.run('removeGray', shop.target('quota', 'v2'));
    await shop.kube.delete(`${quotas}/tight`);
  });
});

describe('stable', () => {
  it('is promoted by its image alone, and put back exactly as it was spelled', async () => {
    const before = await shop.install('stable');
    const target = shop.target('stable', 'v2');
    expect(await shop.run('deployStable', target)).toMatchObject({ changed: true });
    const promoted = await shop.deployment('stable');
    expect(JSON.stringify(promoted.spec)).toBe(
      JSON.stringify(before.spec).replaceAll(shop.tagged('v1'), shop.byDigest('v2')),
    );
    expect(promoted.metadata.labels).toEqual(before.metadata.labels);
    expect(promoted.status).toMatchObject({ availableReplicas: 2, replicas: 2 });
    expect(await shop.run('deployStable', target)).toEqual({ changed: false, findings: [] });

    expect(await shop.run('revertStable', target)).toMatchObject({ changed: true });
    const reverted = await shop.deployment('stable');
    expect(reverted.spec).toEqual(before.spec);
    const begun = Date.now();
    expect(await shop.run('revertStable', target)).toEqual({ changed: false, findings: [] });
    expect(Date.now() - begun).toBeLessThan(10_000);
  });

  it('is waited for when a promotion is asked for again in its middle', async () => {
    const target = shop.target('stable', 'v3');
    await shop.kube.patch(shop.paths.deployment('stable'), 'strategic', {
      spec: { template: { spec: { containers: [{ name: 'app', image: shop.byDigest('v3') }] } } },
    });
    const { changed, findings } = await shop.run('deployStable', target);
    expect(changed).toBe(false);
    expect(findings[0]?.data).toMatchObject([
      { digest: shop.digests.get('v3') },
      { digest: shop.digests.get('v3') },
    ]);
    await shop.run('revertStable', target);
  });

  it('that somebody else changed is neither promoted nor reverted', async () => {
    const target = shop.target('stable', 'v2', { stableImage: shop.tagged('v0') });
    expect(await failureOf(shop.run('deployStable', target))).toMatchObject({ code: 'workload_changed' });
    const { changed, findings } = await shop.run('revertStable', target);
    expect(changed).toBe(false);
    expect(findings[0]?.summary).toContain('somebody else set');
    expect((await shop.deployment('stable')).spec.template.spec?.containers?.[0]?.image).toBe(
      shop.tagged('v1'),
    );
  });

  it('whose promotion crashes is named at once, and put back', async () => {
    const target = shop.target('stable', 'crash');
    const failure = await failureOf(shop.run('deployStable', target));
    expect(failure.message).toContain('cannot reach the database');
    expect(await shop.run('revertStable', target)).toMatchObject({ changed: true });
    expect((await shop.deployment('stable')).status).toMatchObject({ availableReplicas: 2, replicas: 2 });
  });

  it('is put back although Kubernetes has given the promotion up', async () => {
    await shop.kube.patch(shop.paths.deployment('stable'), 'merge', { spec: { progressDeadlineSeconds: 2 } });
    const target = shop.target('stable', 'slow');
    expect((await failureOf(shop.run('deployStable', target))).message).toContain('ProgressDeadlineExceeded');
    expect(await shop.run('revertStable', target)).toMatchObject({ changed: true });
    expect((await shop.deployment('stable')).status).toMatchObject({ availableReplicas: 2, replicas: 2 });
  });

  it('of a first release is created from the manifest, and removed by its undoing', async () => {
    const manifest = structuredClone(
      sampleObjects({ namespace, name: 'first', image: 'anything', replicas: 1 }).find(
        (o) => (o as KubeObject).kind === 'Deployment',
      ),
    ) as Record<string, unknown>;
    await applyObjects(shop.kube, [
      { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'first-config', namespace }, data: {} },
    ]);
    const target = shop.target('first', 'v1', { manifest, stableImage: null, route: null });
    expect(await shop.run('deployStable', target)).toMatchObject({ changed: true });
    expect((await shop.deployment('first')).spec.template.spec?.containers?.[0]?.image).toBe(
      shop.byDigest('v1'),
    );
    expect(await shop.run('deployStable', target)).toEqual({ changed: false, findings: [] });
    expect(await shop.run('revertStable', target, { release: 'other' })).toEqual({
      changed: false,
      findings: [],
    });
    expect(await shop.run('revertStable', target)).toMatchObject({ changed: true });
    await absent(shop.paths.deployment('first'));
    expect(await shop.items(shop.paths.pods('app=first'))).toEqual([]);
  });

  it('that does not exist and has no manifest is named', async () => {
    const target = shop.target('nowhere', 'v1', { stableImage: null });
    expect(await failureOf(shop.run('deployStable', target))).toMatchObject({ code: 'workload_unknown' });
    expect(await shop.run('revertStable', target)).toEqual({ changed: false, findings: [] });
  });
});
