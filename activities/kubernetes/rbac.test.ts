import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { parseAllDocuments } from 'yaml';
import { routerNames } from '../../domain/traffic.js';
import { policyKinds } from './policies/kinds.js';
import { missingRights, neededRights, type ResourceRule } from './rules.js';

describe('infra/kubernetes/rbac.yaml', () => {
  const text = readFileSync(new URL('../../infra/kubernetes/rbac.yaml', import.meta.url), 'utf8');
  const documents = parseAllDocuments(text).map((d) => d.toJS() as { kind: string; rules: ResourceRule[] });
  const role = documents[0]!;
  const wide = documents.find((d) => d.kind === 'ClusterRole')!;

  it.each(routerNames)('grants all that a release with %s needs', (router) => {
    expect(missingRights(role.rules, neededRights({ router, route: 'web' }))).toEqual([]);
  });

  it('grants what copies of policies need', () => {
    const verbs = ['list', 'watch', 'create', 'delete'];
    const needs = policyKinds.flatMap(({ resource }) =>
      verbs.map((verb) => ({ resource, verb, name: null })),
    );
    expect(needs).toHaveLength(40);
    expect(missingRights(role.rules, needs)).toEqual([]);
  });

  it('grants in the whole cluster to read what can be about pods of another namespace, and nothing else', () => {
    const needs = policyKinds
      .filter(({ abroad }) => abroad !== null)
      .flatMap(({ resource }) => ['list', 'watch'].map((verb) => ({ resource, verb, name: null })));
    expect(needs).toHaveLength(14);
    expect(missingRights(wide.rules, needs)).toEqual([]);
    const verbs = new Set(wide.rules.flatMap((rule) => rule.verbs ?? []));
    expect(verbs).toEqual(new Set(['get', 'list', 'watch']));
    expect(wide.rules.flatMap((rule) => rule.resources ?? [])).toHaveLength(8);
  });

  it('grants nothing over secrets, and no wildcard', () => {
    const words = role.rules.flatMap((r) => [
      ...(r.verbs ?? []),
      ...(r.resources ?? []),
      ...(r.apiGroups ?? []),
    ]);
    expect(words).not.toContain('*');
    expect(words).not.toContain('secrets');
  });
});
